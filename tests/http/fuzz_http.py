#!/usr/bin/env python3
"""schemathesis, all checks that fit, over api/openapi.yaml, against a real server with a learned task. Needs schemathesis (PyPI); where it
is not installed it is put into a virtual environment under .cache.

usage: fuzz_http.py CTT [--examples N] [--seed S]"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VERSION = "4.32.5"
# Two checks know nothing of this API: 404 also says that a task which is there lacks a version or an example, and a
# lesson makes its task anew, even a deleted one.
EXCLUDED = "ensure_resource_availability,use_after_free"
sys.path.insert(0, str(HERE.parent / "product"))
from ctt_process import Server  # noqa: E402


def find_schemathesis():
    found = shutil.which("schemathesis")
    if found:
        return found
    folder = ROOT / ".cache" / "schemathesis"
    program = folder / "bin" / "schemathesis"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", f"schemathesis=={VERSION}"], check=True)
    return str(program)


def run(program, server, phases, arguments):
    command = [program, "--config-file", str(HERE / "schemathesis.toml"), "run", str(ROOT / "api" / "openapi.yaml"),
               "--url", f"http://127.0.0.1:{server.port}", "--exclude-operation-id", "createKey", "--checks", "all", "--exclude-checks", EXCLUDED, "--phases", phases, "--max-examples",
               str(arguments.examples), "--seed", str(arguments.seed), "--generation-database", "none", "--no-color"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "SCHEMATHESIS_PHASES": phases, "PYTHONPATH": str(HERE)}
    return subprocess.run(command, env=environment).returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("--examples", type=int, default=100, help="for each operation")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    program = find_schemathesis()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.ctt, folder, "--settle-delay-ms", "-1")
        # What the examples of the file name.
        rows = [{"text": "please block my card", "label": "block_card", "id": "r-1"}, {"text": "what is the rate", "label": "rate"}]
        assert server.call("POST", "/v1/tasks/banking/examples", {"examples": rows})[0] == 200
        # No call that makes a key: from the first one on every call would need it.
        code = max(run(program, server, phases, arguments) for phases in ("examples", "coverage,fuzzing,stateful"))
        alive = server.process.poll() is None and server.call("GET", "/health")[0] == 200
        ended = server.stop() if alive else None
    print(f"schemathesis {code}, server answered after it: {alive}, ended with {ended}")
    return 0 if code == 0 and alive and ended == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
