"""A ctt server of a test's own, on a free loopback port, and plain HTTP calls to it. Standard library only."""
import atexit
import http.client
import json
import signal
import subprocess
import threading
import time


class Server:
    def __init__(self, binary, data, *flags, listen="127.0.0.1:0"):
        self.process = subprocess.Popen(
            [binary, "serve", "--listen", listen, "--data", str(data), *flags],
            stderr=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)  # A test that fails leaves no server behind.
        self.port = 0
        while not self.port:
            line = self.process.stderr.readline()
            if not line:
                raise RuntimeError(f"the server ended with {self.process.wait()}")
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "serving":
                self.port = int(event["address"].rpartition(":")[2])
        # Reads the log, so that the server never waits for its reader.
        self.lines = []
        self.log = threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
        self.log.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self._reap()

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self):
        code = self.process.wait(timeout=30)
        self.log.join()
        self.process.stderr.close()
        return code

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def call(self, method, path, body=None, content_type="application/json"):
        """(status, decoded JSON or text) of one request."""
        connection = self.connect()
        try:
            data = json.dumps(body) if isinstance(body, (dict, list)) else body
            data = data.encode("utf-8") if isinstance(data, str) else data
            headers = {"Content-Type": content_type} if data is not None else {}
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            text = response.read().decode()
            kind = response.getheader("Content-Type", "")
            return response.status, json.loads(text) if "json" in kind and "ndjson" not in kind and text else text
        finally:
            connection.close()


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
