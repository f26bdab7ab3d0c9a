#!/usr/bin/env python3
"""Every object that deploy/ can make, against its schema, strictly: an unknown field is an error. Objects of Kubernetes itself
by kubernetes-validate (PyPI), those of other projects by their own definitions, taken from the Go modules that publish them.
Needs kubectl (for kustomize), go, and from PyPI kubernetes-validate, jsonschema, pyyaml.

usage: manifests.py [--keep FOLDER]    (--keep: write definitions and rendered objects there, for server_side.py)"""
import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema
import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = "1.36"
# Module, and the globs of its definitions.
DEFINITIONS = [
    ("k8s.io/autoscaler/vertical-pod-autoscaler@v1.7.3", ["deploy/vpa-v1-crd-gen.yaml"]),
    ("github.com/argoproj/argo-cd/v3@v3.5.7", ["manifests/crds/*-crd.yaml"]),
    ("sigs.k8s.io/gateway-api@v1.6.3", ["config/crd/standard/gateway.networking.k8s.io_gateways.yaml",
                                        "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"]),
    ("github.com/cert-manager/cert-manager@v1.21.2", ["deploy/crds/cert-manager.io_*issuers.yaml", "deploy/crds/cert-manager.io_certificates.yaml"]),
    ("github.com/prometheus-operator/prometheus-operator@v0.85.0",
     ["example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml", "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"]),
    ("github.com/kedacore/keda/v2@v2.21.0", ["config/crd/bases/keda.sh_scaledobjects.yaml"]),
]
OVERLAYS = ["single", "replicated", "readers", "gpu-ready"]
# Each component on the overlay that it is for.
COMPONENTS = {"single": ["ingress", "gateway", "certificates", "monitoring", "vpa", "quota", "models-volume"], "readers": ["keda", "monitoring", "ingress"]}


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def strict(schema):
    """The same schema, refusing fields that it does not name; quantities may be numbers too."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "number"]}
    result = {key: strict(value) for key, value in schema.items() if not key.startswith("x-kubernetes-") and key != "format"}
    if isinstance(result.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result.setdefault("additionalProperties", False)
    return result


def definitions(keep):
    """{(group/version, kind): schema}"""
    schemas = {}
    for module, globs in DEFINITIONS:
        folder = pathlib.Path(json.loads(run("go", "mod", "download", "-json", module, cwd=tempfile.gettempdir()))["Dir"])
        for file in (file for glob in globs for file in folder.glob(glob)):
            if keep:
                (keep / "definitions" / file.name).write_text(file.read_text())
            for document in yaml.safe_load_all(file.read_text()):
                if document and document["kind"] == "CustomResourceDefinition":
                    for version in document["spec"]["versions"]:
                        schema = strict(version["schema"]["openAPIV3Schema"])
                        schema["properties"]["metadata"] = {"type": "object"}
                        schemas[f"{document['spec']['group']}/{version['name']}", document["spec"]["names"]["kind"]] = schema
    return schemas


def rendered():
    """(name, text)"""
    for overlay in OVERLAYS:
        yield overlay, run("kubectl", "kustomize", str(DEPLOY / "kubernetes/overlays" / overlay))
        for component in COMPONENTS.get(overlay, []):
            with tempfile.TemporaryDirectory(dir=DEPLOY / "kubernetes") as folder:  # kustomize wants relative paths.
                (pathlib.Path(folder) / "kustomization.yaml").write_text(
                    yaml.safe_dump({"namespace": "ctt", "resources": [f"../overlays/{overlay}"], "components": [f"../components/{component}"]}))
                yield f"{overlay}+{component}", run("kubectl", "kustomize", folder)
    yield "blue-green", run("kubectl", "kustomize", str(DEPLOY / "blue-green"))
    for file in sorted((ROOT / "tests/deploy/golden").glob("*.yaml")):
        yield f"helm {file.stem}", file.read_text()
    for name in ("argocd/application", "argocd/applicationset", "backup/restore-job", "cloud/eks/storage", "cloud/gke/storage"):
        yield name, (DEPLOY / f"{name}.yaml").read_text()


def check(document, schemas):
    kind = document["apiVersion"], document["kind"]
    if kind in schemas:
        jsonschema.Draft202012Validator(schemas[kind]).validate(document)
    else:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def main():
    keep = pathlib.Path(sys.argv[2]) if sys.argv[1:2] == ["--keep"] else None
    if keep:
        (keep / "definitions").mkdir(parents=True, exist_ok=True)
        (keep / "objects").mkdir(exist_ok=True)
    schemas = definitions(keep)
    passed = failed = 0
    for name, text in rendered():
        if keep:
            (keep / "objects" / (name.replace(" ", "-").replace("/", "-").replace("+", "-") + ".yaml")).write_text(text)
        for document in filter(None, yaml.safe_load_all(text)):
            try:
                check(document, schemas)
                passed += 1
            except Exception as error:  # Of either library; all mean that the object is not good.
                failed += 1
                print(f"FAIL {name}: {document['kind']}/{document['metadata']['name']}: {getattr(error, 'message', error)}"[:400])
    print(f"{passed} passed, {failed} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
