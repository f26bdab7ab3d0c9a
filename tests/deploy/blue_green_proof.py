#!/usr/bin/env python3
"""Blue/green on a real control plane: deploy/blue-green, each pod of it a real ctt process on one PostgreSQL and one bucket, switched by
deploy/blue-green/switch under its own role while callers ask and teach without a pause. A switch; an abort because the new image does not start;
an abort because the preview starts but does not answer as it should; another switch and a rollback: without a failed request or a lost lesson.
Prints the time line. Needs the programs of get_tools in PATH, Debian's postgresql.

usage: blue_green_proof.py CTT"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from control_plane import ControlPlane, wait_for
from pods import ROOT, Api, Callers, Kubelet, ServiceProxy, Stores
from time_line import check, say
from ctt_process import wait_until  # tests/product, which pods has put into the path.

SWITCH = str(ROOT / "deploy/blue-green/switch")


def own_kubeconfig(cluster, folder):
    """What a pipeline has: the token of the service account ctt-switch."""
    token = cluster.kubectl("-n", "ctt", "create", "token", "ctt-switch").stdout.strip()
    path = folder / "switch.kubeconfig"
    path.write_text(cluster.kubeconfig.read_text().replace(Api(cluster.kubeconfig).token, token))
    path.chmod(0o600)
    return str(path)


class Stand:
    def __init__(self, ctt, cluster, folder):
        self.cluster, self.folder = cluster, folder
        self.stores = Stores(folder)
        self.kubelet = Kubelet(ctt, cluster, "replica", folder, self.environment_of)
        cluster.apply(cluster.kubectl("kustomize", str(ROOT / "deploy/blue-green")).stdout)
        cluster.kubectl("-n", "ctt", "rollout", "status", "deployment/ctt-blue", "--timeout=90s")
        say("deploy/blue-green is applied and rolled out: three ctt processes behind ctt-active")
        self.active, self.preview = (ServiceProxy(self.kubelet, service) for service in ("ctt-active", "ctt-preview"))
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "KUBECONFIG": own_kubeconfig(cluster, folder)}
        self.rows = [json.loads(line) for line in (ROOT / "examples/support/train.jsonl").read_text().splitlines()]
        wait_for("endpoints", lambda: len(self.active.pods) == 3)
        wait_for("the first lesson", lambda: not Callers.call(self.active.url, "/v1/tasks/support/examples", {"examples": self.rows}, "accepted"))
        question = {"task_id": "support", "text": self.rows[0]["text"]}
        wait_for("the task on every replica", lambda: not any(Callers.call(self.active.url, "/predict", question, "predictions") for _ in range(9)))
        self.callers = Callers(self.active.url, "support", self.rows)
        self.expect("blue")
        say("callers ask and teach through ctt-active; blue answers")

    def environment_of(self, pod):
        """Images by their tags: 0.3.0 does not start; 0.4.0 knows another database than the others do."""
        tag = pod["spec"]["containers"][0]["image"].rpartition(":")[2]
        more = {"0.3.0": {"CTT_TOKENS_MAX": "none"}, "0.4.0": {"CTT_DATA": str(self.folder / pod["metadata"]["name"]), "CTT_ARTIFACTS": ""}}
        return {**self.stores.environment, **more.get(tag, {})}

    def switch(self, *arguments):
        command = [SWITCH, *arguments, "--preview-url", self.preview.url, "--task", "support", "--text", self.rows[0]["text"], "--timeout", "25"]
        with subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            for line in process.stdout:
                say("    " + line.rstrip())
        return process.returncode

    def expect(self, colour):
        """That the next 200 answers are this colour's."""
        time.sleep(0.5)  # Until the proxy has seen the endpoints.
        self.active.served.clear()
        wanted = self.callers.answered + 200
        wait_for("answers", lambda: self.callers.answered >= wanted or self.callers.failures)
        colours = {pod.split("-")[1] for pod in self.active.served}
        check(colours == {colour}, f"{colours} answer, not {colour}; {self.callers.failures[:3]}")
        say(f"{colour} answers; {len(self.callers.failures)} of {self.callers.answered} requests failed so far")

    def replicas(self, colour):
        return self.cluster.get("-n", "ctt", f"deployment/ctt-{colour}")["spec"]["replicas"]

    def run(self):
        check(self.switch("ghcr.io/OWNER/ctt:0.2.0") == 0, "the switch failed")
        self.expect("green")
        say("an image that does not start:")
        check(self.switch("ghcr.io/OWNER/ctt:0.3.0") == 1 and self.replicas("blue") == 0, "an image that does not start was not put to rest")
        self.expect("green")
        say("an image whose preview does not know the task:")
        check(self.switch("ghcr.io/OWNER/ctt:0.4.0") == 1 and self.replicas("blue") == 0, "a preview that is not well was not put to rest")
        self.expect("green")
        say("a good one, and back:")
        check(self.switch("ghcr.io/OWNER/ctt:0.5.0") == 0, "the second switch failed")
        self.expect("blue")
        check(self.switch("--rollback") == 0, "the rollback failed")
        self.expect("green")
        check(self.switch("--finish") == 0 and self.replicas("blue") == 0, "blue was not put to rest")
        check(self.switch("--rollback") == 1, "a rollback to no replicas went through")
        self.expect("green")
        self.callers.stop()
        check(not self.callers.failures, self.callers.failures[:3])
        self.check_lessons()
        denied = subprocess.run(["kubectl", "-n", "ctt", "delete", "deployment/ctt-blue"], env=self.environment, capture_output=True, text=True, check=False)
        check(denied.returncode != 0 and "forbidden" in denied.stderr, "the role of the switch may delete")
        say("the role ctt-switch may not delete a Deployment")
        codes = self.kubelet.stop()
        check(codes and not any(codes), f"processes ended with {codes}")

    def check_lessons(self):
        taught = len(self.rows) + self.callers.learned

        def held():
            return json.loads(Callers.fetch(self.active.url + "/v1/tasks/support"))["examples"]

        check(wait_until(lambda: held() == taught), f"{taught} examples were acknowledged, {held()} are held")
        say(f"all {taught} acknowledged examples are held, {self.callers.learned} of them taught during the switches")

    def stop(self):
        self.kubelet.stop()
        self.stores.stop()


def main():
    ctt = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as name, ControlPlane(waiting_role="replica") as cluster:
        say("control plane up: 3 nodes")
        stand = Stand(ctt, cluster, pathlib.Path(name))
        try:
            stand.run()
        finally:
            stand.stop()
    print(f"ok   2 switches, 2 aborts, 1 rollback; 0 of {stand.callers.answered} requests failed, no lesson lost")


if __name__ == "__main__":
    main()
