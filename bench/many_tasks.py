#!/usr/bin/env python3
"""What many tasks cost one process: memory a task against the bytes of its head, and processor time a prediction when requests go to
random tasks against all to one. Learns TASKS tasks of LABELS labels, one row a label, and starts the server anew for each
measurement. Prints JSON.

usage: many_tasks.py CTT ROWS.jsonl [--tasks 10000] [--labels 20] [--seconds 8] [--data FOLDER]"""
import argparse
import concurrent.futures
import json
import pathlib
import random
import re
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests/product"))
from ctt_process import Server  # noqa: E402

FLAGS = ("--settle-delay-ms", "-1")  # Heads stay as they were learned.
CONNECTIONS = 16


def learn(binary, folder, texts, tasks, labels):
    with Server(binary, folder, *FLAGS) as server:
        def one(task):
            chance = random.Random(task)
            rows = [{"text": chance.choice(texts), "label": f"label {label}"} for label in range(labels)]
            status, answer = server.call("POST", f"/v1/tasks/t{task}/examples", {"examples": rows})
            assert status == 200, answer
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(tasks)))


def resident_bytes(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return 1024 * int(re.search(r"RssAnon:\s+(\d+)", status)[1])


def processor_seconds(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def load(server, texts, tasks, seconds):
    """Requests a second, and the processor time of the server a request, in microseconds."""
    counts, end = [0] * CONNECTIONS, time.monotonic() + seconds

    def work(number):
        connection, chance = server.connect(), random.Random(number)
        while time.monotonic() < end:
            connection.request("POST", "/predict", json.dumps({"task_id": f"t{chance.randrange(tasks)}", "text": chance.choice(texts)}),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            counts[number] += 1

    before = processor_seconds(server)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"requests_per_second": round(sum(counts) / seconds),
            "processor_us_per_request": round(1e6 * (processor_seconds(server) - before) / sum(counts))}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("rows")
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--data", help="where the tasks are kept; learned there once")
    arguments = parser.parse_args()
    texts = [json.loads(row)["text"] for row in pathlib.Path(arguments.rows).read_text(encoding="utf-8").splitlines()[:2000]]
    with tempfile.TemporaryDirectory() as scratch:
        one, many = pathlib.Path(scratch) / "one", pathlib.Path(arguments.data or scratch) / "many"
        learn(arguments.ctt, one, texts, 1, arguments.labels)
        learned_s = time.monotonic()
        if not many.exists():
            learn(arguments.ctt, many, texts, arguments.tasks, arguments.labels)
        learned_s = time.monotonic() - learned_s
        with Server(arguments.ctt, one, *FLAGS) as server:
            alone = resident_bytes(server)
        start = time.monotonic()
        with Server(arguments.ctt, many, *FLAGS) as server:
            start = time.monotonic() - start
            a_task = (resident_bytes(server) - alone) / (arguments.tasks - 1)
            load(server, texts, arguments.tasks, 1)
            rounds = [(load(server, texts, 1, arguments.seconds), load(server, texts, arguments.tasks, arguments.seconds)) for _ in range(3)]
    # Head A: weights [768, C] fp32, bias, scope offsets and norms [C], scope core [C, C] fp64.
    head = 4 * 768 * arguments.labels + 8 * arguments.labels * (3 + arguments.labels)
    print(json.dumps({"tasks": arguments.tasks, "labels": arguments.labels, "bytes_a_task": round(a_task), "bytes_of_a_head": head,
                      "ratio": round(a_task / head, 3), "learned_s": round(learned_s, 1), "start_s": round(start, 2),
                      "one_task": [first for first, _ in rounds], "random_tasks": [second for _, second in rounds]}))


main()
