#!/usr/bin/env python3
"""The disaster drill: a real server learns, is backed up while it serves, and goes on; then its data directory is destroyed
and brought back. Prints the time line. What was acknowledged before the backup must answer the same bits; a damaged backup must
be refused by name. Standard library only.

usage: dr_drill.py CTT [--examples N]"""
import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "product"))
from ctt_process import Server  # noqa: E402

from time_line import check, say

LABELS = ["billing", "delivery", "account", "technical", "praise"]


def rows(count, seed):
    words = (ROOT / "README.md").read_text(encoding="utf-8").split()
    dice = random.Random(seed)
    return [{"text": " ".join(dice.choices(words, k=8)), "label": LABELS[i % len(LABELS)], "id": f"{seed}-{i}"} for i in range(count)]


def learn(server, task, examples):
    body = "".join(json.dumps(row) + "\n" for row in examples)
    status, answer = server.call("POST", f"/v1/tasks/{task}/examples", body, "application/x-ndjson")
    check(status == 200, answer)


def settled(server, task):
    for _ in range(600):
        task_now = server.call("GET", f"/v1/tasks/{task}")[1]
        if task_now["settled"]:
            return task_now
        time.sleep(0.1)
    sys.exit(f"FAIL {task} does not settle")


def answers(server, task):
    texts = [row["text"] for row in rows(20, "asked")]
    return server.call("POST", "/predict/batch", {"task_id": task, "texts": texts})[1]["results"]


def same(a, b):
    """Whether two lists of answers are the same; their processing times and head versions aside."""
    strip = [[{key: value for key, value in row.items() if key not in ("processing_time_ms",)} for row in side] for side in (a, b)]
    return strip[0] == strip[1]


def restore(ctt, backup, data):
    begin = time.monotonic()
    result = subprocess.run([ctt, "restore", str(backup), "--data", str(data), "--json"], capture_output=True, text=True, check=False)
    return result, time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("--examples", type=int, default=2000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        data, backups = folder / "data", folder / "backups"
        with Server(arguments.ctt, data, "--backups", str(backups)) as server:
            learn(server, "kept", rows(arguments.examples, "kept"))
            before = settled(server, "kept")
            say(f"learned {before['examples']} examples; the head is {before['head_digest'][:12]}")
            expected = answers(server, "kept")
            begin = time.monotonic()
            check(subprocess.run([arguments.ctt, "backup", "--url", f"http://127.0.0.1:{server.port}"], capture_output=True, check=False).returncode == 0, "no backup")
            say(f"backed up while serving, in {time.monotonic() - begin:.2f} s")
            learn(server, "kept", rows(10, "later"))
            say("learned 10 more, which this backup does not have: they are what RPO means")
            server.kill()
        shutil.rmtree(data)
        lost = time.monotonic()
        say("killed the server and destroyed its data directory")
        result, seconds = restore(arguments.ctt, backups, data)
        check(result.returncode == 0, result.stderr)
        say(f"restored {json.loads(result.stdout)['database_bytes']} bytes, every digest checked, in {seconds:.2f} s")
        with Server(arguments.ctt, data) as server:
            recovery = time.monotonic() - lost
            after = server.call("GET", "/v1/tasks/kept")[1]
            check(after["head_digest"] == before["head_digest"] and after["examples"] == before["examples"], f"{before} became {after}")
            check(same(answers(server, "kept"), expected), "answers changed")
            say(f"serving again {recovery:.2f} s after the loss: the same head, the same bits in 20 answers")
        check(subprocess.run([arguments.ctt, "verify", "kept", "--data", str(data)], capture_output=True, check=False).returncode == 0, "verify")
        say("ctt verify: sums and head follow from the log")
        victim = max((path for path in backups.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
        result, _ = restore(arguments.ctt, backups, folder / "other")
        check(result.returncode == 1 and victim.name in result.stderr and not (folder / "other" / "ctt.sqlite").exists(), f"a damaged backup was restored: {result.stderr}")
        say(f"one flipped bit in {victim.name}: refused by name")
    print(f"ok   recovery of {arguments.examples} examples took {recovery:.2f} s")


if __name__ == "__main__":
    main()
