#!/usr/bin/env python3
"""A real Prometheus with the shipped rules scrapes a real ctt that learns and answers; then every query of every
dashboard must return a series, every rule must be healthy, and no alert may fire. Needs python3-yaml and Debian's prometheus.

usage: monitoring_test.py CTT"""
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
MONITORING = ROOT / "deploy" / "monitoring"
sys.path.insert(0, str(ROOT / "tests" / "product"))
from ctt_process import Server  # noqa: E402

SECONDS_MAX = 90


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def dashboard_queries():
    """(dashboard, panel, query with its variables filled in)"""
    for file in sorted((MONITORING / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                query = target["expr"].replace("$__rate_interval", "15s").replace("$job", ".*").replace("$instance", ".*")
                yield file.stem, panel["title"], query


def configure(folder, metrics_port):
    """The shipped configuration, with this test's target and a second instead of its intervals."""
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    for job in config["scrape_configs"]:
        if job["job_name"] == "ctt":
            del job["dns_sd_configs"]
            job["static_configs"] = [{"targets": [f"127.0.0.1:{metrics_port}"]}]
    config["scrape_configs"] = [job for job in config["scrape_configs"] if job["job_name"] == "ctt"]
    (folder / "rules").mkdir()
    for file in (MONITORING / "rules").glob("*.yml"):
        (folder / "rules" / file.name).write_text(re.sub(r"interval: \d+s", "interval: 1s", file.read_text()))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))


class Prometheus:
    def __init__(self, folder):
        self.port = free_port()
        self.log = open(folder / "prometheus.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                                         f"--web.listen-address=127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def get(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.loads(answer.read())["data"]
        except urllib.error.HTTPError as error:
            sys.exit(f"FAIL {path} {parameters}: {error.read().decode()}")

    def series(self, query):
        return self.get("query", query=query)["result"]

    def wait_ready(self):
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit("FAIL Prometheus does not start")


def traffic(server):
    """One of each kind that a dashboard shows."""
    def call(method, path, body):
        status, answer = server.call(method, path, body)
        if status >= 300:
            sys.exit(f"FAIL {method} {path}: {status} {answer}")

    rows = [json.loads(line) for line in (ROOT / "examples/support/train.jsonl").read_text().splitlines()]
    for row in rows:
        row["id"] = row["text"][:40]
    call("POST", "/v1/tasks/support/examples", {"examples": rows[:40]})
    call("POST", "/v1/tasks/support/examples", {"examples": rows[40:]})
    call("DELETE", "/v1/tasks/support/examples", {"ids": [rows[0]["id"]]})
    call("PUT", "/v1/tasks/support/aliases/shadow", {"version": 1})
    call("PUT", "/v1/tasks/support/aliases/canary", {"version": 1, "share": 0.5})
    call("POST", "/v1/backup", {})
    yield
    while True:
        for row in rows[:20]:
            call("POST", "/predict", {"task_id": "support", "text": row["text"]})
        call("POST", "/v1/tasks/support/examples", {"examples": [{"text": "once more " + rows[0]["text"], "label": rows[0]["label"]}]})
        yield


def wait_for_series(prometheus, drive, wanted):
    """Until each query has returned a series; those that never did."""
    missing = list(wanted)
    end = time.monotonic() + SECONDS_MAX
    while missing and time.monotonic() < end:
        next(drive)
        time.sleep(1)
        missing = [row for row in missing if not prometheus.series(row[-1])]
    return missing


def check_rules(prometheus):
    count = 0
    for group in prometheus.get("rules")["groups"]:
        for rule in group["rules"]:
            count += 1
            if rule["health"] != "ok":
                sys.exit(f"FAIL rule {rule['name']} is {rule['health']}: {rule.get('lastError')}")
            if rule.get("state") == "firing":
                sys.exit(f"FAIL {rule['name']} fires on a healthy server")
    return count


def main():
    queries = list(dashboard_queries())
    with tempfile.TemporaryDirectory() as name:
        folder, metrics_port = pathlib.Path(name), free_port()
        configure(folder, metrics_port)
        with Server(sys.argv[1], str(folder / "data"), "--prometheus-port", str(metrics_port), "--backups", str(folder / "backups"),
                    "--settle-delay-ms", "500") as server, Prometheus(folder) as prometheus:
            prometheus.wait_ready()
            missing = wait_for_series(prometheus, traffic(server), queries)
            if missing:
                sys.exit("FAIL no series after %d s for:\n" % SECONDS_MAX + "\n".join(f"  {board}, {title}: {query}" for board, title, query in missing))
            targets = prometheus.get("targets")["activeTargets"]
            if [target["health"] for target in targets] != ["up"]:
                sys.exit(f"FAIL targets {targets}")
            rules = check_rules(prometheus)
    print(f"ok   dashboards             {len(queries)} queries return series of a scraped ctt")
    print(f"ok   rules in Prometheus    {rules} loaded and healthy, none fires")


if __name__ == "__main__":
    main()
