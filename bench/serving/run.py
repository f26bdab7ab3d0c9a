#!/usr/bin/env python3
"""ctt beside the Python stack of peer.py: the same task, texts and threads, `ctt bench serve` against both in turn. One JSON line a round, then
medians. Use the interpreter of a virtual environment with requirements.txt. The peer's model comes from bench/peers/export.py (fused_q7.onnx).

usage: run.py CTT PEER_MODEL.onnx MODEL_FOLDER TRAIN.jsonl TEST.jsonl [--rounds 3] [--seconds 5] [--connections 64] [--threads 2] [--rates R,R]

Without --rates a round is a closed loop; with them, an open loop at each rate."""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "product"))
from ctt_process import Server  # noqa: E402

PEER_PORT = 18087


def start_peer(arguments):
    peer = subprocess.Popen([sys.executable, HERE / "peer.py", arguments.peer_model, f"{arguments.model}/tokenizer.json", arguments.train, str(PEER_PORT),
                             str(arguments.threads)])
    while peer.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PEER_PORT}/readyz", timeout=1)
            return peer
        except OSError:
            time.sleep(0.5)
    raise SystemExit("the peer did not start")


def measure(arguments, port, rate):
    command = [arguments.ctt, "bench", "serve", "--json", "--url", f"http://127.0.0.1:{port}", "--task", "t", "--file", arguments.test,
               "--connections", str(arguments.connections), "--seconds", str(arguments.seconds), *(["--rate", str(rate)] if rate else [])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser()
    for name in ("ctt", "peer_model", "model", "train", "test"):
        parser.add_argument(name)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rates", type=lambda text: [float(rate) for rate in text.split(",")], default=[0])
    arguments = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as data:
        subprocess.run([arguments.ctt, "learn", "t", arguments.train, "--data", data, "--model", arguments.model], check=True, stdout=subprocess.DEVNULL)
        server = Server(arguments.ctt, data, "--model", arguments.model, "--threads", str(arguments.threads), "--log-level", "warning")
        peer = start_peer(arguments)
        try:
            for round_number in range(arguments.rounds):
                for rate in arguments.rates:
                    for name, port in (("ctt", server.port), ("python", PEER_PORT)):
                        result = measure(arguments, port, rate)
                        results.setdefault((name, rate), []).append(result)
                        print(json.dumps({"server": name, "round": round_number, **{key: value for key, value in result.items() if key != "histogram"}}), flush=True)
        finally:
            peer.terminate()
            peer.wait()
            server.stop()
    for (name, rate), rounds in results.items():
        middle = {key: round(statistics.median(result["latency_ms"][key] for result in rounds), 2) for key in ("p50", "p99", "p999")}
        bad = sum(count for result in rounds for status, count in result["answers"].items() if status != "200")
        print(f"{name:7} rate {rate or 'closed'}: {statistics.median(r['requests_per_second'] for r in rounds):.0f} requests/s, ms {middle}, not 200: {bad}, "
              f"unsent: {sum(r['unsent'] for r in rounds)}")


if __name__ == "__main__":
    main()
