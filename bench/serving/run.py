#!/usr/bin/env python3
"""ctt beside the Python stack of peer.py: the same task, texts and threads, `ctt bench serve` against both in turn. One JSON line a round, then
medians. Use the interpreter of a virtual environment with requirements.txt. The peer's model comes from bench/peers/export.py (fused_q7.onnx).

usage: run.py CTT PEER_MODEL.onnx MODEL_FOLDER TRAIN.jsonl TEST.jsonl [--rounds 3] [--seconds 5] [--connections 64] [--threads 2]
              [--tokens 12] [--rates R,R]

Without --rates a round is a closed loop; with them, an open loop at each rate. A rate below 1 is a share of the most that ctt did in a closed
loop before the rounds. --tokens takes only the rows of TEST that have so many. For ctt a round also says what CPU time its threads took: those
that read and write HTTP (io) as a share of those that encode."""
import argparse
import json
import os
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


def rows_of(path, model, tokens):
    """The rows of a file that have so many tokens, the two around the text included."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
    tokenizer.no_padding()
    rows = [line for line in open(path, encoding="utf-8") if len(tokenizer.encode(json.loads(line)["text"]).ids) == tokens]
    if not rows:
        raise SystemExit(f"no row of {path} has {tokens} tokens")
    return rows


def cpu_seconds(process):
    """CPU time of the threads of a process, by their names."""
    spent = {}
    for stat in pathlib.Path(f"/proc/{process}/task").glob("*/stat"):
        name, _, rest = stat.read_text().partition(") ")
        fields = rest.split()
        spent.setdefault(name.partition("(")[2], 0)
        spent[name.partition("(")[2]] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return spent


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
    parser.add_argument("--tokens", type=int, default=0)
    parser.add_argument("--rates", type=lambda text: [float(rate) for rate in text.split(",")], default=[0])
    arguments = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/data"
        subprocess.run([arguments.ctt, "learn", "t", arguments.train, "--data", data, "--model", arguments.model], check=True, stdout=subprocess.DEVNULL)
        if arguments.tokens:
            chosen = pathlib.Path(folder) / "texts.jsonl"
            chosen.write_text("".join(rows_of(arguments.test, arguments.model, arguments.tokens)), encoding="utf-8")
            arguments.test = chosen
        server = Server(arguments.ctt, data, "--model", arguments.model, "--threads", str(arguments.threads), "--access-log-every", "1000000")
        peer = start_peer(arguments)
        try:
            if any(0 < rate < 1 for rate in arguments.rates):
                most = measure(arguments, server.port, 0)["requests_per_second"]
                arguments.rates = [round(rate * most) if rate < 1 else rate for rate in arguments.rates]
            for round_number in range(arguments.rounds):
                for rate in arguments.rates:
                    for name, port in (("ctt", server.port), ("python", PEER_PORT)):
                        before = cpu_seconds(server.process.pid)
                        result = measure(arguments, port, rate)
                        if name == "ctt":
                            spent = {thread: seconds - before.get(thread, 0) for thread, seconds in cpu_seconds(server.process.pid).items()}
                            result["cpu_seconds"] = {thread: round(seconds, 2) for thread, seconds in spent.items() if seconds >= 0.01}
                            result["io_of_encode"] = round(spent["ctt-io"] / spent["ctt-encode"], 3)
                        results.setdefault((name, rate), []).append(result)
                        print(json.dumps({"server": name, "round": round_number, **{key: value for key, value in result.items() if key != "histogram"}}), flush=True)
        finally:
            peer.terminate()
            peer.wait()
            server.stop()
    for (name, rate), rounds in results.items():
        middle = {key: round(statistics.median(result["latency_ms"][key] for result in rounds), 2) for key in ("p50", "p99", "p999")}
        bad = sum(count for result in rounds for status, count in result["answers"].items() if status != "200")
        if name == "ctt":
            print(f"ctt io of encode: {statistics.median(result['io_of_encode'] for result in rounds):.3f}")
        print(f"{name:7} rate {rate or 'closed'}: {statistics.median(r['requests_per_second'] for r in rounds):.0f} requests/s, ms {middle}, not 200: {bad}, "
              f"unsent: {sum(r['unsent'] for r in rounds)}")


if __name__ == "__main__":
    main()
