#!/usr/bin/env python3
"""The replicated stand as processes: three ctt with the variables that compose.yaml gives a replica, on a real PostgreSQL and an S3
endpoint; only host names and ports are this test's. One learns, the others answer with the same head; one is killed, the rest go on. The
Deployment of overlays/replicated must name the same variables. Needs Debian's postgresql and python3-yaml.

usage: replicated_test.py CTT"""
import json
import os
import pathlib
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "product"))
from ctt_process import Server, wait_until  # noqa: E402
from s3_endpoint import S3Endpoint  # noqa: E402
from shared_stores import Postgres  # noqa: E402

# Of Compose alone, or of Kubernetes alone.
OTHERS = {"ENV", "LOG_LEVEL", "KUBERNETES_NAMESPACE", "CTT_ENVIRONMENT", "CTT_THREADS", "PGSSLROOTCERT"}


def check(good, what):
    if not good:
        sys.exit(f"FAIL {what}")


def main():
    replica = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text())["services"]["replica"]
    manifest = yaml.safe_load((ROOT / "deploy/kubernetes/overlays/replicated/replicas/deployment.yaml").read_text())
    named = {row["name"] for row in manifest["spec"]["template"]["spec"]["containers"][0]["env"]}
    check(set(replica["environment"]) - OTHERS == named - OTHERS, f"Compose and Kubernetes name other variables: {set(replica['environment']) ^ named}")
    with tempfile.TemporaryDirectory() as folder:
        store, database = S3Endpoint(folder), Postgres()
        environment = {name: str(value) for name, value in replica["environment"].items() if not str(value).startswith("${")}
        environment["CTT_DATA"] = environment["CTT_DATA"].replace("@postgres/ctt", f"@127.0.0.1:{database.port}/postgres")
        os.environ.update(environment)
        os.environ.update({**store.environment, "AWS_ENDPOINT_URL_S3": store.environment.get("AWS_ENDPOINT_URL_S3", store.environment.get("AWS_ENDPOINT_URL", ""))})
        servers = [Server(sys.argv[1], environment["CTT_DATA"], "--model", str(ROOT / "models/all-MiniLM-L6-v2")) for _ in range(replica["deploy"]["replicas"])]
        rows = [json.loads(line) for line in (ROOT / "examples/support/train.jsonl").read_text().splitlines()]
        status, learned = servers[0].call("POST", "/v1/tasks/support/examples", {"examples": rows})
        check(status == 200, learned)

        def heads():
            return {json.dumps(server.call("GET", "/v1/tasks/support")[1].get("head_digest")) for server in servers}

        check(wait_until(lambda: servers[0].call("GET", "/v1/tasks/support")[1]["settled"]) and wait_until(lambda: len(heads()) == 1 and heads() != {"null"}),
              f"replicas differ: {heads()}")
        servers.pop(0).kill()
        for server in servers:
            status, answer = server.call("POST", "/predict", {"task_id": "support", "text": rows[0]["text"]})
            check(status == 200 and answer["predictions"][0] == rows[0]["label"], answer)
        status, learned = servers[1].call("POST", "/v1/tasks/support/examples", {"examples": [{"text": "a word of thanks", "label": "praise"}]})
        check(status == 200, learned)
        objects = sum(path.is_file() for path in pathlib.Path(folder).rglob("*"))
        check(objects > 0, "nothing is in the bucket")
        for server in servers:
            check(server.stop() == 0, "a replica did not end with 0")
    print(f"ok   3 replicas, one head, {objects} objects in S3; one killed, the others answer and learn")


if __name__ == "__main__":
    main()
