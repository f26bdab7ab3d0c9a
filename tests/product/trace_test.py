#!/usr/bin/env python3
"""One prediction's trace as a collector sees it: its stages, one after another, below one span that is joined to the caller's trace; the
trace's id in the log; the same stages in /metrics. Standard library only.

usage: trace_test.py CTT [--collector OTELCOL]

The collector is one of the test's own, unless the program of a real one is named (OpenTelemetry Collector with the otlp receiver and
the debug exporter)."""
import argparse
import http.server
import json
import pathlib
import re
import socket
import subprocess
import tempfile
import threading

from ctt_process import Server, wait_until

STAGES = ["parse", "tokenise", "wait", "encode", "head", "write"]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
UNSAMPLED = "5bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"


class OwnCollector:
    """Spans as dictionaries: name, trace, id, parent, begin, end (ns), attributes; and the resource's attributes."""

    def __init__(self):
        self.spans, self.resource = [], {}
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                collector.take(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, body):
        assert path == "/v1/traces", path
        for resource in body["resourceSpans"]:
            self.resource = {one["key"]: one["value"]["stringValue"] for one in resource["resource"]["attributes"]}
            for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
                attributes = {one["key"]: next(iter(one["value"].values())) for one in span.get("attributes", [])}
                self.spans.append({"name": span["name"], "trace": span["traceId"], "id": span["spanId"], "parent": span.get("parentSpanId", ""),
                                   "begin": int(span["startTimeUnixNano"]), "end": int(span["endTimeUnixNano"]), "attributes": attributes})

    def read(self):
        return self.spans, self.resource

    def stop(self):
        self.server.shutdown()


class RealCollector:
    """The same, read from what the debug exporter writes."""

    def __init__(self, program, folder):
        with socket.create_server(("127.0.0.1", 0)) as held:
            port = held.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        config = pathlib.Path(folder) / "collector.yaml"
        config.write_text(f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{debug: {{verbosity: detailed}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}}}}
""")
        self.path = pathlib.Path(folder) / "collector.log"
        self.process = subprocess.Popen([program, "--config", config], stdout=self.path.open("wb"), stderr=subprocess.STDOUT)

        def up():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return True
            except OSError:
                return False

        assert wait_until(up), self.path.read_text()

    def read(self):
        text = self.path.read_text()
        resource = dict(re.findall(r"-> (service\.name|service\.version|deployment\.environment\.name): Str\((.*)\)", text))
        spans = []
        for part in re.split(r"\nSpan #\d+\n", text)[1:]:
            def value(name, part=part):
                found = re.search(rf"^\s*{name}\s*: *(.*)$", part, re.M)
                return found.group(1).strip() if found else ""
            attributes = dict(re.findall(r"-> ([a-z._]+): (?:Str|Int)\((.*)\)", part))
            spans.append({"name": value("Name"), "trace": value("Trace ID"), "id": value("ID"), "parent": value("Parent ID"),
                          "begin": self.nanos(value("Start time")), "end": self.nanos(value("End time")), "attributes": attributes})
        return spans, resource

    @staticmethod
    def nanos(text):
        """Of "2026-03-01 09:30:00.123456 +0000 UTC": within its day is enough."""
        clock = re.search(r"(\d+):(\d+):(\d+)(\.\d+)?", text)
        hours, minutes, seconds = (int(clock.group(i)) for i in (1, 2, 3))
        return (hours * 3600 + minutes * 60 + seconds) * 10**9 + int(round(float(clock.group(4) or 0) * 10**9))

    def stop(self):
        self.process.terminate()
        self.process.wait()


def predict(server, headers):
    connection = server.connect()
    connection.request("POST", "/predict", json.dumps({"task_id": "t", "text": "where is my parcel"}), {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    connection.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("--collector")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        collector = RealCollector(arguments.collector, folder) if arguments.collector else OwnCollector()
        with Server(arguments.ctt, f"{folder}/data", "--otlp-endpoint", collector.url, "--trace-ratio", "0", "--environment", "test",
                    "--settle-delay-ms", "-1") as server:
            rows = [{"text": "where is it", "label": "delivery"}, {"text": "charged twice", "label": "billing"}]
            assert server.call("POST", "/v1/tasks/t/examples", {"examples": rows})[0] == 200
            predict(server, {"traceparent": f"00-{TRACE}-{CALLER}-01", "X-Request-Id": "asked-1"})
            predict(server, {"traceparent": f"00-{UNSAMPLED}-{CALLER}-00"})
            metrics = server.call("GET", "/metrics")[1]
            assert server.stop() == 0  # What waits is sent before the end.
            lines = [json.loads(line) for line in server.lines]
        assert wait_until(lambda: len(collector.read()[0]) >= 1 + len(STAGES)), collector.read()
        spans, resource = collector.read()
        collector.stop()

    for span in spans:
        print(f"{span['trace']} {span['id']} below {span['parent'] or '-':16} {(span['end'] - span['begin']) / 1000:8.0f} us  {span['name']}  {span['attributes'] or ''}")
    root, stages = spans[0], spans[1:]
    assert {span["trace"] for span in spans} == {TRACE}, "the unsampled request or the lesson was traced"
    assert root["name"] == "POST /predict" and root["parent"] == CALLER, root
    assert root["attributes"] == {"http.request.method": "POST", "http.route": "/predict", "http.response.status_code": "200", "ctt.request_id": "asked-1"}
    assert [span["name"] for span in stages] == STAGES, stages
    assert {span["parent"] for span in stages} == {root["id"]}
    for before, after in zip(stages, stages[1:]):
        assert before["end"] == after["begin"], (before, after)
    assert root["begin"] <= stages[0]["begin"] and stages[-1]["end"] <= root["end"]
    assert resource["service.name"] == "ctt" and resource["deployment.environment.name"] == "test" and resource["service.version"], resource

    requests = [line for line in lines if line["event"] == "request"]
    assert [line["trace_id"] for line in requests if line["route"] == "/predict"] == [TRACE, UNSAMPLED]
    assert all(re.fullmatch("[0-9a-f]{32}", line["trace_id"]) for line in requests)
    counts = dict(re.findall(r'^ctt_request_stage_duration_seconds_count\{stage="(\w+)"\} (\d+)$', metrics, re.M))
    assert counts == {"parse": "3", "tokenise": "3", "wait": "3", "encode": "3", "head": "2", "learn": "1", "write": "3"}, counts
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
