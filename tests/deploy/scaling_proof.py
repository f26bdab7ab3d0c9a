#!/usr/bin/env python3
"""Autoscaling on a real control plane: each pod of deploy/kubernetes/overlays/replicated is a real ctt process, a real Prometheus scrapes
them, the adapter serves inference_requests_per_second by deploy/autoscaling/adapter-rules.yaml, metrics-server what the kernel says of their
CPU and memory, and the controller manager's own HPA controller decides. `ctt bench serve` raises the number of replicas, its end lets it
fall, and no request fails. Prints the time line. Windows, target and limits are shortened. Needs the programs of get_tools in PATH, Debian's
postgresql and prometheus, python3-yaml.

usage: scaling_proof.py CTT"""
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import yaml

from control_plane import ControlPlane, free_ports, wait_for
from pods import ROOT, Callers, Kubelet, ServiceProxy, Stores
from time_line import check, say

TARGET = 20  # Requests a second and pod.
RATE = 90
LEAST, MOST, ENOUGH = 2, 5, 4
TEXTS = str(ROOT / "examples/support/train.jsonl")


class Prometheus:
    """Debian's build has no discovery of pods: the labels that it would give come by the kubelet's file."""

    def __init__(self, folder, targets):
        [port] = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        (folder / "prometheus.yml").write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": [
            {"job_name": "ctt", "file_sd_configs": [{"files": [str(targets)], "refresh_interval": "1s"}]}]}))
        with open(folder / "prometheus.log", "wb") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                                             f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Load(threading.Thread):
    """`ctt bench serve` again and again, a few seconds each: its connections are spread over the pods that are ready as it begins."""

    def __init__(self, ctt, url):
        super().__init__(daemon=True)
        self.command = [ctt, "bench", "serve", "--json", "--url", url, "--task", "support", "--file", TEXTS, "--connections", "10", "--rate", str(RATE),
                        "--seconds", "4", "--warmup", "0"]
        self.runs, self.open = [], True
        self.start()

    def run(self):
        while self.open:
            result = subprocess.run(self.command, capture_output=True, text=True, check=False)
            self.runs.append(json.loads(result.stdout) if result.returncode == 0 else {"failed": result.stderr})

    def stop(self):
        self.open = False
        self.join()


def manifests(cluster):
    """The shipped overlay, with the windows, limits and target of a test."""
    documents = [one for one in yaml.safe_load_all(cluster.kubectl("kustomize", str(ROOT / "deploy/kubernetes/overlays/replicated")).stdout) if one]
    for document in documents:
        spec = document.get("spec", {})
        if document["kind"] == "HorizontalPodAutoscaler":
            spec["minReplicas"], spec["maxReplicas"] = LEAST, MOST
            spec["metrics"][2]["pods"]["target"]["averageValue"] = str(TARGET)
            spec["behavior"]["scaleUp"].update(stabilizationWindowSeconds=2, policies=[{"type": "Percent", "value": 100, "periodSeconds": 5}])
            spec["behavior"]["scaleDown"].update(stabilizationWindowSeconds=10, policies=[{"type": "Percent", "value": 50, "periodSeconds": 10}])
        if document["kind"] == "Deployment":
            spec["replicas"] = LEAST
    return yaml.safe_dump_all(documents)


class Autoscaler:
    def __init__(self, cluster):
        self.cluster, self.last = cluster, None

    def look(self):
        """(replicas, {metric: what the HPA reads}, complaints); prints a change."""
        status = self.cluster.get("-n", "ctt", "hpa/ctt")["status"]
        seen = {}
        for metric in status.get("currentMetrics") or []:
            if metric["type"] == "Pods":
                seen["requests a second and pod"] = metric["pods"]["current"]["averageValue"]
            elif metric["type"] == "Resource":
                seen[metric["resource"]["name"]] = f"{metric['resource']['current'].get('averageUtilization')} %"
        complaints = [one["message"] for one in status.get("conditions", []) if one["type"] in ("ScalingActive", "AbleToScale") and one["status"] != "True"]
        replicas = status.get("currentReplicas", 0)
        if (replicas, seen) != self.last:
            say(f"    {replicas} replicas; {', '.join(f'{name} {value}' for name, value in seen.items()) or 'no metrics yet'}")
            self.last = replicas, seen
        return replicas, seen, complaints

    def follow(self, until, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            replicas, seen, complaints = self.look()
            if until(replicas, seen, complaints):
                return replicas
            time.sleep(2)
        sys.exit(f"FAIL the autoscaler stays at {self.last}; {complaints}")


def prove(cluster, kubelet, ctt):
    proxy = ServiceProxy(kubelet, "ctt")
    rows = [json.loads(line) for line in pathlib.Path(TEXTS).read_text().splitlines()]
    wait_for("endpoints", lambda: len(proxy.pods) == LEAST)
    check(not Callers.call(proxy.url, "/v1/tasks/support/examples", {"examples": rows}, "accepted"), "no lesson")
    scaler = Autoscaler(cluster)
    scaler.follow(lambda replicas, seen, complaints: replicas == LEAST and len(seen) == 3 and not complaints, 120)
    loads = json.loads(cluster.kubectl("get", "--raw", "/apis/custom.metrics.k8s.io/v1beta2/namespaces/ctt/pods/*/model_load_duration_seconds").stdout)
    depths = json.loads(cluster.kubectl("get", "--raw", "/apis/custom.metrics.k8s.io/v1beta2/namespaces/ctt/pods/*/inference_queue_depth").stdout)
    check(len(loads["items"]) == len(depths["items"]) == LEAST, "the adapter lacks a metric")
    say(f"{LEAST} replicas, no load; by the adapter: loading the model took {[one['value'] for one in loads['items']]} s, queue {[one['value'] for one in depths['items']]}")
    load = Load(ctt, proxy.url)
    say(f"`ctt bench serve --rate {RATE}` begins; the target is {TARGET} requests a second and pod")
    top = scaler.follow(lambda replicas, *_: replicas >= ENOUGH, 150)
    wait_for("a process for each pod", lambda: len(proxy.pods) >= ENOUGH)
    say(f"{len(proxy.pods)} replicas are ready; the load goes on for a while")
    spread = len(load.runs) + 2
    wait_for("two more rounds", lambda: len(load.runs) >= spread)
    load.stop()
    answered, failed = sum(run.get("requests", 0) for run in load.runs), [run for run in load.runs if set(run.get("answers", ["none"])) != {"200"}]
    say(f"the load ends: {answered} answers in {len(load.runs)} rounds, {len(failed)} of them with a failure; {len(proxy.served)} pods had a part")
    check(not failed, failed[:2])
    scaler.follow(lambda replicas, *_: replicas == LEAST, 240)
    proxy.close()
    return top, answered


def main():
    ctt = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as name, ControlPlane(waiting_role="replica") as cluster:
        folder = pathlib.Path(name)
        say("control plane up: 3 nodes")
        stores = Stores(folder)
        kubelet = Kubelet(ctt, cluster, "replica", folder, lambda _: stores.environment, usage_s=3)
        prometheus = Prometheus(folder, kubelet.targets)
        try:
            cluster.apply(manifests(cluster))
            cluster.metrics(ROOT / "deploy/autoscaling/adapter-rules.yaml", prometheus.url)
            say("overlays/replicated applied; metrics-server and the adapter are registered")
            top, answered = prove(cluster, kubelet, ctt)
        finally:
            kubelet.stop()
            prometheus.stop()
            stores.stop()
    print(f"ok   {LEAST} -> {top} -> {LEAST} replicas; 0 of {answered} requests failed")


if __name__ == "__main__":
    main()
