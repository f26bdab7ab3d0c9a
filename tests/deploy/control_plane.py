"""A Kubernetes control plane of a test's own on loopback, as ordinary processes: etcd, API server, controller manager, scheduler,
and kwok in the kubelets' place. Real: admission, RBAC, scheduling, rollouts, endpoints, disruption budgets, autoscalers. Not executed:
images, probes, mounts, hooks; kwok says that every pod runs and is ready, but for those that wait for a process (pods.py). With
metrics(): metrics-server, which reports the pods' annotations kwok.x-k8s.io/usage-cpu and usage-memory, and an adapter that serves Pods
metrics out of Prometheus.

Needs the programs of get_tools in PATH, openssl. Standard library only.
"""
import json
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time

KWOK = "sigs.k8s.io/kwok@v0.8.0"
STAGES = ["stage/node/fast/node-initialize", "stage/pod/fast/pod-ready", "stage/pod/fast/pod-complete", "stage/pod/fast/pod-delete",
          "stage/volume/fast/pvc-provision", "stage/volume/fast/pvc-delete", "stage/volume/fast/pv-bind", "stage/volume/fast/pv-delete",
          "metrics/resource/metrics-resource", "metrics/usage/usage-from-annotation"]
NODE = """{apiVersion: v1, kind: Node, metadata: {name: NAME, labels: {kubernetes.io/hostname: NAME, kubernetes.io/os: linux, topology.kubernetes.io/zone: zone-NAME},
  annotations: {metrics.k8s.io/resource-metrics-path: /metrics/nodes/NAME/metrics/resource}},
  status: {addresses: [{type: InternalIP, address: 127.0.0.1}, {type: Hostname, address: NAME}], capacity: &size {cpu: "16", memory: 64Gi, ephemeral-storage: 100Gi, pods: "110"}, allocatable: *size}}
"""

# A pod with this label is ready once its annotation says that a process answers for it.
WAITS_LABEL, ANSWERS = "ctt-role", "test/answers"


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def wait_for(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.2)
    raise RuntimeError(f"gave up after {seconds} s: {what}")


class ControlPlane:
    def __init__(self, nodes=3, waiting_role=None):
        """`waiting_role`: pods with the label ctt-role=ROLE become ready when annotated with ANSWERS."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # So that a test that is told to end cleans up.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="control-plane-"))
        self.processes = []
        self.etcd, peer, self.api, manager, scheduler, self.kubelet, self.usage, self.custom = free_ports(8)
        self.kubeconfig = self.folder / "kubeconfig"
        self._make_keys()
        try:
            self._start_all(peer, manager, scheduler, nodes, waiting_role)
        except BaseException:
            self.__exit__()
            raise

    def _start_all(self, peer, manager, scheduler, nodes, waiting_role):
        here = "127.0.0.1"
        self._start("etcd", "--data-dir", f"{self.folder}/etcd", "--unsafe-no-fsync", "--log-level", "error", "--listen-client-urls", f"http://{here}:{self.etcd}",
                    "--advertise-client-urls", f"http://{here}:{self.etcd}", "--listen-peer-urls", f"http://{here}:{peer}",
                    "--initial-advertise-peer-urls", f"http://{here}:{peer}", "--initial-cluster", f"default=http://{here}:{peer}")
        self._start("kube-apiserver", "--etcd-servers", f"http://{here}:{self.etcd}", "--bind-address", here, "--advertise-address", here,
                    "--secure-port", str(self.api), "--cert-dir", str(self.folder), "--service-cluster-ip-range", "10.96.0.0/16", "--endpoint-reconciler-type", "none",
                    "--authorization-mode", "RBAC", "--token-auth-file", f"{self.folder}/tokens.csv", "--allow-privileged",
                    "--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", f"{self.folder}/sa.pub",
                    "--service-account-signing-key-file", f"{self.folder}/sa.key", "--requestheader-client-ca-file", f"{self.folder}/ca.crt",
                    "--requestheader-allowed-names", "proxy", "--requestheader-username-headers", "X-Remote-User", "--requestheader-group-headers", "X-Remote-Group",
                    "--requestheader-extra-headers-prefix", "X-Remote-Extra-", "--proxy-client-cert-file", f"{self.folder}/proxy.crt",
                    "--proxy-client-key-file", f"{self.folder}/proxy.key")
        wait_for("the API server", lambda: self.kubectl("get", "--raw", "/readyz", check=False).returncode == 0, 180)
        own = ["--kubeconfig", str(self.kubeconfig), "--authentication-kubeconfig", str(self.kubeconfig), "--authorization-kubeconfig", str(self.kubeconfig),
               "--bind-address", here, "--cert-dir", str(self.folder), "--leader-elect=false"]
        self._start("kube-controller-manager", *own, "--secure-port", str(manager), "--service-account-private-key-file", f"{self.folder}/sa.key",
                    "--use-service-account-credentials", "--horizontal-pod-autoscaler-sync-period", "2s",
                    "--horizontal-pod-autoscaler-initial-readiness-delay", "0s", "--horizontal-pod-autoscaler-cpu-initialization-period", "0s")
        self._start("kube-scheduler", *own, "--secure-port", str(scheduler))
        self._start_kubelets(nodes, waiting_role)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        subprocess.run(["rm", "-rf", str(self.folder)], check=False)

    def _start(self, program, *arguments):
        log = open(self.folder / f"{program}.log", "w", encoding="utf-8")
        # Whatever ends this test ends them.
        self.processes.append(subprocess.Popen(["setpriv", "--pdeathsig", "TERM", program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder))
        log.close()

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def _make_keys(self):
        """An authority for the aggregation proxy, the key of service account tokens, an administrator's token."""
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.crt")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=proxy", "-keyout", "proxy.key", "-out", "proxy.csr")
        self._openssl("x509", "-req", "-days", "2", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-in", "proxy.csr", "-out", "proxy.crt")
        self._openssl("genrsa", "-out", "sa.key", "2048")
        self._openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")
        token = secrets.token_hex(16)
        (self.folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "clusters": [{"name": "test", "cluster": {"server": f"https://127.0.0.1:{self.api}", "insecure-skip-tls-verify": True}}],
            "users": [{"name": "admin", "user": {"token": token}}]}))
        self.kubeconfig.chmod(0o600)

    def _start_kubelets(self, nodes, waiting_role):
        module = json.loads(subprocess.run(["go", "mod", "download", "-json", KWOK], cwd=self.folder, check=True, capture_output=True, text=True).stdout)
        kustomize = pathlib.Path(module["Dir"]) / "kustomize"
        stages = "\n---\n".join((kustomize / f"{stage}.yaml").read_text() for stage in STAGES)
        if waiting_role:
            [head, tail] = stages.split("  name: pod-ready\n")
            condition = f"""    - key: 'select(.metadata.labels["{WAITS_LABEL}"] != "{waiting_role}" or .metadata.annotations["{ANSWERS}"] == "yes") | .metadata.name'
      operator: 'Exists'
"""
            stages = head + "  name: pod-ready\n" + tail.replace("    matchExpressions:\n", "    matchExpressions:\n" + condition, 1)
        (self.folder / "kwok.yaml").write_text(stages)
        self._start("kwok", "--kubeconfig", str(self.kubeconfig), "--manage-all-nodes", "--node-lease-duration-seconds", "40", "--config", f"{self.folder}/kwok.yaml",
                    "--node-ip", "127.0.0.1", "--node-port", str(self.kubelet), "--server-address", f"127.0.0.1:{self.kubelet}",
                    "--tls-cert-file", f"{self.folder}/apiserver.crt", "--tls-private-key-file", f"{self.folder}/apiserver.key")
        self.apply("---\n".join(NODE.replace("NAME", f"node-{i}") for i in range(nodes)))
        self.kubectl("apply", "-f", str(kustomize / "stage/volume/fast/storage-class.yaml"))
        wait_for("nodes", lambda: self.kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=1s", check=False).returncode == 0)
        wait_for("service accounts", lambda: self.kubectl("get", "serviceaccount", "default", check=False).returncode == 0)

    def metrics(self, rules=None, prometheus=None):
        """metrics.k8s.io, and with the rules file of a prometheus-adapter custom.metrics.k8s.io."""
        own = ["--bind-address", "127.0.0.1", "--cert-dir", str(self.folder), "--authentication-kubeconfig", str(self.kubeconfig),
               "--authorization-kubeconfig", str(self.kubeconfig)]
        self._start("metrics-server", "--kubeconfig", str(self.kubeconfig), *own, "--secure-port", str(self.usage), "--metric-resolution", "10s",
                    "--kubelet-request-timeout", "5s", "--kubelet-insecure-tls", "--kubelet-preferred-address-types", "InternalIP", "--kubelet-use-node-status-port")
        self._register("v1beta1", "metrics.k8s.io", self.usage)
        if rules:
            self._start("metrics-adapter", "--lister-kubeconfig", str(self.kubeconfig), *own, "--secure-port", str(self.custom), "--config", str(rules),
                        "--prometheus-url", prometheus)
            self._register("v1beta2", "custom.metrics.k8s.io", self.custom)

    def _register(self, version, group, port):
        name = group.replace(".", "-")
        self.apply(f"""{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: kube-system}}, spec: {{type: ExternalName, externalName: localhost}}}}
---
{{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {{name: {version}.{group}}}, spec: {{group: {group}, version: {version},
  service: {{name: {name}, namespace: kube-system, port: {port}}}, insecureSkipTLSVerify: true, groupPriorityMinimum: 100, versionPriority: 100}}}}
""")
        wait_for(group, lambda: self.kubectl("wait", "--for=condition=Available", f"apiservice/{version}.{group}", "--timeout=1s", check=False).returncode == 0)

    def kubectl(self, *arguments, check=True, **options):
        result = subprocess.run(["kubectl", f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.folder}/cache", *arguments], capture_output=True, text=True, check=False, **options)
        if check and result.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {result.stderr}")
        return result

    def apply(self, text, *flags):
        return self.kubectl("apply", *flags, "-f", "-", input=text)

    def get(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json").stdout)
