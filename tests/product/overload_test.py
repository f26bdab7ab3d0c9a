#!/usr/bin/env python3
"""Four times what the server can do, at a fixed rate: it answers what it can and says no to the rest at once (429 with Retry-After, or 504 past
a deadline), its memory stays flat, and afterwards it is as before. Prints the figures as JSON. Standard library only.

usage: overload_test.py CTT [--seconds 10] [--factor 4] [--threads 1]"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import threading
import time

from ctt_process import Server

WORDS = 90  # Tokens of a text, about: few requests make much work, so that the senders keep their rate.
CONNECTIONS = 400
QUEUE_TOKENS = 8192  # Less than the connections can fill.
GROWTH_MAX = 8 << 20


def text(i):
    return f"number {i} " + " ".join(["parcel", "invoice", "refund"][(i + at) % 3] for at in range(WORDS))


def resident_bytes(server):
    pages = int(pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * 4096


def bench(arguments, server, file, connections, seconds, rate=None):
    command = [arguments.ctt, "bench", "serve", "--json", "--url", f"http://127.0.0.1:{server.port}", "--task", "t", "--file", file, "--connections",
               str(connections), "--seconds", str(seconds), *(["--rate", str(rate)] if rate else [])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def ask(server, timeout_ms=60_000):
    """Status, headers and body of one request."""
    connection = server.connect(timeout=120)
    body = {"task_id": "t", "text": text(0), "options": {"timeout_ms": timeout_ms}}
    connection.request("POST", "/predict", json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    try:
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())
    finally:
        connection.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--factor", type=float, default=4)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "texts.jsonl"
        file.write_text("".join(json.dumps({"text": text(i)}) + "\n" for i in range(200)))
        with Server(arguments.ctt, f"{folder}/data", "--threads", str(arguments.threads), "--queue-tokens-max", str(QUEUE_TOKENS), "--access-log-every", "1000000",
                    "--settle-delay-ms", "-1") as server:
            rows = [{"text": text(i), "label": "ab"[i % 2]} for i in range(10)]
            assert server.call("POST", "/v1/tasks/t/examples", {"examples": rows})[0] == 200
            before = ask(server)[2]
            # Few connections: their first answers must come within the warm-up, on a slow machine too.
            capacity = bench(arguments, server, file, 8, 2)["requests_per_second"]
            rate = round(arguments.factor * capacity)
            result = {}
            load = threading.Thread(target=lambda: result.update(bench(arguments, server, file, CONNECTIONS, arguments.seconds, rate)))
            load.start()
            sizes, refused, late, statuses = [], 0, 0, set()
            while load.is_alive():
                time.sleep(min(1, arguments.seconds / 10))
                sizes.append(resident_bytes(server))
                status, headers, body = ask(server, 60_000 if len(sizes) % 2 else 5)
                statuses.add(status)
                if status == 429:
                    refused += 1
                    assert int(headers["Retry-After"]) >= 1 and body["code"] == "queue_full", (headers, body)
                late += status == 504
            load.join()
            after = ask(server)
            same = {**after[2], "processing_time_ms": 0} == {**before, "processing_time_ms": 0}
            ended = server.stop()
    # Memory may settle in the first fifth.
    start, end = sizes[len(sizes) // 5], sizes[-1]
    good = result["answers"].get("200", 0)
    print(json.dumps({"capacity": round(capacity), "offered": rate, "seconds": result["seconds"], "answers": result["answers"], "unsent": result["unsent"],
                      "answered_per_second": round(good / result["seconds"]), "latency_ms": result["latency_ms"], "asked_beside": sorted(statuses),
                      "refused_beside": refused, "late_beside": late,
                      "resident_mib": {"start": round(start / 2**20, 1), "end": round(end / 2**20, 1), "most": round(max(sizes) / 2**20, 1)}}))
    assert set(result["answers"]) <= {"200", "429", "504"}, result["answers"]
    assert statuses <= {200, 429, 504}, statuses
    no = result["answers"].get("429", 0) + result["answers"].get("504", 0)
    assert result["answers"].get("429", 0) > 0 and no > good > 0, "this was no overload"
    assert end - start < GROWTH_MAX, "the memory grew"
    assert after[0] == 200 and same and ended == 0, (after, ended)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
