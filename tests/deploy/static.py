#!/usr/bin/env python3
"""What can be checked of deploy/ in seconds, without a cluster: every YAML parses; every setting, flag, TOML key and metric
that it names is one of ctt's; generated files are as their sources say; each alert has its page; pods are locked down.
promtool and kubectl check their part where they are installed. Needs python3-yaml.

usage: static.py CTT [--write]    (--write: make the generated files anew)"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
sys.path.insert(0, str(ROOT / "tests" / "product"))
from ctt_process import Server  # noqa: E402

# Variables that no setting is behind: of the kernels (docs/cli.md), and one that the manifests pass on to others.
OTHER_VARIABLES = {"CTT_FORCE_ISA", "CTT_KEY"}
# What the platform exports, not ctt.
FOREIGN_METRICS = {"up"}
passed, failures = 0, []


def check(good, what):
    global passed
    if good:
        passed += 1
    else:
        failures.append(what)


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def documents():
    """(path, document) of all YAML that is not a Helm template."""
    for path in sorted(DEPLOY.rglob("*.y*ml")):
        if "templates" in path.parts:
            continue
        try:
            for document in yaml.safe_load_all(path.read_text()):
                if document is not None:
                    yield path.relative_to(ROOT), document
        except yaml.YAMLError as error:
            check(False, f"{path.relative_to(ROOT)}: {error}")


def walk(node):
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def check_settings(ctt):
    """Variables, flags and TOML keys."""
    settings = json.loads(run(ctt, "info", "--json").stdout)["settings"]
    known = {f"CTT_{name.upper()}" for name in settings} | OTHER_VARIABLES
    for path in sorted(DEPLOY.rglob("*")):
        if path.is_file() and path.suffix != ".json":
            for name in set(re.findall(r"\bCTT_[A-Z_]+\b", path.read_text())):
                check(name in known, f"{path.relative_to(ROOT)}: {name} is no setting of ctt")
    helps = {}
    for path, document in documents():
        for node in walk(document):
            for key in ("args", "command"):
                words = node.get(key)
                if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                    continue
                words = words[1:] if words[:1] == ["ctt"] else words
                if not words or not re.fullmatch("serve|backup|restore|doctor|predict|verify", words[0]):
                    continue
                usage = helps.setdefault(words[0], run(ctt, words[0], "--help").stdout)
                for word in words:
                    if word.startswith("--"):
                        check(re.search(rf"(^|[\s,]){word}\b", usage), f"{path}: `ctt {words[0]}` has no flag {word}")
    for path in DEPLOY.rglob("*.toml"):
        result = run(ctt, "serve", "--check-config", "--config", str(path), "--model", str(ROOT / "models/all-MiniLM-L6-v2"))
        check(result.returncode == 0, f"{path.relative_to(ROOT)}: {result.stderr.strip()}")


def queries():
    """(where, PromQL) of rules, dashboards and scalers."""
    for path, document in documents():
        for node in walk(document):
            for key in ("expr", "metricsQuery", "seriesQuery", "query"):
                if isinstance(node.get(key), str):
                    yield path, node[key]
    for path in (DEPLOY / "monitoring/grafana/dashboards").glob("*.json"):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield path.relative_to(ROOT), target["expr"]


def check_metrics(ctt):
    with tempfile.TemporaryDirectory() as folder, Server(ctt, folder + "/data", "--model", str(ROOT / "models/all-MiniLM-L6-v2")) as server:
        text = server.call("GET", "/metrics")[1]
    known = set(re.findall(r"^([a-z_]+)[{ ]", text, re.MULTILINE)) | FOREIGN_METRICS
    for _, document in documents():
        known |= {node["record"] for node in walk(document) if "record" in node}
    for path, query in queries():
        bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(by|on|without|group_left|ignoring)\s*\([^)]*\)', " ", query)
        for name in re.findall(r"(?<![\w:.$<])((?:ctt|inference|model|process)[_:][\w:]+|up)\b(?!\s*\()", bare):
            check(name in known, f"{path}: ctt exports no metric {name}")


def alerts():
    for group in yaml.safe_load((DEPLOY / "monitoring/rules/alerts.yml").read_text())["groups"]:
        yield from (rule for rule in group["rules"] if "alert" in rule)


def check_runbooks():
    names = {rule["alert"] for rule in alerts()}
    pages = {path.stem for path in (ROOT / "docs/runbooks").glob("*.md")}
    check(names == pages, f"alerts and docs/runbooks differ: {sorted(names ^ pages)}")
    for rule in alerts():
        check(rule["annotations"]["runbook_url"].endswith(f"/{rule['alert']}.md"), f"{rule['alert']}: names another runbook")


def prometheus_rule():
    groups = []
    for name in ("recording", "alerts"):
        groups += yaml.safe_load((DEPLOY / f"monitoring/rules/{name}.yml").read_text())["groups"]
    for group in groups:  # Both files may have a group of the same subject; the operator wants other names.
        if any("record" in rule for rule in group["rules"]):
            group["name"] += "-recorded"
    text = yaml.safe_dump({"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": {"name": "ctt"}, "spec": {"groups": groups}},
                          sort_keys=False, width=1000)
    return "# Made by tests/deploy/static.py --write of deploy/monitoring/rules; do not edit.\n" + text


def check_generated(write):
    rule = DEPLOY / "kubernetes/components/monitoring/prometheusrule.yaml"
    if write:
        rule.write_text(prometheus_rule())
    check(rule.read_text() == prometheus_rule(), "components/monitoring/prometheusrule.yaml differs from deploy/monitoring/rules: static.py --write")
    grafana = DEPLOY / "monitoring/grafana"
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, str(grafana / "make_dashboards.py"), str(grafana / "dashboards") if write else folder)
        for path in pathlib.Path(folder).glob("*.json"):
            kept = grafana / "dashboards" / path.name
            check(kept.exists() and kept.read_text() == path.read_text(), f"{path.name} differs from make_dashboards.py: static.py --write")


def check_pods():
    """The rules of the Pod Security Standard `restricted` and ours: read-only root, no token, resources, probes for servers."""
    for path, document in documents():
        for node in walk(document):
            if "containers" not in node or "restartPolicy" not in node and "terminationGracePeriodSeconds" not in node:
                continue
            pod = node.get("securityContext", {})
            check(pod.get("runAsNonRoot") and pod.get("seccompProfile") == {"type": "RuntimeDefault"}, f"{path}: a pod may run as root, or without seccomp")
            check(node.get("automountServiceAccountToken") is False, f"{path}: a pod gets a token")
            for container in node["containers"] + node.get("initContainers", []):
                where, locked = f"{path}: container {container['name']}", container.get("securityContext", {})
                check(locked.get("readOnlyRootFilesystem") and locked.get("allowPrivilegeEscalation") is False
                      and locked.get("capabilities") == {"drop": ["ALL"]}, f"{where} is not locked down")
                for kind in ("requests", "limits"):
                    check({"cpu", "memory"} <= set(container.get("resources", {}).get(kind, {})), f"{where} has no {kind}")
                if container.get("args", [""])[0] == "serve":
                    check({"startupProbe", "livenessProbe", "readinessProbe", "lifecycle"} <= set(container), f"{where} lacks a probe or preStop")


# The fields of an eksctl cluster (eksctl.io/v1alpha5) that the file may use: a schema of our own, since eksctl is no Go module.
EKS_FIELDS = {
    "metadata": {"name", "region", "version"}, "iam": {"withOIDC", "serviceAccounts"}, "vpc": {"clusterEndpoints"}, "cloudWatch": {"clusterLogging"},
    "managedNodeGroups": {"name", "instanceTypes", "minSize", "desiredCapacity", "maxSize", "amiFamily", "volumeSize", "volumeEncrypted", "privateNetworking",
                          "labels", "taints"},
    "addons": {"name", "version", "configurationValues", "wellKnownPolicies"}}


def check_eks():
    cluster = yaml.safe_load((DEPLOY / "cloud/eks/cluster.yaml").read_text())
    check(set(cluster) == {"apiVersion", "kind", *EKS_FIELDS}, f"eks: top fields {sorted(cluster)}")
    for section, fields in EKS_FIELDS.items():
        for node in cluster[section] if isinstance(cluster[section], list) else [cluster[section]]:
            check(set(node) <= fields, f"eks: {section} has {sorted(set(node) - fields)}")
    for group in cluster["managedNodeGroups"]:
        check(group["minSize"] <= group["desiredCapacity"] <= group["maxSize"], f"eks: sizes of {group['name']}")
    overlay = (DEPLOY / "kubernetes/overlays/gpu-ready/kustomization.yaml").read_text()
    gpu = cluster["managedNodeGroups"][1]
    for key in [*gpu["labels"], *(taint["key"] for taint in gpu["taints"])]:
        check(key in overlay, f"eks: {key} is not what overlays/gpu-ready asks for")
    classes = {document["metadata"]["name"] for path, document in documents() if document.get("kind") == "StorageClass"}
    values = yaml.safe_load((DEPLOY / "helm/ctt/values-production.yaml").read_text())
    check(values["backup"]["storage"]["className"] in classes, "values-production.yaml names a storage class that deploy/cloud does not make")


def check_tools():
    if shutil.which("promtool"):
        rules = [str(path) for path in (DEPLOY / "monitoring/rules").glob("*.yml")]
        for command in (["promtool", "check", "rules", *rules], ["promtool", "check", "config", "--syntax-only", str(DEPLOY / "monitoring/prometheus.yml")],
                        ["promtool", "test", "rules", str(ROOT / "tests/deploy/monitoring/rules_test.yml")]):
            result = run(*command)
            check(result.returncode == 0, f"{' '.join(command[:3])}: {result.stdout}{result.stderr}")
    else:
        print("     promtool is not installed: rules are tested by tools/test --deploy")
    if shutil.which("kubectl"):
        for folder in sorted((DEPLOY / "kubernetes/overlays").iterdir()):
            result = run("kubectl", "kustomize", str(folder))
            check(result.returncode == 0, f"{folder.name}: {result.stderr}")


def main():
    ctt, write = str(pathlib.Path(sys.argv[1]).resolve()), "--write" in sys.argv
    check_generated(write)
    check_settings(ctt)
    check_metrics(ctt)
    check_runbooks()
    check_pods()
    check_eks()
    check_tools()
    for failure in failures:
        print("FAIL", failure)
    print(f"{passed} passed, {len(failures)} failed")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
