"""A small S3 server of a test's own: path style, signatures checked, multipart, lists by page. Objects are files of FOLDER, named
BUCKET/KEY. It can be told to fail. Standard library only; for tests, on loopback."""
import hashlib
import hmac
import http.server
import pathlib
import random
import secrets
import threading
import urllib.parse
import xml.sax.saxutils

ACCESS_KEY, SECRET_KEY, REGION = "test", "test-secret", "us-east-1"
PAGE = 7  # Keys of a list's page; few, so that pages are turned.


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status, code):
        self.answer(status, f"<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>".encode())

    def signature_is_good(self, body):
        """AWS Signature Version 4, as the server recomputes it from what it received."""
        kind, _, rest = self.headers.get("Authorization", "").partition(" ")
        if kind != "AWS4-HMAC-SHA256":
            return False
        fields = dict(field.strip().split("=", 1) for field in rest.split(","))
        user, day, region, service, end = fields["Credential"].split("/")
        if (user, region, service, end) != (ACCESS_KEY, REGION, "s3", "aws4_request"):
            return False
        signed = fields["SignedHeaders"].split(";")
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(signed):
            return False
        content = self.headers["x-amz-content-sha256"]
        if content != "UNSIGNED-PAYLOAD" and content != hashlib.sha256(body).hexdigest():
            return False
        path, _, query = self.path.partition("?")
        pairs = sorted(pair if "=" in pair else pair + "=" for pair in query.split("&") if pair)
        request = "\n".join([self.command, path, "&".join(pairs),
                             *(f"{name}:{' '.join(self.headers[name].split())}" for name in signed), "", ";".join(signed), content])
        text = "\n".join([kind, self.headers["x-amz-date"], f"{day}/{region}/{service}/{end}",
                          hashlib.sha256(request.encode()).hexdigest()])
        key = sign(sign(sign(sign(b"AWS4" + SECRET_KEY.encode(), day), region), service), end)
        return hmac.compare_digest(fields["Signature"], hmac.new(key, text.encode(), hashlib.sha256).hexdigest())

    def handle_request(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        endpoint = self.server.endpoint
        if endpoint.chance.random() < endpoint.failures:
            return self.error(503, "SlowDown")
        if not self.signature_is_good(body):
            return self.error(403, "SignatureDoesNotMatch")
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        bucket, _, key = urllib.parse.unquote(parts.path).lstrip("/").partition("/")
        if not (endpoint.folder / bucket).is_dir():
            return self.error(404, "NoSuchBucket")
        if not key:
            return self.list_objects(bucket, query)
        method = {"GET": self.get, "PUT": self.put, "DELETE": self.delete, "POST": self.post}.get(self.command)
        return method(endpoint.folder / bucket / key, query, body) if method else self.error(405, "MethodNotAllowed")

    do_GET = do_PUT = do_DELETE = do_POST = handle_request

    def list_objects(self, bucket, query):
        root = self.server.endpoint.folder / bucket
        keys = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        keys = [key for key in keys if key.startswith(query.get("prefix", ""))]
        start = query.get("continuation-token", "")[2:]  # Behind "&>", which must come back unescaped.
        keys = [key for key in keys if key > start]
        page = keys[:min(PAGE, int(query.get("max-keys", 1000)))]
        more = f"<NextContinuationToken>&amp;&gt;{page[-1]}</NextContinuationToken>" if len(page) < len(keys) and page else ""
        contents = "".join(f"<Contents><Key>{xml.sax.saxutils.escape(key)}</Key></Contents>" for key in page)
        self.answer(200, f"<?xml version=\"1.0\"?><ListBucketResult>{more}{contents}</ListBucketResult>".encode())

    def get(self, path, query, body):
        return self.answer(200, path.read_bytes()) if path.is_file() else self.error(404, "NoSuchKey")

    def put(self, path, query, body):
        uploads = self.server.endpoint.uploads
        if "uploadId" in query:
            if query["uploadId"] not in uploads:
                return self.error(404, "NoSuchUpload")
            uploads[query["uploadId"]][int(query["partNumber"])] = body
        else:
            self.store(path, body)
        return self.answer(200, headers=[("ETag", f'"{hashlib.md5(body).hexdigest()}"')])

    def post(self, path, query, body):
        uploads = self.server.endpoint.uploads
        if "uploads" in query:
            upload = secrets.token_urlsafe(12) + "&=/"
            uploads[upload] = {}
            return self.answer(200, f"<R><UploadId>{xml.sax.saxutils.escape(upload)}</UploadId></R>".encode())
        parts = uploads.pop(query.get("uploadId"), None)
        if parts is None:
            return self.error(404, "NoSuchUpload")
        if any(hashlib.md5(part).hexdigest().encode() not in body for part in parts.values()):
            return self.answer(200, b"<Error><Code>InvalidPart</Code></Error>")
        self.store(path, b"".join(parts[number] for number in sorted(parts)))
        self.server.endpoint.joined += 1
        return self.answer(200, b"<CompleteMultipartUploadResult/>")

    def delete(self, path, query, body):
        if "uploadId" in query:
            self.server.endpoint.uploads.pop(query["uploadId"], None)
        else:
            path.unlink(missing_ok=True)
        return self.answer(204)

    @staticmethod
    def store(path, body):
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f"{path.name}.{threading.get_ident()}")
        half.write_bytes(body)
        half.rename(path)


class S3Endpoint:
    """Serves until close(). `failures` is the share of requests that get 503."""

    def __init__(self, folder, bucket="ctt", failures=0.0):
        self.folder = pathlib.Path(folder)
        (self.folder / bucket).mkdir(parents=True, exist_ok=True)
        self.failures, self.chance, self.uploads, self.joined = failures, random.Random(7), {}, 0
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.endpoint = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def environment(self):
        return {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server.server_port}", "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": REGION}

    def close(self):
        self.server.shutdown()
        self.server.server_close()
