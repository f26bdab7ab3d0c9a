#!/usr/bin/env python3
"""Kills a server with SIGKILL at random instants while it learns, unlearns, moves examples between labels, rolls back and settles.
After each start: every acknowledged write is there and holds, none is there twice, and a write that was not acknowledged is there
wholly or not at all. Repeating one with its Idempotency-Key learns it once. Now and then, and at the end, the sums and the head are those
of the log, and at the end those that a fresh directory learns from the same set in another order.

With --postgres the log is in a PostgreSQL server of its own, artefacts behind an S3 endpoint of which every twentieth answer is 503.

usage: kill_test.py CTT [--kills N] [--seed S] [--postgres]"""
import argparse
import http.client
import json
import os
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from ctt_process import Server, wait_until  # noqa: E402
from s3_endpoint import S3Endpoint  # noqa: E402
from shared_stores import Postgres  # noqa: E402

LABELS = ["alpha", "beta", "gamma"]
FLAGS = ("--settle-delay-ms", "20")
VERIFY_EVERY = 10
HELD_MAX = 400  # Unlearning wins above it, so that settling stays short.


def text_of(name, label):
    return f"{label} message {sum(name.encode()) * 7919 % 1000} of {name}"


class Worker(threading.Thread):
    """One writer. `held` is what was acknowledged: id -> (label, text). `doubt` is the write that was under way at the end."""

    def __init__(self, server, held, first, seed):
        super().__init__(daemon=True)
        self.server, self.held, self.next, self.chance = server, held, first, random.Random(seed)
        self.doubt = None
        self.acknowledged = 0

    def run(self):
        try:
            self.connection = self.server.connect(timeout=30)
            while True:
                self.step()
        except (OSError, ValueError, http.client.HTTPException):  # The server was killed under it.
            return

    def step(self):
        kind = self.chance.random()
        if len(self.held) < 10 or (kind < 0.5 and len(self.held) < HELD_MAX):
            self.learn_stream()
        elif kind < 0.65:
            self.learn_once()
        elif kind < 0.85:
            self.unlearn()
        elif kind < 0.95:
            self.move()
        else:
            self.roll_back()
        self.doubt = None

    def ask(self, method, path, body, headers=None):
        self.connection.request(method, path, body if isinstance(body, str) else json.dumps(body),
                                {"Content-Type": "application/json", **(headers or {})})
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text)

    def learn_stream(self):
        rows = {}
        for _ in range(self.chance.randint(1, 5)):
            self.next += 1
            label = self.chance.choice(LABELS)
            rows[f"r{self.next}"] = (label, text_of(f"r{self.next}", label))
        self.doubt = ("learn", dict(rows))
        body = "\n".join(json.dumps({"id": name, "label": label, "text": text}) for name, (label, text) in rows.items())
        self.connection.request("POST", "/v1/tasks/t/examples", body, {"Content-Type": "application/x-ndjson"})
        for line in self.connection.getresponse():
            answer = json.loads(line)
            if answer.get("state") == "learned":
                self.held[answer["id"]] = self.doubt[1].pop(answer["id"])
                self.acknowledged += 1
        if self.doubt[1]:  # http.client ends a chunked answer that breaks off without a word.
            raise http.client.IncompleteRead(b"")

    def learn_once(self):
        self.next += 1
        key, label = f"k{self.next}", self.chance.choice(LABELS)
        row = {"label": label, "text": text_of(key, label)}
        self.doubt = ("once", key, row)
        status, answer = self.ask("POST", "/v1/tasks/t/examples", row, {"Idempotency-Key": key})
        assert status == 200, answer
        self.held[answer["ids"][0]] = (label, row["text"])
        self.acknowledged += 1

    def unlearn(self):
        names = self.chance.sample(sorted(self.held), min(self.chance.randint(1, 8), len(self.held) - 5))
        self.doubt = ("unlearn", names)
        status, answer = self.ask("DELETE", "/v1/tasks/t/examples", {"ids": names})
        assert status == 200 and sorted(answer["ids"]) == sorted(names), answer
        for name in names:
            del self.held[name]
        self.acknowledged += 1

    def move(self):
        name = self.chance.choice(sorted(self.held))
        label, text = self.held[name]
        to = self.chance.choice([other for other in LABELS if other != label])
        self.doubt = ("move", name, to)
        status, answer = self.ask("PATCH", "/v1/tasks/t", {"labels": {"split": {"label": label, "to": to, "ids": [name]}}})
        assert status == 200, answer
        self.held[name] = (to, text)
        self.acknowledged += 1

    def roll_back(self):
        self.doubt = ("roll back",)
        status, answer = self.ask("PUT", "/v1/tasks/t/aliases/live", {"version": "previous"})
        assert status in (200, 404), answer
        self.acknowledged += 1


def held_by(server):
    rows, after = {}, 0
    while True:
        status, page = server.call("GET", f"/v1/tasks/t/examples?limit=1000&after={after}")
        if status == 404:
            return rows
        assert status == 200, (status, page)
        for example in page["examples"]:
            assert example["id"] not in rows, f"held twice: {example['id']}"
            rows[example["id"]] = (example["label"], example["text"])
        after = page.get("next_after") or 0
        if not after:
            return rows


def check(server, held, doubt, where):
    """What the server holds, if that is what was acknowledged, with the doubtful write or without it."""
    if doubt and doubt[0] == "once":
        _, key, row = doubt
        connection = server.connect()
        connection.request("POST", "/v1/tasks/t/examples", json.dumps(row), {"Content-Type": "application/json", "Idempotency-Key": key})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        held[answer["ids"][0]] = (row["label"], row["text"])
    got = held_by(server)
    wanted = dict(held)
    if doubt and doubt[0] == "learn":
        wanted |= {name: row for name, row in doubt[1].items() if name in got}
    if doubt and doubt[0] == "unlearn" and not any(name in got for name in doubt[1]):
        wanted = {name: row for name, row in wanted.items() if name not in doubt[1]}
    if doubt and doubt[0] == "move" and got.get(doubt[1], ("",))[0] == doubt[2]:
        wanted[doubt[1]] = (doubt[2], wanted[doubt[1]][1])
    lost, extra = wanted.keys() - got.keys(), got.keys() - wanted.keys()
    assert not lost, f"{where}: acknowledged but lost: {sorted(lost)[:5]}"
    assert not extra, f"{where}: held but not acknowledged: {sorted(extra)[:5]}"
    assert got == wanted, f"{where}: another label or text"
    return got


def verify(server, where):
    status, answer = server.call("POST", "/v1/tasks/t/verify")
    assert status == 200 and answer["ok"], f"{where}: {answer}"


def settled_digest(server):
    """The head after one lesson more, which ends a roll-back, when the choices are made."""
    status, answer = server.call("POST", "/v1/tasks/t/examples", {"text": "the last lesson", "label": "alpha", "id": "last"})
    assert status == 200, answer
    assert wait_until(lambda: server.call("GET", "/v1/tasks/t")[1]["settled"], 120), "it never settles"
    task = server.call("GET", "/v1/tasks/t")[1]
    return task["head_digest"]


def fresh_digest(binary, held, folder):
    with Server(binary, folder, *FLAGS) as server:
        rows = [{"id": name, "label": label, "text": text} for name, (label, text) in sorted(held.items())]
        status, answer = server.call("POST", "/v1/tasks/t/examples", {"examples": rows})
        assert status == 200, answer
        return settled_digest(server)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--postgres", action="store_true")
    arguments = parser.parse_args()
    print("seed", arguments.seed)
    chance = random.Random(arguments.seed)
    held, doubt, first, acknowledged = {}, None, 0, 0
    with tempfile.TemporaryDirectory() as root:
        data, flags = pathlib.Path(root) / "data", FLAGS
        if arguments.postgres:
            bucket = S3Endpoint(pathlib.Path(root) / "bucket", failures=0.05)
            os.environ.update(bucket.environment)
            data, flags = Postgres().url, (*FLAGS, "--artifacts", "s3://ctt/kills")
        for kill in range(arguments.kills):
            server = Server(arguments.ctt, data, *flags)
            held = check(server, held, doubt, f"kill {kill}")
            if held and kill % VERIFY_EVERY == 0:
                verify(server, f"kill {kill}")
            worker = Worker(server, held, first, chance.random())
            worker.start()
            time.sleep(chance.uniform(0.02, 0.5))
            server.kill()
            worker.join()
            doubt, first, acknowledged = worker.doubt, worker.next, acknowledged + worker.acknowledged
        with Server(arguments.ctt, data, *flags) as server:
            held = check(server, held, doubt, "the end")
            digest = settled_digest(server)
            verify(server, "the end")
        assert fresh_digest(arguments.ctt, held, pathlib.Path(root) / "fresh") == digest, \
            "a fresh directory with the same set has another head"
    print(f"{arguments.kills} kills, {acknowledged} writes acknowledged, {len(held)} examples held")


main()
