#!/usr/bin/env python3
"""Everything that clients do, at once and on the same tasks: predictions, routing, explanations, lessons, unlearning, label edits,
publishing, audits, purges, tasks that come and go, clients that hang up, and SIGHUP with other settings. For a server built with a
sanitizer, whose report fails the test; with any build, no answer is a 5xx (but 503 and 504 of a queue that is full), a task that is
left alone answers the same bits from beginning to end, and the server ends with 0.

usage: mixed_load.py CTT [--seconds S] [--seed N]"""
import argparse
import http.client
import json
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from ctt_process import Server, wait_until  # noqa: E402

LABELS = ["alpha", "beta", "gamma", "delta"]
PARTS = ["my card is late", "turn the light off", "a table for two", "it rains again", "the battery died", "große Freude", "在东京", "refund me"]
REPORTS = ("WARNING: ThreadSanitizer", "ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:")


def text_of(chance):
    return " ".join(chance.choice(PARTS) for _ in range(chance.randint(1, 6)))


def rows_of(chance, count):
    return [{"id": f"e{number}", "label": chance.choice(LABELS), "text": text_of(chance)} for number in chance.sample(range(200), count)]


# One action each: (connection's ask, chance). `ask` sends a request and returns (status, body).
def predict(ask, chance):
    ask("POST", "/predict", {"task_id": chance.choice(["busy", "still", "none"]), "text": text_of(chance), "options": {"top_k": 3}})
    ask("POST", "/predict/batch", {"task_id": "busy", "texts": [text_of(chance) for _ in range(20)]})


def explain(ask, chance):
    ask("POST", "/v1/tasks/busy/predict", {"text": text_of(chance), "explain": True, "explain_words": True})
    ask("POST", "/v1/tasks/busy/predict", {"text": text_of(chance), "version": chance.randint(1, 9)})


def route(ask, chance):
    ask("POST", "/v1/route", {"texts": [text_of(chance), text_of(chance)]})
    ask("POST", "/v1/embeddings", {"input": text_of(chance)})
    ask("POST", "/classify", {"inputs": text_of(chance), "task_id": "busy"})


def learn(ask, chance):
    ask("POST", "/v1/tasks/busy/examples", {"examples": rows_of(chance, 8)}, {"Idempotency-Key": f"k{chance.randint(0, 99)}"})
    ask("POST", "/v1/tasks/busy/examples", "\n".join(map(json.dumps, rows_of(chance, 40))), {"Content-Type": "application/x-ndjson"})


def unlearn(ask, chance):
    ask("DELETE", f"/v1/tasks/busy/examples/e{chance.randint(0, 200)}", None)
    ask("DELETE", "/v1/tasks/busy/examples", {"ids": [f"e{chance.randint(0, 200)}" for _ in range(5)]})


def edit(ask, chance):
    label, to = chance.sample(LABELS, 2)
    kind = chance.choice(["rename", "merge", "split", "delete"])
    body = {"label": label} if kind == "delete" else {"label": label, "to": to}
    ask("PATCH", "/v1/tasks/busy", {"labels": {kind: body | ({"ids": [f"e{chance.randint(0, 200)}"]} if kind == "split" else {})}})
    ask("PATCH", "/v1/tasks/busy", {"out_of_scope_rate": chance.choice([0.01, 0.05]), "groups": chance.choice([[], ["g"]])})
    ask("POST", "/v1/tasks/busy/labels", {"labels": [{"name": label, "description": text_of(chance)}]})


def publish(ask, chance):
    ask("PUT", "/v1/tasks/busy/aliases/live", {"version": "previous"})
    versions = ask("GET", "/v1/tasks/busy/versions", None)[1].get("versions") or [{"version": 1}]
    version = chance.choice(versions[:5]).get("version", 1)
    ask("PUT", "/v1/tasks/busy/aliases/canary", {"version": version, "share": 0.5})
    ask("PUT", "/v1/tasks/busy/aliases/shadow", {"version": version})
    ask("DELETE", f"/v1/tasks/busy/aliases/{chance.choice(['canary', 'shadow'])}", None)
    ask("PATCH", "/v1/tasks/busy", {"publishing": {"automatic": chance.random() < 0.8}})


def look(ask, chance):
    for path in ("/metrics", "/tasks", "/v1/tasks", "/v1/tasks/busy", "/v1/tasks/busy/audit", "/v1/tasks/busy/labels", "/ready", "/v1/audit-log",
                 "/v1/tasks/busy/examples?limit=50", "/v2/models/busy"):
        ask("GET", path, None)
    ask("POST", "/v1/tasks/busy/evaluate", {"rows": rows_of(chance, 10)})
    ask("POST", "/v1/tasks/busy/suggest", {"texts": [text_of(chance) for _ in range(10)]})


def look_after(ask, chance):
    assert ask("POST", "/v1/tasks/busy/verify", None)[1].get("ok", True), "sums or head are not those of the log"
    ask("POST", "/v1/tasks/busy/purge", None)
    name = f"passing{chance.randint(0, 2)}"
    ask("POST", f"/v1/tasks/{name}/examples", {"examples": rows_of(chance, 6)})
    ask("PATCH", f"/v1/tasks/{name}", {"name": name + "renamed"})
    ask("DELETE", f"/v1/tasks/{name}{chance.choice(['', 'renamed'])}", None)


ACTIONS = [predict, predict, explain, route, learn, unlearn, edit, publish, look, look_after]


class Client(threading.Thread):
    def __init__(self, server, action, seed, until):
        super().__init__(daemon=True)
        self.server, self.action, self.chance, self.until = server, action, random.Random(seed), until
        self.statuses, self.wrong = {}, None

    def ask(self, method, path, body, headers=None):
        connection = self.server.connect(timeout=120)
        try:
            data = body if isinstance(body, str) or body is None else json.dumps(body)
            connection.request(method, path, data and data.encode(), {"Content-Type": "application/json", **(headers or {})})
            if self.chance.random() < 0.03:
                return 0, {}  # Hangs up.
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        assert answer.status < 500 or answer.status in (503, 504), f"{method} {path}: {answer.status} {text[:300]}"
        is_json = answer.getheader("Content-Type", "") in ("application/json", "application/problem+json")
        return answer.status, json.loads(text) if is_json and text.startswith("{") else {}

    def run(self):
        try:
            while time.monotonic() < self.until:
                self.action(self.ask, self.chance)
        except (AssertionError, OSError, ValueError, http.client.HTTPException) as error:
            self.wrong = f"{self.action.__name__}: {error!r}"


def answers_of_still(server):
    status, answer = server.call("POST", "/v1/tasks/still/predict", {"texts": PARTS, "top_k": 4, "timeout_ms": 60000})
    return {name: value for name, value in answer.items() if name != "processing_time_ms"} if status == 200 else None


def run(server, config, arguments):
    chance = random.Random(arguments.seed)
    for task in ("still", "busy"):
        status, answer = server.call("POST", f"/v1/tasks/{task}/examples", {"examples": rows_of(chance, 60)})
        assert status == 200, answer
    assert wait_until(lambda: server.call("GET", "/v1/tasks/still")[1]["settled"], 120), "it never settles"
    before = answers_of_still(server)
    assert before, server.call("POST", "/v1/tasks/still/predict", {"text": PARTS[0]})
    until = time.monotonic() + arguments.seconds
    clients = [Client(server, action, chance.random(), until) for action in ACTIONS]
    for client in clients:
        client.start()
    compared = 0
    while any(client.is_alive() for client in clients):
        config.write_text(f'log_level = "{chance.choice(["info", "debug", "nonsense"])}"\ndrain_timeout_ms = {chance.randint(1, 9)}000\n')
        server.process.send_signal(signal.SIGHUP)
        answer = answers_of_still(server)
        assert answer in (None, before), f"a task that learned nothing answers otherwise: {before}, {answer}"
        compared += answer is not None
        time.sleep(0.3)
    wrong = [client.wrong for client in clients if client.wrong]
    assert not wrong, wrong
    statuses = {}
    for client in clients:
        for status, count in client.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    assert statuses.get(200, 0) > 10 and compared, statuses
    return f"{statuses}, {compared} times the same answers"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print("seed", arguments.seed, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "ctt.toml"
        config.write_text("")
        server = Server(arguments.ctt, pathlib.Path(folder) / "data", "--config", str(config), "--settle-delay-ms", "50")
        try:
            outcome = run(server, config, arguments)
        finally:
            code = server.stop()
            log = "".join(server.lines)
            reports = [line for line in log.splitlines() if any(mark in line for mark in REPORTS)]
            if reports or code:
                print("\n".join(line for line in log.splitlines() if not line.startswith("{")))
    assert code == 0 and not reports, f"the server ended with {code}; {len(reports)} reports"
    print(outcome)


main()
