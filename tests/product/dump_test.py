#!/usr/bin/env python3
"""PostgreSQL's own backup, as docs/how-to/deploy-backup.md gives it: pg_dump while the server learns, the database lost, pg_restore into
a new one. Every task has the head that it had when it was dumped, with its artefacts or with none of them, and learning goes on.

usage: dump_test.py CTT"""
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from ctt_process import Server, wait_until  # noqa: E402
from s3_endpoint import S3Endpoint  # noqa: E402
from shared_stores import Postgres  # noqa: E402

FLAGS = ("--settle-delay-ms", "20", "--threads", "1")
TASKS = ["orders", "topics"]
LABELS = ["alpha", "beta", "gamma"]


def learn(server, task, first, count):
    rows = [{"id": f"{task}{number}", "label": LABELS[number % 3], "text": f"{LABELS[number % 3]} message {number * 7919 % 500}"}
            for number in range(first, first + count)]
    status, answer = server.call("POST", f"/v1/tasks/{task}/examples", {"examples": rows})
    assert status == 200, answer


def states(server):
    """Of each task: examples, version, head, and a few answers."""
    for task in TASKS:
        assert wait_until(lambda task=task: server.call("GET", f"/v1/tasks/{task}")[1]["settled"], 60), "it never settles"
    answers = {}
    for task in TASKS:
        shown = server.call("GET", f"/v1/tasks/{task}")[1]
        status, answer = server.call("POST", f"/v1/tasks/{task}/predict", {"texts": ["alpha", "a message"], "top_k": 3})
        assert status == 200, answer
        answers[task] = (shown["examples"], shown["head_digest"], {name: value for name, value in answer.items() if name != "processing_time_ms"})
    return answers


def beside(server, stop):
    """Lessons of a third task while the dump is written: it holds each of them wholly or not at all."""
    number = 0
    while not stop.is_set():
        learn(server, "beside", number, 3)
        number += 3


def dump(postgres, path):
    subprocess.run([postgres.bin / "pg_dump", "--format=custom", f"--file={path}", postgres.url], check=True)


def restore(postgres, path):
    subprocess.run([postgres.bin / "pg_restore", "--clean", "--if-exists", f"--dbname={postgres.url}", path], check=True)


def check(binary, postgres, artifacts, before, where):
    with Server(binary, postgres.url, "--artifacts", artifacts, *FLAGS) as server:
        assert states(server) == before, f"{where}: {states(server)} is not {before}"
        status, shown = server.call("GET", "/v1/tasks/beside")
        assert status == 200 and shown["examples"] % 3 == 0, shown
        for task in [*TASKS, "beside"]:
            status, answer = server.call("POST", f"/v1/tasks/{task}/verify")
            assert status == 200 and answer["ok"], (where, answer)
        learn(server, TASKS[0], 1000, 5)
        assert server.call("GET", f"/v1/tasks/{TASKS[0]}")[1]["examples"] == before[TASKS[0]][0] + 5


def run(binary, root):
    os.environ.update(S3Endpoint(root / "objects").environment)
    first, path = Postgres(), root / "ctt.dump"
    with Server(binary, first.url, "--artifacts", "s3://ctt/kept", *FLAGS) as server:
        for task in TASKS:
            learn(server, task, 0, 60)
        server.call("DELETE", f"/v1/tasks/{TASKS[0]}/examples", {"ids": [f"{TASKS[0]}{number}" for number in range(10)]})
        learn(server, "beside", 100_000, 3)
        before, stop = states(server), threading.Event()
        writer = threading.Thread(target=beside, args=(server, stop))
        writer.start()
        dump(first, path)
        stop.set()
        writer.join()
        learn(server, TASKS[1], 500, 30)  # After the dump: lost with the database.
    first.remove()
    second = Postgres()
    restore(second, path)
    check(binary, second, "s3://ctt/kept", before, "with its artefacts")
    restore(second, path)  # Over what is there, as after a mistake.
    check(binary, second, "s3://ctt/lost", before, "without artefacts")
    print(f"{path.stat().st_size} bytes of dump; heads and answers as before, with artefacts and without")


def main():
    with tempfile.TemporaryDirectory(prefix="ctt_dump_") as root:
        run(sys.argv[1], pathlib.Path(root))


main()
