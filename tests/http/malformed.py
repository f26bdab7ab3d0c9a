#!/usr/bin/env python3
"""Malformed requests on raw sockets: random bytes, damaged requests, wrong lengths, bad chunks, giant headers, slow
clients. The server must neither crash nor answer 5xx, and the next good request must be answered.

usage: malformed.py CTT [--requests 10000] [--seed S]"""
import argparse
import json
import pathlib
import random
import socket
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "product"))
from ctt_process import Server  # noqa: E402

PATHS = ["/predict", "/predict/batch", "/v1/tasks", "/v1/tasks/t", "/v1/tasks/t/examples", "/v1/tasks/t/predict",
         "/v1/tasks/t/evaluate", "/v1/tasks/t/versions", "/v1/tasks/t/aliases/live", "/v1/tasks/t/examples/x", "/tasks",
         "/metrics", "/", "//", "/%00", "/v1/tasks/%ff", "/v1/tasks/" + "a" * 500, "/v1/tasks/t/examples?after=-1&limit=x"]
BODIES = ['{"text":"a","task_id":"t"}', '{"texts":["a","b"],"task_id":"t"}', '{"examples":[{"text":"a","label":"x"}]}',
          '{"name":"t"}', '{"version":1}', '{"ids":["a"]}', '{"text":"a","label":"x"}\n{"text":"b"}\n', "text,label\na,x\n", "", "null", "[]",
          '{"text":"\\ud800","task_id":"t"}', "[" * 5000, '{"text":1e999}', '{"text":"' + "x" * 20000 + '"}', "\x00\xff"]
TYPES = ["application/json", "application/x-ndjson", "text/csv", "text/plain", "", "application/json; charset=latin1"]


def request(chance):
    method = chance.choice(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW", "get", ""])
    body = chance.choice(BODIES).encode("latin1")
    if chance.random() < 0.3 and body:
        damaged = bytearray(body)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        body = bytes(damaged)
    length = len(body) if chance.random() < 0.6 else chance.choice([0, -1, 10 ** 18, "x", len(body) + 5])
    lines = [f"{method} {chance.choice(PATHS)} HTTP/{chance.choice(['1.1', '1.1', '1.1', '1.0', '9.9'])}", "Host: x",
             f"Content-Type: {chance.choice(TYPES)}"]
    if chance.random() < 0.2:
        lines.append("Transfer-Encoding: chunked")
        body = chance.choice([b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"ffffffffffffffff\r\nx", b"5\r\nhel"])
    else:
        lines.append(f"Content-Length: {length}")
    if chance.random() < 0.05:
        lines.append("X-Big: " + "h" * chance.choice([1000, 30000, 200000]))
    if chance.random() < 0.05:
        lines += [f"X-{i}: y" for i in range(500)]
    data = "\r\n".join(lines).encode("latin1") + b"\r\n\r\n" + body
    kind = chance.random()
    if kind < 0.1:
        return bytes(chance.randrange(256) for _ in range(chance.randrange(1, 400)))
    if kind < 0.2:
        return data[:chance.randrange(len(data))]
    return data


def send(port, data):
    """The status of the answer, 0 for none."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
        except OSError:  # The server may close on it: that is an answer too.
            return 0
        words = answer.split(b" ", 2)
        return int(words[1]) if answer.startswith(b"HTTP/") and len(words) > 1 else 0


def good(server):
    status, answer = server.call("POST", "/predict", {"text": "first", "task_id": "t"})
    assert status == 200 and answer["predictions"], (status, answer)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print("seed", arguments.seed)
    chance = random.Random(arguments.seed)
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.ctt, folder, "--settle-delay-ms", "-1")
        rows = [{"text": "first", "label": "a"}, {"text": "second", "label": "b"}]
        assert server.call("POST", "/v1/tasks/t/examples", {"examples": rows})[0] == 200
        slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
        for connection in slow:
            connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Le")
        for number in range(arguments.requests):
            data = request(chance)
            status = send(server.port, data)
            counts[status] = counts.get(status, 0) + 1
            assert status < 500, (number, status, data[:500])
            assert server.process.poll() is None, ("the server died", number, data[:500])
            if number % 1000 == 999:
                # Some damaged requests are whole enough to delete the task.
                server.call("POST", "/v1/tasks/t/examples", {"examples": rows})
                good(server)
        for connection in slow:
            connection.close()
        good(server)
        assert server.stop() == 0
    print(json.dumps({"requests": arguments.requests, "answers": dict(sorted(counts.items()))}))


main()
