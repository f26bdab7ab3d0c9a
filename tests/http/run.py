#!/usr/bin/env python3
"""Runs the scripts of tests/http/scripts against one real server, in the order of their names. A new case needs no code.

    === what is tested                     === restart     SIGTERM, exit code 0, start again on the same data
                                           === new server  the same, on no data
    POST /v1/tasks/{name}/predict
    Content-Type: text/plain               any headers; a body with none is sent as application/json

    {"text": "a"}                          the body, to the line that begins with ---
    --- 200                                the status wanted
    X-Header: value                        headers wanted (a value of <any> wants it to be there)

    {"task": "t", "results": "<any>"}      the body wanted; none: any will do. JSON, lines of JSON, or the text itself

Placeholders in wanted JSON: "<any>", "<number>", "<probability>", "<string>", "<digest>" (64 hexadecimal digits),
"<time>" (RFC 3339), "<about X>" (within 0.02 of X), "<like REGEX>", "<unit N>" (N numbers, a vector of unit length),
"<scores A B>" (a list of {label, score}, labels in this order, scores falling, their sum 1); "<keep NAME>" takes a string or number along: {NAME} in later
requests and answers, "<same NAME>" in this one. The member "...": true lets an object have more members than are named.
In requests: {repeat N WORD} is WORD N times, {bytes HEX} is raw bytes. In wanted text: a line "<has WORD>" wants WORD somewhere.

usage: run.py CTT [SCRIPT...]"""
import argparse
import json
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "product"))
from ctt_process import Server  # noqa: E402

KINDS = {
    "<any>": lambda value: True,
    "<number>": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "<probability>": lambda value: KINDS["<number>"](value) and 0 <= value <= 1,
    "<string>": lambda value: isinstance(value, str),
    "<digest>": lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value),
    "<time>": lambda value: isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value),
}


class Mismatch(Exception):
    pass


def check(wanted, got, where, kept):
    """Raises Mismatch where `got` is not as wanted."""
    def fail(why):
        raise Mismatch(f"{where or 'body'}: {why}; wanted {json.dumps(wanted)}, got {json.dumps(got)}")

    if isinstance(wanted, str) and wanted.startswith("<"):
        if wanted in KINDS:
            return KINDS[wanted](got) or fail("another kind")
        verb, _, rest = wanted[1:-1].partition(" ")
        if verb == "about":
            return (KINDS["<number>"](got) and abs(got - float(rest)) <= 0.02) or fail("not near")
        if verb == "like":
            return (isinstance(got, str) and re.search(rest, got)) or fail("not like it")
        if verb == "unit":
            good = isinstance(got, list) and len(got) == int(rest) and all(map(KINDS["<number>"], got))
            return (good and abs(sum(x * x for x in got) - 1) < 1e-5) or fail("no unit vector")
        if verb == "scores":
            check([{"label": label, "score": "<probability>"} for label in rest.split()], got, where, kept)
            scores = [row["score"] for row in got]
            return (scores == sorted(scores, reverse=True) and abs(sum(scores) - 1) < 1e-12) or fail("no falling scores of sum 1")
        if verb == "same":
            return got == kept.get(rest) or fail("not what was kept")
        if verb == "keep":
            kept[rest] = got if isinstance(got, str) else json.dumps(got)
            return isinstance(got, (str, int, float)) or fail("not to be kept")
        fail("unknown placeholder")
    if isinstance(wanted, dict) and isinstance(got, dict):
        named = wanted.keys() - {"..."}
        if named - got.keys():
            fail(f"lacks {sorted(named - got.keys())}")
        if got.keys() - named and "..." not in wanted:
            fail(f"has {sorted(got.keys() - named)} too")
        for name in sorted(named):
            check(wanted[name], got[name], f"{where}.{name}", kept)
        return True
    if isinstance(wanted, list) and isinstance(got, list):
        if len(wanted) != len(got):
            fail(f"{len(got)} elements, not {len(wanted)}")
        for index, pair in enumerate(zip(wanted, got)):
            check(*pair, f"{where}[{index}]", kept)
        return True
    return (type(wanted) is type(got) and wanted == got) or fail("differs")


def check_body(wanted, text, content_type, kept):
    lines = wanted.strip().split("\n")
    if "ndjson" in content_type:
        got = text.strip().split("\n")
        if len(lines) != len(got):
            raise Mismatch(f"{len(got)} lines, not {len(lines)}:\n{text}")
        for number, pair in enumerate(zip(lines, got), 1):
            check(json.loads(pair[0]), json.loads(pair[1]), f"line {number}", kept)
    elif "json" in content_type:
        check(json.loads(wanted), json.loads(text), "", kept)
    else:
        for line in lines:
            part = re.fullmatch("<has (.*)>", line)
            if part is None and wanted.strip() != text.strip():
                raise Mismatch(f"wanted {wanted!r}, got {text!r}")
            if part and part[1] not in text:
                raise Mismatch(f"lacks {part[1]!r}")


def fill(text, kept):
    """The bytes of a request or of a wanted text: {repeat ...}, {bytes ...} and what was kept put in."""
    text = re.sub(r"\{repeat (\d+) (\S+?)\}", lambda m: m[2] * int(m[1]), text)
    for name, value in kept.items():
        text = text.replace("{" + name + "}", value)
    parts = re.split(r"\{bytes ([0-9a-fA-F]+)\}", text)
    return b"".join(bytes.fromhex(p) if i % 2 else p.encode() for i, p in enumerate(parts))


def split_message(lines):
    """Headers up to the first empty line, then the body."""
    end = lines.index("") if "" in lines else len(lines)
    headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[:end]]
    return headers, "\n".join(lines[end + 1:]).rstrip("\n")


def cases(script):
    for block in re.split("^=== ?", script.read_text(), flags=re.MULTILINE)[1:]:
        title, _, rest = block.partition("\n")
        if title in ("restart", "new server"):
            yield title, None, None, None
            continue
        request, _, wanted = rest.partition("\n--- ")
        yield title, request.strip("\n").split("\n"), *wanted.partition("\n")[::2]


def run_case(server, request, status, wanted, kept):
    method, target = fill(request[0], kept).split(b" ", 1)
    headers, body = split_message(request[1:])
    headers = {name: fill(value, kept).decode() for name, value in headers}
    data = fill(body, kept)
    if data and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    if headers.get("Content-Type") in ("application/x-ndjson", "text/csv"):
        data += b"\n"
    connection = server.connect()
    connection.putrequest(method.decode(), target.decode("latin1"))
    for name, value in headers.items():
        connection.putheader(name, value)
    if data:
        connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data or None)
    response = connection.getresponse()
    text = response.read().decode()  # An answer is always UTF-8.
    connection.close()
    if response.status != int(status):
        raise Mismatch(f"status {response.status}, not {status}: {text}")
    wanted_headers, wanted_body = split_message(wanted.split("\n"))
    for name, value in wanted_headers:
        got = response.getheader(name)
        if got is None or value not in ("<any>", got):
            raise Mismatch(f"{name}: {got}, not {value}")
    if wanted_body:
        check_body(fill(wanted_body, kept).decode(), text, response.getheader("Content-Type", ""), kept)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("scripts", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        def start(data):
            return Server(arguments.ctt, f"{folder}/{data}", "--settle-delay-ms", "-1")

        data = 0
        server = start(data)
        for script in arguments.scripts or sorted((HERE / "scripts").glob("*.http")):
            kept = {}
            for title, request, status, wanted in cases(script):
                try:
                    if request is None:
                        code = server.stop()
                        data += title == "new server"
                        server = start(data)
                        if code != 0:
                            raise Mismatch(f"the server ended with {code}")
                    else:
                        run_case(server, request, status, wanted, kept)
                    passed += 1
                except (Mismatch, ValueError, OSError) as why:
                    failed += 1
                    print(f"FAIL {script.name}: {title}: {why}")
        if server.stop() != 0:
            failed += 1
            print("FAIL: the server did not end with 0")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
