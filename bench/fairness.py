#!/usr/bin/env python3
"""Latency of single predictions at half of what the server can do (open loop, `ctt bench serve`): alone, beside a client that sends
batches of 100 texts one after another, and while a stream of rows is learned. The three follow each other in each round. Prints a JSON
line a round, then the medians.

usage: fairness.py CTT ROWS.jsonl [--rounds 3] [--seconds 8] [--rows-max 10000] [--engine i8] [--connections 64]"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests/product"))
from ctt_process import Server  # noqa: E402


class Fairness:
    def __init__(self, arguments, server, rows, folder):
        self.arguments, self.server, self.rows = arguments, server, rows
        self.file = pathlib.Path(folder) / "texts.jsonl"
        self.file.write_text("\n".join(rows[:500]), encoding="utf-8")
        self.texts = [json.loads(row)["text"] for row in rows[:100]]

    def load(self, seconds, rate=0):
        command = [self.arguments.ctt, "bench", "serve", "--json", "--url", f"http://127.0.0.1:{self.server.port}", "--task", "served", "--file", self.file,
                   "--connections", str(self.arguments.connections), "--seconds", str(seconds), *(["--rate", str(rate)] if rate else [])]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def beside(self, rate, work):
        """The load for as long as `work(ended)` takes; `ended` says that the load is over."""
        ended, result = threading.Event(), {}
        worker = threading.Thread(target=lambda: result.update(work(ended)))
        worker.start()
        load = self.load(self.arguments.seconds, rate)
        ended.set()
        worker.join()
        return load, result

    def send_batches(self, ended):
        connection, start, count, failed = self.server.connect(), time.monotonic(), 0, 0
        body = json.dumps({"task_id": "served", "texts": self.texts})
        while not ended.is_set():
            connection.request("POST", "/predict/batch", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            failed += answer.status != 200
            count += 1
        return {"batches_per_second": round(count / (time.monotonic() - start), 1), "failed": failed}

    def learn(self, ended):
        """Rows again and again, as tasks of their own, until the load is over; the last of them whole."""
        start, learned, tasks = time.monotonic(), 0, 0
        while not ended.is_set():
            tasks += 1
            status, answer = self.server.call("POST", f"/v1/tasks/learned-{tasks}/examples", "\n".join(self.rows), "application/x-ndjson")
            last = json.loads(answer.splitlines()[-1])
            assert status == 200 and last["accepted"] + last["unchanged"] == len(self.rows), last
            learned += last["accepted"]
        seconds = time.monotonic() - start
        for task in range(1, tasks + 1):
            self.server.call("DELETE", f"/v1/tasks/learned-{task}")
        return {"rows": learned, "rows_per_second": round(learned / seconds)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("rows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rows-max", type=int, default=10_000)
    parser.add_argument("--engine", default="i8")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0, help="instead of half of what was measured")
    arguments = parser.parse_args()
    rows = pathlib.Path(arguments.rows).read_text(encoding="utf-8").splitlines()
    rows = (rows * (1 + arguments.rows_max // len(rows)))[:arguments.rows_max]
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.ctt, f"{folder}/data", "--engine", arguments.engine, "--access-log-every", "1000000")
        fairness = Fairness(arguments, server, rows, folder)
        server.call("POST", "/v1/tasks/served/examples", "\n".join(rows[:500]), "application/x-ndjson")
        time.sleep(3)  # Its choices settle.
        rate = arguments.rate or fairness.load(3)["requests_per_second"] / 2
        for number in range(arguments.rounds):
            alone = fairness.load(arguments.seconds, rate)
            batches, sent = fairness.beside(rate, fairness.send_batches)
            learning, learned = fairness.beside(rate, fairness.learn)
            p99 = {name: load["latency_ms"]["p99"] for name, load in (("alone", alone), ("batches", batches), ("learning", learning))}
            rounds.append({"round": number, "rate": round(rate), "p50_ms": {"alone": alone["latency_ms"]["p50"], "batches": batches["latency_ms"]["p50"],
                                                                            "learning": learning["latency_ms"]["p50"]},
                           "p99_ms": p99, "ratio": {name: p99[name] / p99["alone"] for name in ("batches", "learning")},
                           "not_200": sum(count for load in (alone, batches, learning) for status, count in load["answers"].items() if status != "200"),
                           "unsent": sum(load["unsent"] for load in (alone, batches, learning)), "batches": sent, "learned": learned})
            print(json.dumps(rounds[-1]), flush=True)
        server.stop()
    for name in ("batches", "learning"):
        print(f"beside {name}: p99 {statistics.median(r['p99_ms'][name] for r in rounds):.2f} ms, alone {statistics.median(r['p99_ms']['alone'] for r in rounds):.2f} ms, "
              f"ratio {statistics.median(r['ratio'][name] for r in rounds):.2f} (median of {len(rounds)} rounds)")


main()
