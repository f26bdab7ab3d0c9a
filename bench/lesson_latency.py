#!/usr/bin/env python3
"""From sending one example to its answer: durable, and in the head that serves. First one writer, then 64 at once, on a data directory
whose task has learned ROWS.jsonl. Texts are those of ROWS.jsonl of 12 tokens, counted as words and marks and the two that BERT adds,
each with an id of its own. Prints JSON.

usage: lesson_latency.py CTT ROWS.jsonl [--seconds 10] [--writers 64] [--threads N] [--flags ...]"""
import argparse
import json
import pathlib
import random
import re
import selectors
import socket
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests/product"))
from ctt_process import Server, wait_until  # noqa: E402

TOKENS = 12


def learn(server, rows):
    for first in range(0, len(rows), 500):
        status, answer = server.call("POST", "/v1/tasks/t/examples", {"examples": rows[first:first + 500]})
        assert status == 200, answer
    assert wait_until(lambda: server.call("GET", "/v1/tasks/t")[1]["settled"], 120), "it never settles"


def request(row):
    body = json.dumps(row).encode()
    return (b"POST /v1/tasks/t/examples HTTP/1.1\r\nHost: ctt\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)) + body


class Writer:
    """A connection that sends the next lesson when the one before is answered."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0.0

    def send(self, data):
        self.sent = time.perf_counter()
        self.socket.sendall(data)

    def hear(self):
        data = self.socket.recv(65536)
        assert data.startswith(b"HTTP/1.1 200"), data
        return time.perf_counter() - self.sent


def write(server, texts, count, seconds, chance):
    """Seconds from each lesson to its answer, and lessons a second."""
    waiting, writers = selectors.DefaultSelector(), [Writer(server.port) for _ in range(count)]
    number, lags, start = chance.randrange(10**9) * 1000, [], time.perf_counter()

    def next_lesson():
        nonlocal number
        number += 1
        text, label = chance.choice(texts)
        return request({"id": str(number), "text": text, "label": label})

    for writer in writers:
        waiting.register(writer.socket, selectors.EVENT_READ, writer)
        writer.send(next_lesson())
    while time.perf_counter() - start < seconds:
        for key, _ in waiting.select():
            lags.append(key.data.hear())
            key.data.send(next_lesson())
    rate = len(lags) / (time.perf_counter() - start)
    for writer in writers:
        writer.hear()
        writer.socket.close()
    lags.sort()
    return {"writers": count, "lessons": len(lags), "per_second": round(rate), "median_ms": round(1e3 * statistics.median(lags), 2),
            "p90_ms": round(1e3 * lags[int(0.9 * len(lags))], 2), "p99_ms": round(1e3 * lags[int(0.99 * len(lags))], 2)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("rows")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--flags", nargs="*", default=[], help="of the server, such as --flags=--threads=2")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in pathlib.Path(arguments.rows).read_text(encoding="utf-8").splitlines()]
    texts = [(row["text"], row["label"]) for row in rows if len(re.findall(r"\w+|[^\w\s]", row["text"])) == TOKENS - 2]
    with tempfile.TemporaryDirectory() as folder, Server(arguments.ctt, folder, *arguments.flags) as server:
        learn(server, [{"text": row["text"], "label": row["label"], "id": f"r{number}"} for number, row in enumerate(rows)])
        chance = random.Random(1)
        write(server, texts, 1, 1, chance)
        answers = [write(server, texts, count, arguments.seconds, chance) for count in (1, arguments.writers)]
        task = server.call("GET", "/v1/tasks/t")[1]
    print(json.dumps({"examples_before": len(rows), "labels": len({row["label"] for row in rows}), "examples_after": task["examples"],
                      "rounds": answers}))


main()
