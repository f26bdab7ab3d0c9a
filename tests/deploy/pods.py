"""Real ctt processes for the pods of a test cluster, and the way that calls take to them. Kubelet starts a process for each pod that
was bound to a node, reports it ready when /ready says so, and ends it as the pod ends; ServiceProxy sends each connection of a Service to the
process of one of its ready endpoints, as kube-proxy does. Standard library only."""
import atexit
import http.client
import itertools
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "product"))
from s3_endpoint import S3Endpoint  # noqa: E402
from shared_stores import Postgres  # noqa: E402

from control_plane import ANSWERS, WAITS_LABEL, free_ports

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = str(ROOT / "models/all-MiniLM-L6-v2")
PRE_STOP_S = 5  # As the Deployment has it: a pod answers on until every node has heard that it is no endpoint any more.


class Api:
    """Quick calls of the API server: kubectl takes a tenth of a second for each."""

    def __init__(self, kubeconfig):
        config = json.loads(pathlib.Path(kubeconfig).read_text())
        self.server, self.token = config["clusters"][0]["cluster"]["server"], config["users"][0]["user"]["token"]
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    def call(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/merge-patch+json"}
        request = urllib.request.Request(self.server + path, json.dumps(body).encode() if body else None, headers, method=method)
        with urllib.request.urlopen(request, context=self.context, timeout=5) as answer:
            return json.loads(answer.read())

    def pods(self, namespace, role):
        """Pods with the label ctt-role=ROLE."""
        return self.call("GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector={WAITS_LABEL}%3D{role}")["items"]

    def annotate(self, namespace, pod, annotations):
        self.call("PATCH", f"/api/v1/namespaces/{namespace}/pods/{pod}", {"metadata": {"annotations": annotations}})

    def ready_pods(self, namespace, service):
        """Names of the pods behind a Service that are ready."""
        slices = self.call("GET", f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices?labelSelector=kubernetes.io/service-name%3D{service}")["items"]
        return sorted(point["targetRef"]["name"] for one in slices for point in one.get("endpoints") or [] if point["conditions"].get("ready"))


class Stores:
    """A PostgreSQL and a bucket for all pods; `environment` names both as the Secret ctt-stores does."""

    def __init__(self, folder):
        self.bucket, self.database = S3Endpoint(folder), Postgres()
        self.environment = {**self.bucket.environment, "CTT_DATA": self.database.url, "CTT_ARTIFACTS": "s3://ctt/artifacts"}

    def stop(self):
        self.bucket.close()
        self.database.remove()


class PodProcess:
    """`ctt serve` for one pod, on ports of its own."""

    def __init__(self, ctt, log, environment):
        self.port, self.metrics_port = free_ports(2)
        with open(log, "ab") as file:
            self.process = subprocess.Popen(
                [ctt, "serve", "--model", MODEL, "--threads", "1", "--listen", f"127.0.0.1:{self.port}",
                 "--prometheus-port", str(self.metrics_port)],
                env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        atexit.register(self.process.kill)  # A test that fails leaves no server behind.
        self.ready, self.seen = False, (time.monotonic(), 0.0)

    def ask_ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def usage(self):
        """(CPU cores since the last call, resident bytes), as the kernel counts them."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        now, used = time.monotonic(), (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
        (since, before), self.seen = self.seen, (now, used)
        return (used - before) / max(now - since, 1e-3), int(stat[21]) * os.sysconf("SC_PAGE_SIZE")


class Kubelet:
    """`environment_of(pod)` gives the variables of the pod's process. `targets`: a file for Prometheus's
    file_sd with the labels that a discovery of pods gives. `usage_s`: how often the pods' CPU and memory are reported; 0: never."""

    def __init__(self, ctt, cluster, role, folder, environment_of, usage_s=0):
        self.ctt, self.api, self.role, self.folder, self.environment_of, self.usage_s = ctt, Api(cluster.kubeconfig), role, folder, environment_of, usage_s
        self.running, self.ending, self.open, self.reported = {}, [], True, 0.0
        self.targets = folder / "targets.json"
        self.targets.write_text("[]")
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def port_of(self, pod):
        process = self.running.get(pod)
        return process.port if process and process.ready else None

    def stop(self):
        """Ends all; the exit codes of those that had been ready. Once more, it does nothing."""
        self.open = False
        self.thread.join()
        left = [(process, 0.0) for process in self.running.values()] + self.ending
        self.running, self.ending = {}, []
        for process, due in left:
            if due != float("inf"):
                process.process.send_signal(signal.SIGTERM)
        return [code for code, ready in [(process.process.wait(30), process.ready) for process, _ in left] if ready]

    def _follow(self):
        while self.open:
            try:
                self._step()
            except OSError:
                pass  # The API server is busy; the next look finds the same.
            time.sleep(0.1)

    def _step(self):
        pods = {pod["metadata"]["name"]: pod for pod in self.api.pods("ctt", self.role) if pod["spec"].get("nodeName") and "deletionTimestamp" not in pod["metadata"]}
        for name, pod in pods.items():
            if name not in self.running:
                self.running[name] = PodProcess(self.ctt, self.folder / f"{name}.log", self.environment_of(pod))
            process = self.running[name]
            if not process.ready and process.ask_ready():
                self.api.annotate("ctt", name, {ANSWERS: "yes"})
                process.ready = True
        for name in set(self.running) - set(pods):
            self.ending.append((self.running.pop(name), time.monotonic() + PRE_STOP_S))
        for process, _ in [one for one in self.ending if time.monotonic() > one[1]]:
            process.process.send_signal(signal.SIGTERM)
        self.ending = [(process, due if time.monotonic() <= due else float("inf")) for process, due in self.ending if process.process.poll() is None]
        self._report()

    def _report(self):
        content = json.dumps([{"targets": [f"127.0.0.1:{process.metrics_port}"], "labels": {"job": "ctt", "namespace": "ctt", "pod": pod}}
                              for pod, process in sorted(self.running.items()) if process.ready])
        if content != self.targets.read_text():
            new = self.targets.with_suffix(".new")
            new.write_text(content)
            new.replace(self.targets)
        if self.usage_s and time.monotonic() - self.reported > self.usage_s:
            self.reported = time.monotonic()
            for pod, process in self.running.items():
                if process.ready:
                    cores, resident = process.usage()
                    self.api.annotate("ctt", pod, {"kwok.x-k8s.io/usage-cpu": f"{round(cores * 1000)}m", "kwok.x-k8s.io/usage-memory": str(resident)})


class ServiceProxy:
    """A port of this machine for one Service."""

    def __init__(self, kubelet, service):
        self.kubelet, self.service = kubelet, service
        self.pods, self.served = [], {}
        self.turn = itertools.count()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.open = True
        for work in (self._watch, self._accept):
            threading.Thread(target=work, daemon=True).start()

    def close(self):
        self.open = False
        self.listener.close()

    def _watch(self):
        while self.open:
            try:
                self.pods = self.kubelet.api.ready_pods("ctt", self.service)
            except OSError:
                pass  # As a node's proxy does, it goes on with what it knows.
            time.sleep(0.1)

    def _accept(self):
        while self.open:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            ports = [(pod, port) for pod in self.pods if (port := self.kubelet.port_of(pod))]
            if not ports:
                return
            pod, port = ports[next(self.turn) % len(ports)]
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as server:
                    server.settimeout(None)
                    self.served[pod] = self.served.get(pod, 0) + 1
                    back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
                    back.start()
                    self._pump(client, server)
                    back.join()
            except OSError:
                return

    @staticmethod
    def _pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Callers:
    """Threads that ask for predictions and now and then teach an example, a connection a request, and count what went wrong."""

    def __init__(self, url, task, rows, count=4):
        self.url, self.task, self.rows = url, task, rows
        self.answered, self.learned, self.failures, self.open = 0, 0, [], True
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._ask, args=(i,), daemon=True) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.open = False
        for thread in self.threads:
            thread.join()

    def _ask(self, number):
        for turn in itertools.count():
            if not self.open:
                return
            row = self.rows[(number + turn) % len(self.rows)]
            teach = number == 0 and turn % 20 == 19
            path, body = (f"/v1/tasks/{self.task}/examples", {"examples": [{**row, "id": f"live-{turn}"}]}) if teach \
                else ("/predict", {"task_id": self.task, "text": row["text"]})
            problem = self.call(self.url, path, body, "accepted" if teach else "predictions")
            with self.lock:
                self.answered += problem is None
                self.learned += teach and problem is None
                if problem:
                    self.failures.append(f"{path}: {problem}")

    @staticmethod
    def fetch(url, body=None):
        request = urllib.request.Request(url, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    @staticmethod
    def call(url, path, body, wanted):
        """None, or what went wrong."""
        try:
            return None if json.loads(Callers.fetch(url + path, body))[wanted] else "an empty answer"
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            return repr(error)
