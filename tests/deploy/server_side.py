#!/usr/bin/env python3
"""Everything that deploy/ makes, handed to a real API server: a strict dry run of each object, with the definitions of other projects
installed; then the overlays and the chart for real: rollouts, quotas, Pod Security, drains against the disruption budgets, helm install,
upgrade, rollback and test. Needs the programs of get_tools in PATH.

usage: server_side.py"""
import pathlib
import subprocess
import sys
import tempfile

from control_plane import ControlPlane, wait_for

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CHART = str(ROOT / "deploy/helm/ctt")


def say(name, what):
    print(f"ok   {name:<26} {what}", flush=True)


def check(good, what):
    if not good:
        sys.exit(f"FAIL {what}")


def dry_runs(cluster, folder):
    subprocess.run([sys.executable, str(HERE / "manifests.py"), "--keep", str(folder)], check=True, capture_output=True)
    wait_for("the definitions", lambda: cluster.kubectl("apply", "--server-side", "-f", str(folder / "definitions"), check=False).returncode == 0, 240)
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    for namespace in ("ctt", "argocd"):
        cluster.apply(f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}")
    objects = 0
    for file in sorted((folder / "objects").glob("*.yaml")):
        result = cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(file), "--namespace", "argocd" if file.name.startswith("argocd") else "ctt", check=False)
        check(result.returncode == 0, f"{file.name}: {result.stderr}")
        check("Warning" not in result.stderr, f"{file.name}: {result.stderr}")
        count = len(result.stdout.splitlines())
        say(file.stem, f"{count} objects by a strict dry run on the server")
        objects += count
    bad = (folder / "objects" / "single.yaml").read_text().replace("terminationGracePeriodSeconds:", "terminationGraceSeconds:")
    result = cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", check=False, input=bad)
    check(result.returncode != 0 and "terminationGraceSeconds" in result.stderr, "a misspelt field was accepted")
    say("server-side dry run", f"{objects} objects, strict; a misspelt field is refused")


def overlay(cluster):
    cluster.kubectl("apply", "-k", str(ROOT / "deploy/kubernetes/overlays/readers"))
    for workload in ("statefulset/ctt", "deployment/ctt-readers"):
        cluster.kubectl("-n", "ctt", "rollout", "status", workload, "--timeout=90s")
    say("overlay readers", "rolled out under Pod Security `restricted`")
    root = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}'
    result = cluster.kubectl("-n", "ctt", "apply", "-f", "-", input=root, check=False)
    check(result.returncode != 0 and "violates PodSecurity" in result.stderr, "a pod that is not locked was admitted")
    say("Pod Security", "another pod, which may run as root, is refused")
    [node] = {pod["spec"]["nodeName"] for pod in cluster.get("-n", "ctt", "pods", "-l", "ctt-role=writer")["items"]}
    result = cluster.kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=5s", check=False)
    check(result.returncode != 0 and "disruption budget" in result.stderr, f"the writer's node was drained: {result.stderr}")
    cluster.kubectl("uncordon", node)
    say("disruption budget", "a drain of the writer's node waits")
    cluster.kubectl("-n", "ctt", "create", "job", "--from=cronjob/ctt-backup", "backup-by-hand")
    say("backup CronJob", "makes a job")
    can = cluster.kubectl("auth", "can-i", "--list", "--as=system:serviceaccount:ctt:ctt", "-n", "ctt").stdout
    check("pods" not in can and "secrets" not in can, can)
    say("RBAC", "ctt's account may do nothing")
    cluster.kubectl("delete", "namespace", "ctt", "--timeout=90s")


def chart(cluster):
    def helm(*arguments):
        result = subprocess.run(["helm", "--kubeconfig", str(cluster.kubeconfig), "-n", "charts", *arguments], capture_output=True, text=True, check=False)
        check(result.returncode == 0, f"helm {' '.join(arguments)}: {result.stderr[-2000:]}")
        return result.stdout

    def image():
        return cluster.get("-n", "charts", "statefulset/ctt")["spec"]["template"]["spec"]["containers"][0]["image"]

    helm("install", "ctt", CHART, "--create-namespace", "--wait", "--timeout", "120s")
    helm("test", "ctt", "--timeout", "60s")
    first = image()
    refused = subprocess.run(["helm", "--kubeconfig", str(cluster.kubeconfig), "-n", "charts", "upgrade", "ctt", CHART, "--set", "writer.storage.size=big"],
                             capture_output=True, text=True, check=False)
    check(refused.returncode != 0 and "/writer/storage/size" in refused.stderr and image() == first, refused.stderr)
    # Kubernetes changes no claims of a StatefulSet: the volumes stay as they were installed.
    same = "image.tag=0.2.0,writer.storage.size=10Gi,backup.storage.size=20Gi,backup.storage.className="
    helm("upgrade", "ctt", CHART, "-f", CHART + "/values-production.yaml", "--set", same, "--wait", "--timeout", "120s")
    check(image().endswith(":0.2.0"), image())
    helm("rollback", "ctt", "1", "--wait", "--timeout", "120s")
    check(image() == first, image())
    helm("uninstall", "ctt", "--wait")
    kept = [claim["metadata"]["name"] for claim in cluster.get("-n", "charts", "pvc")["items"]]
    check(sorted(kept) == ["ctt-backups", "data-ctt-0"], kept)
    say("chart", "installed, tested, bad values refused, upgraded to production values, rolled back, uninstalled; both volumes kept")


def main():
    with tempfile.TemporaryDirectory() as name, ControlPlane() as cluster:
        dry_runs(cluster, pathlib.Path(name))
        overlay(cluster)
        chart(cluster)
    print("ok   manifests, overlays and chart on a real API server")


if __name__ == "__main__":
    main()
