#!/usr/bin/env python3
"""TLS as clients meet it: versions, the certificate and its exchange while the server runs, headers, slow and wrong clients. Needs the
`openssl` program; standard library only.

usage: tls.py CTT"""
import http.client
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "product"))
from ctt_process import Server  # noqa: E402

CTT = ""


def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", folder / "key.new", "-out", folder / "cert.new"],
                   check=True, capture_output=True)
    for part in ("key", "cert"):
        os.replace(folder / f"{part}.new", folder / f"{part}.pem")


class TlsTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        make_certificate(self.folder, "first")
        self.server = Server(CTT, self.folder / "data", "--tls-cert", str(self.folder / "cert.pem"), "--tls-key", str(self.folder / "key.pem"))
        self.addCleanup(self.server.__exit__)

    def context(self):
        return ssl.create_default_context(cafile=self.folder / "cert.pem")

    def connect(self, context=None):
        raw = socket.create_connection(("127.0.0.1", self.server.port), timeout=10)
        self.addCleanup(raw.close)
        stream = (context or self.context()).wrap_socket(raw, server_hostname="127.0.0.1", suppress_ragged_eofs=False)
        self.addCleanup(stream.close)
        return stream

    def name(self):
        """Of the certificate that a new connection is shown."""
        shown = ssl.get_server_certificate(("127.0.0.1", self.server.port))
        done = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=shown, text=True, capture_output=True, check=True)
        return done.stdout.strip().rpartition("=")[2].strip()

    def await_name(self, wanted):
        until = time.monotonic() + 10
        while self.name() != wanted and time.monotonic() < until:
            time.sleep(0.1)
        self.assertEqual(self.name(), wanted)

    def test_requests_and_their_headers(self):
        connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=self.context(), timeout=10)
        for _ in range(3):
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, 200)
            self.assertIn("max-age=", answer.getheader("Strict-Transport-Security"))
        body = "".join('{"text":"row %d","label":"%s"}\n' % (i, "ab"[i % 2]) for i in range(2000))
        connection.request("POST", "/v1/tasks/t/examples", body, {"Content-Type": "application/x-ndjson"})
        lines = connection.getresponse().read().decode().splitlines()
        self.assertEqual(len(lines), 2001)
        self.assertIn('"accepted":2000', lines[-1])

    def test_versions_from_1_2_on(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.context()
            context.minimum_version = context.maximum_version = version
            self.assertEqual(self.connect(context).version(), {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name])
        old = self.context()
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, ConnectionResetError)):
            self.connect(old)

    def test_the_end_is_said_so(self):
        stream = self.connect()
        stream.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = b""
        while piece := stream.recv(4096):  # Without a goodbye this raises.
            got += piece
        self.assertIn(b"200 OK", got)

    def test_plain_http_is_not_answered(self):
        raw = socket.create_connection(("127.0.0.1", self.server.port), timeout=10)
        self.addCleanup(raw.close)
        raw.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        got = b""
        try:
            while piece := raw.recv(4096):
                got += piece
        except ConnectionResetError:
            pass
        self.assertNotIn(b"HTTP/", got)
        self.assertEqual(self.name(), "first")

    def test_certificates_are_exchanged_while_it_runs(self):
        old = self.connect()
        make_certificate(self.folder, "second")  # Seen by itself.
        self.await_name("second")
        (self.folder / "key.pem").write_text("nonsense")
        self.server.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        self.assertEqual(self.name(), "second")  # Bad files change nothing.
        make_certificate(self.folder, "third")
        self.server.process.send_signal(signal.SIGHUP)
        self.await_name("third")
        old.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertIn(b"200 OK", old.recv(4096))

    def test_the_command_line_checks_the_certificate(self):
        url = f"https://127.0.0.1:{self.server.port}"
        environment = {"PATH": "/usr/bin:/bin"}
        words = [CTT, "tasks", "list", "--json", "--url", url]
        good = subprocess.run([*words, "--ca-file", self.folder / "cert.pem"], capture_output=True, text=True, env=environment)
        self.assertEqual((good.returncode, good.stderr), (0, ""))
        stranger = subprocess.run(words, capture_output=True, text=True, env=environment)
        self.assertEqual(stranger.returncode, 1)
        self.assertIn("certificate verify failed", stranger.stderr)

    def test_bad_files_are_refused_at_start(self):
        words = [CTT, "serve", "--listen", "127.0.0.1:0", "--data", self.folder / "other", "--tls-cert", self.folder / "cert.pem", "--tls-key"]
        for key, says in ((self.folder / "absent.pem", "absent.pem"), (self.folder / "cert.pem", "no private key")):
            for only in ([], ["--check-config"]):
                done = subprocess.run([*words, key, *only], capture_output=True, text=True)
                self.assertEqual(done.returncode, 1)
                self.assertIn(says, done.stderr)
        done = subprocess.run(words[:-1], capture_output=True, text=True)
        self.assertIn("both", done.stderr)


if __name__ == "__main__":
    CTT = str(pathlib.Path(sys.argv.pop(1)).resolve())
    result = unittest.main(exit=False, verbosity=1, warnings="ignore").result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(bad > 0)
