#!/usr/bin/env python3
"""Clients that send slowly, too much or nothing, that do not wait for their answer, and more work than fits: what is bounded stays bounded, and
others are served all the while. Standard library only.

usage: slow_clients.py CTT"""
import json
import pathlib
import re
import resource
import socket
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "product"))
from ctt_process import Server  # noqa: E402

CTT = ""
HEAVY = {"texts": ["word " * 250] * 100, "task_id": "t"}  # 25,200 tokens.


class SlowTest(unittest.TestCase):
    def start(self, *flags):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.server = Server(CTT, scratch.name, "--settle-delay-ms", "-1", "--threads", "1", *flags)
        self.addCleanup(self.server.__exit__)
        rows = [{"text": "one", "label": "a"}, {"text": "two", "label": "b"}]
        self.assertEqual(self.server.call("POST", "/v1/tasks/t/examples", {"examples": rows})[0], 200)

    def raw(self):
        stream = socket.create_connection(("127.0.0.1", self.server.port), timeout=20)
        self.addCleanup(stream.close)
        return stream

    def send(self, body):
        """A prediction of which nobody reads the answer yet."""
        stream = self.raw()
        data = json.dumps(body).encode()
        stream.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
        return stream

    def rest(self, stream):
        got = b""
        try:
            while piece := stream.recv(65536):
                got += piece
        except ConnectionResetError:
            pass
        return got.decode("latin1")

    def answered(self):
        status, _ = self.server.call("POST", "/predict", {"text": "one", "task_id": "t"})
        self.assertEqual(status, 200)

    def metric(self, name):
        text = self.server.call("GET", "/metrics")[1]
        return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE)[1])

    def test_headers_that_never_end_in_time(self):
        self.start("--header-timeout-ms", "800")
        slow = [self.raw() for _ in range(300)]
        start = time.monotonic()
        for stream in slow:
            stream.sendall(b"GET /livez HT")
        while time.monotonic() - start < 2:
            for stream in slow:
                try:
                    stream.sendall(b"a")
                except OSError:
                    pass
            self.answered()
            time.sleep(0.1)
        for stream in slow:
            stream.settimeout(0.5)
            self.assertRegex(self.rest(stream), "^(HTTP/1.1 408.*|)$|408 Request Timeout")

    def test_headers_without_end(self):
        self.start()
        stream = self.raw()
        stream.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
        try:
            for i in range(10_000):
                stream.sendall(b"X-%d: %s\r\n" % (i, b"a" * 1000))
        except OSError:
            pass
        self.assertIn("431 Request Header", self.rest(stream))
        self.answered()

    def test_bodies_without_end(self):
        self.start("--body-timeout-ms", "800", "--body-bytes-max", "100000")
        head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        endless = self.raw()
        endless.sendall(head)
        try:
            for _ in range(10_000):
                endless.sendall(b"2000\r\n" + b"a" * 8192 + b"\r\n")
        except OSError:
            pass
        self.assertIn("413 Content Too Large", self.rest(endless))
        slow = self.raw()
        slow.sendall(head + b"1\r\n{\r\n")
        self.answered()
        self.assertIn("408 Request Timeout", self.rest(slow))

    def test_many_that_say_nothing(self):
        count = 10_000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 500), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.start("--idle-timeout-ms", "15000", "--connections-max", "12000")
        before = self.metric("process_resident_memory_bytes")
        idle = [self.raw() for _ in range(min(count, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200))]
        for stream in idle[::2]:  # Half of them have asked once.
            stream.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        for stream in idle[::2]:
            self.assertIn(b"200 OK", stream.recv(4096))
        self.answered()
        grown = self.metric("process_resident_memory_bytes") - before
        self.assertLess(grown / len(idle), 24 * 1024)
        until = time.monotonic() + 20
        for stream in idle:
            stream.settimeout(max(0.1, until - time.monotonic()))
            self.assertEqual(self.rest(stream), "")
        self.answered()

    def test_who_leaves_is_not_worked_for(self):
        self.start("--queue-tokens-max", "200000")
        self.answered()
        before = self.metric("ctt_encode_tokens_total")
        streams = [self.send({**HEAVY, "options": {"timeout_ms": 60000}}) for _ in range(6)]
        while self.metric("inference_queue_tokens") < 4 * 25_200:
            time.sleep(0.01)
        for stream in streams:
            stream.close()
        while self.metric("inference_queue_depth") > 0:
            time.sleep(0.05)
        encoded = self.metric("ctt_encode_tokens_total") - before
        self.assertLess(encoded, 3 * 25_200)  # Of six times that.

    def test_more_than_fits(self):
        self.start("--queue-tokens-max", "30000")
        streams = [self.send({**HEAVY, "options": {"timeout_ms": 60000}}) for _ in range(8)]
        latest = []
        for _ in range(3):
            start = time.monotonic()
            status, _ = self.server.call("POST", "/predict", {"text": "one", "task_id": "t"})
            latest.append(time.monotonic() - start)
            self.assertIn(status, (200, 429))
        answers = [None] * len(streams)

        def read(at):
            streams[at].settimeout(60)
            answers[at] = streams[at].recv(65536).decode("latin1")
        readers = [threading.Thread(target=read, args=(at,)) for at in range(len(streams))]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        refused = [answer for answer in answers if "429 Too Many" in answer]
        self.assertGreaterEqual(len(refused), 4)
        self.assertGreaterEqual(sum("200 OK" in answer for answer in answers), 1)
        for answer in refused:
            self.assertGreaterEqual(int(re.search(r"Retry-After: (\d+)", answer)[1]), 1)
            self.assertIn('"code":"queue_full"', answer)
        self.answered()

    def test_a_deadline_that_passes(self):
        self.start("--queue-tokens-max", "200000")
        busy = [self.send({**HEAVY, "options": {"timeout_ms": 60000}}) for _ in range(3)]
        status, problem = self.server.call("POST", "/predict", {**HEAVY, "options": {"timeout_ms": 20}})
        self.assertEqual((status, problem["code"]), (504, "deadline_exceeded"))
        for stream in busy:
            stream.close()


if __name__ == "__main__":
    CTT = str(pathlib.Path(sys.argv.pop(1)).resolve())
    result = unittest.main(exit=False, verbosity=1, warnings="ignore").result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(bad > 0)
