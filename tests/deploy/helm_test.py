#!/usr/bin/env python3
"""The chart without a cluster: lint, what it renders for three sets of values (golden files), its dependencies, the errors of its
schema.

usage: helm_test.py [--write]    (--write: keep what is rendered now as the golden files)"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy/helm/ctt"
GOLDEN = ROOT / "tests/deploy/golden"
RENDERED = {
    "default": [],
    "production": ["-f", str(CHART / "values-production.yaml")],
    "keda": ["--set", "readers.enabled=true,autoscaling.kind=keda,gateway.enabled=true,insecure=false"],
}
# Values, and what the error must name.
REFUSED = [
    ("settings.tokens=3", "'tokens' not allowed"),
    ("settings.log_level=loud", "/settings/log_level"),
    ("autoscaling.kind=vpa", "'hpa', 'keda', 'none'"),
    ("writer.storage.size=big", "/writer/storage/size"),
    ("image.digest=latest", "/image/digest"),
    ("replicas=3", "'replicas' not allowed"),
    ("readers.enabled=true,backup.enabled=false", "readers start from the last backup"),
]


def helm(*arguments):
    return subprocess.run(["helm", *arguments], capture_output=True, text=True, check=False)


def main():
    passed, failures = 0, []

    def check(good, what):
        nonlocal passed
        passed += bool(good)
        if not good:
            failures.append(what)

    lint = helm("lint", "--strict", str(CHART))
    check(lint.returncode == 0, lint.stdout + lint.stderr)
    for name, flags in RENDERED.items():
        result = helm("template", "ctt", str(CHART), "--namespace", "ctt", *flags)
        check(result.returncode == 0, result.stderr)
        file = GOLDEN / f"{name}.yaml"
        if "--write" in sys.argv:
            file.parent.mkdir(exist_ok=True)
            file.write_text(result.stdout)
        check(file.read_text() == result.stdout, f"the chart renders otherwise than golden/{name}.yaml; helm_test.py --write keeps it")
    # The charts that it depends on: rendered whole, and parsed.
    result = helm("template", "ctt", str(CHART), "--set", "prometheus.enabled=true,grafana.enabled=true")
    check(result.returncode == 0 and result.stdout.count("kind: StatefulSet") == 2, result.stderr)
    for values, named in REFUSED:
        result = helm("template", "ctt", str(CHART), "--set", values)
        check(result.returncode != 0 and named in result.stderr, f"{values}: {result.stderr or 'accepted'}")
    for failure in failures:
        print("FAIL", failure)
    print(f"{passed} passed, {len(failures)} failed")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
