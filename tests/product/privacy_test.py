#!/usr/bin/env python3
"""Nothing of a text, a label, an example's id or an API key reaches logs or metrics, at the level debug, whatever a client does.
Standard library only.

usage: privacy_test.py CTT"""
import json
import sys
import tempfile

from ctt_process import Server

MARK = "Quetzalcoatlus"


def requests(key):
    """(method, path, body, content type); each carries the mark."""
    row = {"text": f"a text with {MARK}", "label": f"label {MARK}", "id": f"id-{MARK}", "source": MARK}
    lines = "".join(json.dumps({**row, "id": f"{MARK}{i}"}) + "\n" for i in range(50))
    for path, body in (("/v1/tasks/t/examples", {"examples": [row, {"text": MARK, "label": "b"}]}),
                       ("/v1/tasks/t/examples", {"examples": [row, {"text": MARK, "label": ""}]}), ("/v1/tasks/t/examples", {MARK: MARK}),
                       ("/v1/tasks/t/examples", [MARK]), ("/predict", {"text": MARK, "task_id": "t"}), ("/predict", {"text": MARK, "task_id": "u"}),
                       ("/predict", {"text": MARK * 2000, "task_id": "t"}), ("/predict", '{"text": "' + MARK), ("/predict/batch", {"texts": [MARK], "task_id": "t"}),
                       ("/v1/tasks/t/predict", {"text": MARK}), ("/v1/tasks/t/evaluate", {"rows": [row]}), ("/v1/embeddings", {"input": MARK}),
                       ("/embed", {"inputs": [MARK]}), ("/classify", {"inputs": MARK, "task_id": "t"}), ("/v1/keys", {"name": MARK, "scopes": [MARK]}),
                       ("/v2/models/t/infer", {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [MARK]}]})):
        yield "POST", path, body, "application/json"
    yield "POST", "/v1/tasks/t/examples", lines + MARK, "application/x-ndjson"
    yield "POST", "/v1/tasks/t/examples", f"text,label\n{MARK},{MARK}\n", "text/csv"
    yield "POST", "/predict", MARK, MARK
    yield "GET", f"/v1/tasks/t/examples/id-{MARK}", None, None
    yield "GET", f"/v1/tasks/t?{MARK}={MARK}", None, None
    yield "GET", f"/{MARK}", None, None
    yield "DELETE", f"/v1/tasks/t/examples/id-{MARK}", None, None
    yield "DELETE", "/v1/tasks/t/examples", {"ids": [MARK]}, "application/json"


def main():
    with tempfile.TemporaryDirectory() as folder, Server(sys.argv[1], folder, "--log-level", "debug", "--settle-delay-ms", "0") as server:
        statuses = set()

        def send(key):
            for method, path, body, content_type in requests(key):
                connection = server.connect()
                data = body if isinstance(body, str) else None if body is None else json.dumps(body)
                headers = {"Content-Type": content_type or "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
                connection.request(method, path, data, headers)
                answer = connection.getresponse()
                answer.read()
                statuses.add(answer.status)
                connection.close()

        send(None)
        _, made = server.call("POST", "/v1/keys", {"name": "k", "scopes": ["admin"]})
        secret = made["key"][17:]
        send(made["key"])
        send("ctt_" + MARK)
        connection = server.connect()
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {made['key']}"})
        metrics = connection.getresponse().read().decode()
        code = server.stop()
    log = "".join(server.lines)
    assert code == 0 and "ctt_learned_examples_total" in metrics and '"route":"/classify"' in log
    assert {200, 400, 401, 404, 413, 415, 422} <= statuses, statuses
    found = [f"{name}: {line}" for name, text in (("log", log), ("metrics", metrics)) for line in text.splitlines() if MARK in line or secret in line]
    print("\n".join(found))
    print(f"{len(server.lines)} lines of log, {len(found)} with what must not be there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
