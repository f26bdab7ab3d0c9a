#!/usr/bin/env python3
"""Runs a command with a PostgreSQL and an S3 server of its own. CTT_TEST_POSTGRES is the URL of the one, CTT_TEST_S3_FOLDER where the
other keeps its objects (bucket `ctt`), and the AWS_ variables say how to reach it; every tenth of its answers is 503.

usage: with_servers.py COMMAND..."""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "product"))
from s3_endpoint import S3Endpoint  # noqa: E402
from shared_stores import Postgres  # noqa: E402


def main():
    with tempfile.TemporaryDirectory(prefix="ctt_s3_") as folder:
        bucket = S3Endpoint(folder, failures=0.1)
        environment = {**os.environ, **bucket.environment, "CTT_TEST_POSTGRES": Postgres().url, "CTT_TEST_S3_FOLDER": folder}
        return subprocess.run(sys.argv[1:], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
