#!/usr/bin/env python3
"""Three servers on one PostgreSQL and one S3 endpoint, started here. Lessons go to any of them while one after another is killed with
SIGKILL and started again, and while the database is stopped and started. A lesson without an answer is sent again, to any of them. At the
end all hold the same set by the same digests, and so does one server on a data directory that learns the set in another order.

usage: replicas_test.py CTT [--lessons N] [--seed S] [--endpoint-of-environment]
With the last flag the S3 server is the one that AWS_ENDPOINT_URL names, with a bucket `ctt`."""
import argparse
import http.client
import json
import os
import pathlib
import random
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from ctt_process import Server, wait_until  # noqa: E402
from s3_endpoint import S3Endpoint  # noqa: E402
from shared_stores import Postgres  # noqa: E402

TASKS = ["orders", "topics"]
LABELS = ["alpha", "beta", "gamma"]
FLAGS = ("--settle-delay-ms", "200", "--threads", "1")
WRITERS = 4


class Replicas:
    """Three servers; `any()` is one that answers at this moment, as far as is known."""

    def __init__(self, binary, url, artifacts):
        self.start_one = lambda: Server(binary, url, "--artifacts", artifacts, *FLAGS)
        self.servers = [self.start_one() for _ in range(3)]
        self.restarts = 0

    def restart(self, index):
        self.servers[index].kill()
        self.servers[index] = self.start_one()
        self.restarts += 1

    def stop(self):
        for server in self.servers:
            assert server.stop() == 0, "a replica did not end well"


def ask(server, method, path, body=None, headers=()):
    """(status, decoded answer, headers); status 0: no answer came."""
    connection = server.connect(timeout=60)
    try:
        data = json.dumps(body).encode() if body is not None else None
        connection.request(method, path, data, {"Content-Type": "application/json", **dict(headers)})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), answer.headers
    except (OSError, ValueError, http.client.HTTPException):
        return 0, {}, {}
    finally:
        connection.close()


class Writer(threading.Thread):
    """Sends rows, a few at a time, each batch to a replica chosen at random until one has taken it."""

    def __init__(self, replicas, work, seed):
        super().__init__(daemon=True)
        self.replicas, self.work, self.chance = replicas, work, random.Random(seed)
        self.lags, self.errors, self.done = [], {}, 0

    def run(self):
        for task, rows in self.work:
            self.send(task, rows)
            self.done += len(rows)

    def send(self, task, rows):
        while True:
            server = self.chance.choice(self.replicas.servers)
            status, answer, headers = ask(server, "POST", f"/v1/tasks/{task}/examples", {"examples": rows})
            if status == 200:
                return self.measure(task, server, answer["head_version"])
            code = answer.get("code", "no answer")
            self.errors[code] = self.errors.get(code, 0) + 1
            assert status in (0, 503), (status, answer)
            assert status == 0 or int(headers["Retry-After"]) >= 1
            time.sleep(0.05)

    def measure(self, task, writer, version):
        """From the answer of one replica until another one knows that version."""
        if self.chance.random() > 0.2:
            return
        other = self.chance.choice([server for server in self.replicas.servers if server is not writer])
        start = time.monotonic()
        status, _, _ = ask(other, "GET", f"/v1/tasks/{task}", headers=[("If-Version-At-Least", str(version))])
        if status == 200:
            self.lags.append(time.monotonic() - start)


def rows_of(lessons, chance):
    rows = []
    for number in range(lessons):
        label = chance.choice(LABELS)
        rows.append((chance.choice(TASKS), {"id": f"r{number}", "label": label, "text": f"{label} message {chance.randrange(500)} of {number}"}))
    return rows


def batches(rows, chance):
    """Rows of one task each, one to eight at a time."""
    waiting = {task: [] for task in TASKS}
    for task, row in rows:
        waiting[task].append(row)
        if len(waiting[task]) >= chance.randint(1, 8):
            yield task, waiting[task]
            waiting[task] = []
    yield from ((task, left) for task, left in waiting.items() if left)


def stop_the_database(postgres, replicas):
    """What works without it, what does not, and that nothing needs help when it comes back."""
    postgres.stop()
    for server in replicas.servers:
        assert ask(server, "POST", "/predict", {"task_id": TASKS[0], "text": "alpha message"})[0] == 200, "no answer without the database"
        assert ask(server, "GET", "/readyz")[0] == 200, "readiness hangs on the database"
        status, answer, headers = ask(server, "POST", f"/v1/tasks/{TASKS[0]}/examples", {"text": "a", "label": "alpha", "id": "r0"})
        assert (status, answer["code"]) == (503, "database_unavailable"), (status, answer)
        assert int(headers["Retry-After"]) >= 1
    time.sleep(1)
    postgres.start()


def states(server):
    answers = [server.call("GET", f"/v1/tasks/{task}") for task in TASKS]
    return [(answer["settled"], answer["head_digest"], answer["examples"]) if status == 200 else (False,) for status, answer in answers]


def settled_states(servers, lessons):
    """Once all are settled and alike."""
    assert wait_until(lambda: all(state[0] for server in servers for state in states(server)) and
                      len({str(states(server)) for server in servers}) == 1, 180 + lessons / 10), [states(server) for server in servers]
    return states(servers[0])


def verified_sums(server):
    sums = []
    for task in TASKS:
        status, answer = server.call("POST", f"/v1/tasks/{task}/verify")
        assert status == 200 and answer["ok"], answer
        sums.append(answer["statistics"])
    return sums


def alone(binary, folder, rows):
    with Server(binary, folder, *FLAGS) as server:
        for task in TASKS:
            of_task = [row for of, row in rows if of == task]
            for first in range(0, len(of_task), 500):
                status, answer = server.call("POST", f"/v1/tasks/{task}/examples", {"examples": of_task[first:first + 500]})
                assert status == 200, answer
        return settled_states([server], len(rows)), verified_sums(server)


def run(binary, postgres, artifacts, root, lessons, seed):
    chance, start = random.Random(seed), time.monotonic()
    rows = rows_of(lessons, chance)
    replicas = Replicas(binary, postgres.url, artifacts)
    work = list(batches(rows, chance))
    writers = [Writer(replicas, work[share::WRITERS], chance.random()) for share in range(WRITERS)]
    for writer in writers:
        writer.start()
    kill_every, next_kill, stopped = max(lessons // 8, 60), lessons // 6, False
    while any(writer.is_alive() for writer in writers):
        done = sum(writer.done for writer in writers)
        if done >= next_kill:
            replicas.restart(chance.randrange(3))
            next_kill += kill_every
        if not stopped and done > lessons // 2:
            stop_the_database(postgres, replicas)
            stopped = True
        time.sleep(0.02)
    assert sum(writer.done for writer in writers) == lessons and stopped, "a writer gave up"
    print(f"{lessons} lessons learned after {time.monotonic() - start:.0f} s", flush=True)
    at_the_end = settled_states(replicas.servers, lessons)
    print(f"all settled after {time.monotonic() - start:.0f} s", flush=True)
    sums = {str(verified_sums(server)) for server in replicas.servers}
    assert len(sums) == 1, f"sums differ: {sums}"
    chance.shuffle(rows)
    assert (at_the_end, sums) == (lambda one: (one[0], {str(one[1])}))(alone(binary, root / "alone", rows)), "one server alone differs"
    replicas.stop()
    lags = sorted(lag for writer in writers for lag in writer.lags)
    errors = {code: sum(writer.errors.get(code, 0) for writer in writers) for writer in writers for code in writer.errors}
    print(f"{lessons} lessons in {len(work)} calls to 3 replicas, {replicas.restarts} kills, the database stopped once; "
          f"answers that were not 200: {errors}")
    print(f"until another replica knows a version: median {1000 * statistics.median(lags):.1f} ms, "
          f"p90 {1000 * lags[int(0.9 * len(lags))]:.1f} ms, {len(lags)} measured")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("--lessons", type=int, default=300)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--endpoint-of-environment", action="store_true")
    arguments = parser.parse_args()
    print("seed", arguments.seed, flush=True)
    with tempfile.TemporaryDirectory(prefix="ctt_replicas_") as root:
        if not arguments.endpoint_of_environment:
            os.environ.update(S3Endpoint(pathlib.Path(root) / "objects", failures=0.02).environment)
        run(arguments.ctt, Postgres(), f"s3://ctt/replicas-{arguments.seed}", pathlib.Path(root), arguments.lessons, arguments.seed)


main()
