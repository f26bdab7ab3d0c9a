#!/usr/bin/env python3
"""A server whose disk is full: a file system of a few megabytes in memory is its data directory. Learning is refused by name and with
a time to try again, answering goes on, nothing that was acknowledged is lost, whether the server ends well, is killed and started
again on the full disk, or goes on; and when there is room again, learning goes on by itself.

Mounting needs root; without it the test says so and does nothing.

usage: full_disk_test.py CTT"""
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from ctt_process import Server, wait_until  # noqa: E402

MEBIBYTES = 24
FLAGS = ("--settle-delay-ms", "50")
LABELS = ["alpha", "beta", "gamma"]


@contextlib.contextmanager
def small_disk():
    with tempfile.TemporaryDirectory(prefix="ctt_full_disk_") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEBIBYTES}m", "ctt-full-disk", folder], check=True)
        try:
            yield pathlib.Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def learn(server, number, held):
    """One call of eight long rows; what is acknowledged goes into `held`. The status."""
    rows = [{"id": f"r{number}-{row}", "label": LABELS[row % 3], "text": f"{LABELS[row % 3]} {number} " + "long " * 300} for row in range(8)]
    status, answer = server.call("POST", "/v1/tasks/t/examples", {"examples": rows})
    if status == 200:
        held.update((row["id"], row["label"]) for row in rows)
    else:
        assert (status, answer["code"]) == (503, "disk_full"), (status, answer)
    return status


def fill(server, first, held):
    """Learns until it is refused three times."""
    number, refused = first, 0
    while refused < 3:
        refused += learn(server, number, held) != 200
        number += 1
        assert number < first + 10_000, "the disk does not get full"
    return number


def check(server, held, where):
    got, after = {}, 0
    while True:
        status, page = server.call("GET", f"/v1/tasks/t/examples?limit=1000&after={after}")
        assert status == 200, (where, page)
        got.update((example["id"], example["label"]) for example in page["examples"])
        after = page.get("next_after") or 0
        if not after:
            break
    assert got == held, f"{where}: {len(held.keys() - got.keys())} lost, {len(got.keys() - held.keys())} never acknowledged"
    status, answer = server.call("POST", "/predict", {"task_id": "t", "text": "alpha"})
    assert status == 200, (where, answer)


def run(binary, disk):
    held, filler = {}, disk / "filler"
    filler.write_bytes(bytes(18 << 20))
    server = Server(binary, disk / "data", *FLAGS)
    number = fill(server, 0, held)
    check(server, held, "full")
    server.kill()
    server = Server(binary, disk / "data", *FLAGS)
    check(server, held, "killed and started on a full disk")
    number = fill(server, number, held)
    filler.unlink()
    assert wait_until(lambda: learn(server, number, held) == 200, 30), "there is room, and still it is refused"
    before = len(held)
    for more in range(number + 1, number + 20):
        assert learn(server, more, held) == 200
    check(server, held, "room again")
    assert wait_until(lambda: server.call("GET", "/v1/tasks/t")[1]["settled"], 60), "it never settles"
    assert server.call("POST", "/v1/tasks/t/verify")[1]["ok"]
    assert server.stop() == 0
    with Server(binary, disk / "data", *FLAGS) as server:
        check(server, held, "ended well and started")
    print(f"{before} examples on the disk when it was full, {len(held)} at the end, none lost")


def main():
    if os.geteuid() != 0:
        print("mounting a small file system needs root")
        return print("0 passed, 0 failed, 1 skipped")
    with small_disk() as disk:
        run(sys.argv[1], disk)


main()
