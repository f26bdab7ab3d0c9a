"""Runs ctt beside ONNX Runtime, CTranslate2 and OpenVINO on the same texts, interleaved, and prints ratios.

usage: bench/peers/run --ctt build/release/ctt --latency build/release/bench/bench_encoder
                       --model models/all-MiniLM-L6-v2 --data FOLDER [--work FOLDER] [--rounds 5] [--peers a,b]

Two threads. Every peer first chooses, for each workload, its best batch size and layout: 1x2 = one process on
two threads, 2x1 = two processes of one thread, each with half of the texts. Then rounds A B C A B C ...;
the median counts. tokens/s are real tokens, [CLS] and [SEP] included, no padding, no tokenising.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

import texts

HERE = os.path.dirname(os.path.abspath(__file__))
F32_PEERS = ["ort:f32", "ort:fused", "ct2:float32", "openvino:f32"]
FAST_PEERS = ["ort:q7", "ort:q8", "ort:fused_q8", "ort:fused_u8", "ct2:int8", "ct2:int8_bfloat16", "openvino:bf16",
              "openvino:int8"]
BATCHES = {"short": (16, 32, 64, 128), "medium": (1, 4, 8, 16), "long": (1, 2, 4, 8)}
LAYOUTS = {"1x2": (1, 2), "2x1": (2, 1)}  # processes, threads of each


class Worker:
    def __init__(self, peer, models, threads):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), KMP_BLOCKTIME="1")
        self.process = subprocess.Popen([sys.executable, f"{HERE}/worker.py", peer, models, str(threads)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
        self.receive()

    def send(self, command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the peer ended")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Peer:
    def __init__(self, name, models):
        self.name, self.best = name, {}
        self.workers = {"1x2": [Worker(name, models, 2)], "2x1": [Worker(name, models, 1) for _ in range(2)]}

    def tokens_per_second(self, ids, batch, layout, share=1):
        """Of one in `share` texts."""
        workers = self.workers[layout]
        for part, worker in enumerate(workers):
            worker.send({"ids": ids, "batch": batch, "part": part, "parts": share * len(workers)})
        answers = [worker.receive() for worker in workers]
        return sum(a["tokens"] for a in answers) / max(a["seconds"] for a in answers)

    def tune(self, workload, ids):
        speeds = {}
        for layout in LAYOUTS:
            for batch in BATCHES[workload]:
                speeds[batch, layout] = max(self.tokens_per_second(ids, batch, layout, 3) for _ in range(2))
        self.best[workload] = max(speeds, key=speeds.get)

    def measure(self, workload, ids):
        return self.tokens_per_second(ids, *self.best[workload])

    def setting(self, workload):
        return "batch %d, %s" % self.best[workload]

    def embeddings(self, ids, path):
        worker = self.workers["1x2"][0]
        worker.send({"ids": ids, "batch": 16, "part": 0, "parts": 1, "output": path})
        worker.receive()

    def latency_ms(self, ids, latency_program):
        worker = self.workers["2x1"][0]
        worker.send({"ids": ids, "repeat": 300})
        return worker.receive()["median_ms"]

    def close(self):
        for workers in self.workers.values():
            for worker in workers:
                worker.close()


class Ctt:
    def __init__(self, engine, isa, binary, model):
        self.engine, self.name = engine, f"ctt:{engine}" + (f"@{isa}" if isa else "")
        self.command = [binary, "bench", "encode", "--model", model, "--engine", engine, "--threads", "2", "--json"]
        self.environment = dict(os.environ, **({"CTT_FORCE_ISA": isa} if isa else {}))
        self.model = model

    def run(self, ids, *more):
        done = subprocess.run([*self.command, "--ids", ids, *more], env=self.environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def tune(self, workload, ids):
        self.run(ids)

    def measure(self, workload, ids):
        return self.run(ids)["tokens_per_second"]

    def setting(self, workload):
        return "2 threads"

    def embeddings(self, ids, path):
        self.run(ids, "--output", path)

    def latency_ms(self, ids, latency_program):
        done = subprocess.run([latency_program, f"--benchmark_filter=Latency/{self.engine}/12$", "--benchmark_format=json",
                               "--benchmark_repetitions=5", "--benchmark_report_aggregates_only=true"],
                              env=self.environment, capture_output=True, text=True, check=True)
        rows = json.loads(done.stdout)["benchmarks"]
        return next(r["real_time"] for r in rows if r["aggregate_name"] == "median")

    def close(self):
        pass


def open_runners(args, models):
    runners = [Ctt(e, isa, args.ctt, args.model) for e, isa in (("i8", ""), ("f32", ""), ("i8", "avx2"))]
    for name in args.peers.split(",") if args.peers else F32_PEERS + FAST_PEERS:
        try:
            runners.append(Peer(name, models))
        except RuntimeError as error:
            print(f"{name}: {error}; left out", file=sys.stderr)
    return runners


def cosines(runners, ids, work):
    """name -> (mean, min) to the published model's fp32 embeddings, by ONNX Runtime's plain fp32 graph."""
    made = {}
    for runner in runners:
        runner.embeddings(ids, f"{work}/embeddings.npy")
        made[runner.name] = np.load(f"{work}/embeddings.npy")
    wanted = made["ort:f32"]
    return {name: ((got * wanted).sum(1).mean(), (got * wanted).sum(1).min()) for name, got in made.items()}


def report(speeds, runners, near, latencies):
    best_of = lambda names, w: max((statistics.median(speeds[w][n]), n) for n in names if n in speeds[w])
    peers = [r.name for r in runners if not r.name.startswith("ctt")]
    print("| engine | " + " | ".join(speeds) + " | cosine, mean / min | 12 tokens, ms |\n|" + " --- |" * (len(speeds) + 3))
    for runner in runners:
        cells = []
        for workload, rows in speeds.items():
            v = rows[runner.name]
            cells.append(f"{statistics.median(v):,.0f} ({min(v):,.0f}-{max(v):,.0f}); {runner.setting(workload)}")
        near_text = " ".join("%s %.4f / %.4f" % (w[0].upper(), *near[w][runner.name]) for w in near)
        print(f"| {runner.name} | " + " | ".join(cells) + f" | {near_text} | {latencies[runner.name]:.2f} |")
    for workload, rows in speeds.items():
        fastest, name = best_of(peers, workload)
        plain, plain_name = best_of(F32_PEERS, workload)
        print(f"\n{workload}: i8 {statistics.median(rows['ctt:i8']) / fastest:.2f} x {name}; "
              f"f32 {statistics.median(rows['ctt:f32']) / plain:.2f} x {plain_name}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("ctt", "latency", "model", "data"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--work", default="build/peers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default="")
    args = parser.parse_args()
    args.model, args.work = os.path.abspath(args.model), os.path.abspath(args.work)
    os.makedirs(args.work, exist_ok=True)
    print({k: "%d texts, %d tokens" % v for k, v in texts.make(args.model, args.data, args.work).items()})
    models = f"{args.work}/models"
    if not os.path.exists(f"{models}/ov_int8.xml"):
        subprocess.run([sys.executable, f"{HERE}/export.py", args.model, f"{args.work}/medium.ids", models], check=True,
                       env=dict(os.environ, HF_HUB_OFFLINE="1"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    runners = open_runners(args, models)
    speeds, near = {}, {}
    for workload in BATCHES:
        ids = f"{args.work}/{workload}.ids"
        near[workload] = cosines(runners, f"{args.work}/{workload}_few.ids", args.work)
        for runner in runners:
            runner.tune(workload, ids)
            print(f"{workload}: {runner.name}: {runner.setting(workload)}", file=sys.stderr)
        speeds[workload] = {runner.name: [] for runner in runners}
        for _ in range(args.rounds):
            for runner in runners:
                time.sleep(0.1)
                speeds[workload][runner.name].append(runner.measure(workload, ids))
    latencies = {r.name: statistics.median(r.latency_ms(f"{args.work}/one.ids", args.latency) for _ in range(3)) for r in runners}
    report(speeds, runners, near, latencies)
    for runner in runners:
        runner.close()


if __name__ == "__main__":
    main()
