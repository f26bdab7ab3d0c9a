"""Learns every open task in the default configuration, beside baselines, and writes ACCURACY.md.

usage: bench/accuracy/run --ctt build/release/ctt --model models/all-MiniLM-L6-v2 --data FOLDER [--engine i8|f32] [--tasks GLOB,GLOB]
                          [--parts ctt,baselines] [--no-few-shot] [--minutes M] [--work FOLDER] [--output FILE]

DATA/SOURCE/TASK holds train.jsonl, test.jsonl and perhaps oos.jsonl. Nothing is chosen for a task, and no test row is seen while learning.
Each task's result is kept under --work (those of ctt by the digest of the binary), so that a run that was interrupted, or that --minutes
ended, goes on where it was. The page holds what is there.
"""
import argparse
import hashlib
import json
import os
import pathlib
import sys
import time

import page
from open_tasks import open_tasks

ROOT = pathlib.Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ctt", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--engine", choices=["i8", "f32"], default="i8")
    parser.add_argument("--tasks", default="*", help="patterns of SOURCE/TASK, by commas")
    parser.add_argument("--parts", default="ctt,baselines")
    parser.add_argument("--no-few-shot", action="store_true", help="ctt with all rows only")
    parser.add_argument("--minutes", type=float, default=1e9, help="no task is begun after this long")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--work", default=str(ROOT / "build" / "accuracy"))
    parser.add_argument("--output", default=str(ROOT / "bench" / "ACCURACY.md"))
    return parser.parse_args()


class Kept:
    """Results by task, a file each."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, task):
        return self.folder / (task.name.replace("/", ":") + ".json")

    def get(self, task):
        path = self.path(task)
        return json.loads(path.read_text()) if path.exists() else None

    def put(self, task, result):
        part = self.path(task).with_suffix(".part")
        part.write_text(json.dumps(result, indent=1))
        part.rename(self.path(task))


def main():
    args = arguments()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(args.threads)
    import baselines  # After the variables that NumPy reads.
    from product import Product

    digest = hashlib.sha256(pathlib.Path(args.ctt).read_bytes()).hexdigest()[:12]
    work = pathlib.Path(args.work)
    ours = Kept(work / f"ctt-{args.engine}-{digest}" / ("all-rows" if args.no_few_shot else "few-shot"))
    theirs = Kept(work / "baselines")
    product = Product(args.ctt, args.model, args.engine, args.threads)
    embedder = Product(args.ctt, args.model, "f32", args.threads)
    tasks = open_tasks(args.data, args.tasks.split(","))
    makers = {"ctt": (ours, lambda task: product.measure(task, not args.no_few_shot)),
              "baselines": (theirs, lambda task: baselines.measure(embedder, task))}
    end = time.monotonic() + 60 * args.minutes
    for task in tasks:
        for part in args.parts.split(","):
            kept, make = makers[part]
            if kept.get(task) is not None or time.monotonic() > end:
                continue
            began = time.monotonic()
            kept.put(task, make(task))
            print(f"{task.name} {part} {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    page.write(pathlib.Path(args.output), tasks, ours, theirs, args.engine, ROOT)


if __name__ == "__main__":
    main()
