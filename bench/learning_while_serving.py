#!/usr/bin/env python3
"""Latency of single predictions with and without a long NDJSON stream being learned beside them, in one run:
predictions arrive at a fixed rate (open loop), first alone, then while ROWS rows are learned. Prints JSON.

usage: learning_while_serving.py CTT ROWS.jsonl [--rate 50] [--seconds 15] [--rows 10000]"""
import argparse
import json
import pathlib
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests/product"))
from ctt_process import Server  # noqa: E402

CONNECTIONS = 16


def quantile(values, share):
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3, 2)


def load(server, texts, rate, stop):
    """Latencies in seconds from the instant a request was due; `stop()` ends it."""
    latencies, failures, lock, start, number = [], [], threading.Lock(), time.monotonic(), [0]

    def work():
        connection = server.connect()
        while True:
            with lock:
                mine = number[0]
                number[0] += 1
            due = start + mine / rate
            if stop(due - start):
                return
            time.sleep(max(0.0, due - time.monotonic()))
            connection.request("POST", "/predict", json.dumps({"task_id": "served", "text": texts[mine % len(texts)]}),
                               {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            with lock:
                latencies.append(time.monotonic() - due)
                if response.status != 200:
                    failures.append(response.status)

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"requests": len(latencies), "failures": len(failures), "p50_ms": quantile(latencies, 0.5),
            "p99_ms": quantile(latencies, 0.99), "max_ms": quantile(latencies, 1.0)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("rows")
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rows-max", type=int, default=10_000)
    parser.add_argument("--engine", default="i8")
    arguments = parser.parse_args()
    rows = pathlib.Path(arguments.rows).read_text(encoding="utf-8").splitlines()
    rows = (rows * (1 + arguments.rows_max // len(rows)))[:arguments.rows_max]
    texts = [json.loads(row)["text"] for row in rows[:500]]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.ctt, folder, "--engine", arguments.engine)
        server.call("POST", "/v1/tasks/served/examples", "\n".join(rows[:500]), "application/x-ndjson")
        time.sleep(3)  # Its choices settle.
        alone = load(server, texts, arguments.rate, lambda at: at > arguments.seconds)
        learned = {}

        def learn():
            begin = time.monotonic()
            status, answer = server.call("POST", "/v1/tasks/learned/examples", "\n".join(rows), "application/x-ndjson")
            learned.update(status=status, seconds=round(time.monotonic() - begin, 2),
                           rows=json.loads(answer.splitlines()[-1])["accepted"])

        stream = threading.Thread(target=learn)
        stream.start()
        beside = load(server, texts, arguments.rate, lambda at: not stream.is_alive())
        stream.join()
        server.stop()
    print(json.dumps({"engine": arguments.engine, "rate": arguments.rate, "alone": alone, "while_learning": beside,
                      "learned": learned, "p99_ratio": round(beside["p99_ms"] / alone["p99_ms"], 2)}))


main()
