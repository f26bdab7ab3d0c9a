#!/usr/bin/env python3
"""Kills a learning server with SIGKILL at random instants. After each restart every acknowledged example is
there, nothing is there twice, and the served head is the one that a fresh directory solves from the same set.

usage: kill_test.py CTT [--kills N] [--seed S]"""
import argparse
import http.client
import json
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from ctt_process import Server  # noqa: E402

LABELS = ["alpha", "beta", "gamma"]


def row(number):
    return {"id": f"r{number}", "label": LABELS[number % 3],
            "text": f"{LABELS[number % 3]} message number {number * 7919 % 1000}"}


class Stream(threading.Thread):
    """Learns single rows one after another and keeps the ids that were acknowledged."""

    def __init__(self, server, first):
        super().__init__(daemon=True)
        self.server, self.next, self.acknowledged = server, first, []

    def run(self):
        try:
            connection = self.server.connect(timeout=10)
            while True:
                chunk = [row(self.next + i) for i in range(1 + self.next % 5)]
                body = "\n".join(json.dumps(r) for r in chunk)
                self.next += len(chunk)
                connection.request("POST", "/v1/tasks/t/examples", body,
                                   {"Content-Type": "application/x-ndjson"})
                for line in connection.getresponse():
                    answer = json.loads(line)
                    if answer.get("state") == "learned":
                        self.acknowledged.append(answer["id"])
        except (OSError, ValueError, http.client.HTTPException):  # The server was killed under it.
            return


def held_ids(server):
    ids, after = [], 0
    while True:
        status, page = server.call("GET", f"/v1/tasks/t/examples?limit=1000&after={after}")
        assert status == 200, (status, page)
        ids += [e["id"] for e in page["examples"]]
        after = page.get("next_after") or 0
        if not after:
            return ids


def fresh_digest(binary, ids, folder):
    """The head of a directory that learned the same set in another order, in one call."""
    server = Server(binary, folder, "--settle-delay-ms", "-1", "--log-level", "info")
    rows = [row(int(i[1:])) for i in sorted(ids)]
    status, answer = server.call("POST", "/v1/tasks/t/examples", {"examples": rows})
    assert status == 200, answer
    digest = server.call("GET", "/v1/tasks/t")[1]["head_digest"]
    server.stop()
    return digest


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print("seed", arguments.seed)
    chance = random.Random(arguments.seed)
    acknowledged, first = set(), 0
    with tempfile.TemporaryDirectory() as root:
        data = pathlib.Path(root) / "data"
        for kill in range(arguments.kills):
            server = Server(arguments.ctt, data, "--settle-delay-ms", "-1")
            stream = Stream(server, first)
            stream.start()
            time.sleep(chance.uniform(0.05, 0.6))
            server.kill()
            stream.join()
            acknowledged |= set(stream.acknowledged)
            first = stream.next
            server = Server(arguments.ctt, data, "--settle-delay-ms", "-1")
            if acknowledged:
                ids = held_ids(server)
                assert len(ids) == len(set(ids)), f"kill {kill}: an example is held twice"
                lost = acknowledged - set(ids)
                assert not lost, f"kill {kill}: acknowledged but lost: {sorted(lost)[:5]}"
            server.kill()
        server = Server(arguments.ctt, data, "--settle-delay-ms", "-1")
        ids = held_ids(server)
        before = server.call("GET", "/v1/tasks/t")[1]["head_digest"]
        server.stop()
        again = Server(arguments.ctt, data, "--settle-delay-ms", "-1")
        assert again.call("GET", "/v1/tasks/t")[1]["head_digest"] == before, "a restart changed the head"
        assert again.stop() == 0
        assert fresh_digest(arguments.ctt, ids, pathlib.Path(root) / "fresh") == before, \
            "a fresh directory with the same set has another head"
    print(f"{arguments.kills} kills, {len(acknowledged)} acknowledged, {len(ids)} held")


main()
