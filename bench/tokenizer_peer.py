#!/usr/bin/env python3
"""Tokens a second of ctt's tokenizer and of `tokenizers` (PyPI) in its batch mode, each on one core, round by round
in turn on the same texts; prints the medians and the ratio.

usage: tokenizer_peer.py BENCH_TOKENIZER MODEL_FOLDER FILE.jsonl... [--rounds 9]
(BENCH_TOKENIZER is built from bench/tokenizer_bench.cc)"""
import os

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import argparse
import json
import statistics
import subprocess
import time

from tokenizers import Tokenizer

TOKENS_MAX = 256


def read(files):
    for name in files:
        with open(name, encoding="utf-8") as file:
            for line in file:
                yield " ".join(json.loads(line)["text"].splitlines())


def reference_speeds(tokenizer, texts):
    """Of both batch calls: the fast one leaves the offsets out."""
    for encode in (tokenizer.encode_batch, tokenizer.encode_batch_fast):
        start = time.perf_counter()
        tokens = sum(len(answer.ids) for answer in encode(texts))
        yield tokens / (time.perf_counter() - start)


def own_speed(program, model, texts):
    lines = "".join(text + "\n" for text in texts).encode()
    answer = subprocess.run([program, model, "2"], input=lines, stdout=subprocess.PIPE, check=True).stdout
    last = json.loads(answer.splitlines()[-1])  # The first round warms up.
    return last["tokens"] / last["seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    texts = list(read(args.files))
    tokenizer = Tokenizer.from_file(f"{args.model}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKENS_MAX)
    own, reference, ratios = [], [], []
    for _ in range(args.rounds):
        own.append(own_speed(args.program, args.model, texts))
        reference.append(max(reference_speeds(tokenizer, texts)))
        ratios.append(own[-1] / reference[-1])
    print(json.dumps({"texts": len(texts), "ctt": round(statistics.median(own)),
                      "tokenizers": round(statistics.median(reference)),
                      "ratio": round(statistics.median(ratios), 2)}))


if __name__ == "__main__":
    main()
