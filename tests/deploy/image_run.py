#!/usr/bin/env python3
"""Runs the image's command from its unpacked root, as Kubernetes would: user of the image, root file system read-only,
no new privileges, a network of its own. Standard library only; as root.

usage: image_run.py ROOT IMAGE.json    (what `buildah inspect --type image` printed)"""
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

URL = "http://127.0.0.1:8000"
STARTED_AT_MOST = 10.0
DRAINED_AT_MOST = 10.0


def say(what, detail):
    print(f"ok   {what:<22} {detail}", flush=True)


def check(good, what):
    if not good:
        sys.exit(f"FAIL {what}")


def call(path, body=None):
    request = urllib.request.Request(URL + path, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.loads(answer.read())


class Image:
    def __init__(self, root, config):
        self.root, self.config = root, config
        self.environment = dict(pair.split("=", 1) for pair in config["Env"])

    def start(self, command, **extra):
        user = self.config["User"]
        return subprocess.Popen(["setpriv", "--no-new-privs", "chroot", f"--userspec={user}", self.root, *command],
                                env={**self.environment, **extra}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, command, **extra):
        process = self.start(command, **extra)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output


def seal(root):
    """A mount namespace where the root is read-only but for its volumes, as `readOnlyRootFilesystem` makes it."""
    subprocess.run(["mount", "--bind", root, root], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", root + "/proc"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "uid=65532,mode=700", "tmpfs", root + "/app/data"], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", root], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def wait_healthy(image, server):
    begin = time.monotonic()
    while image.run(image.config["Healthcheck"]["Test"][1:])[0] != 0:
        check(server.poll() is None, "the server ended: " + str(server.stdout.read() if server.poll() is not None else ""))
        check(time.monotonic() - begin < STARTED_AT_MOST, "the health check stays red")
        time.sleep(0.05)
    return time.monotonic() - begin


def main():
    root = sys.argv[1]
    with open(sys.argv[2], encoding="utf-8") as file:
        docker = json.load(file)["Docker"]["config"]
    image = Image(root, docker)
    os.makedirs(root + "/proc", exist_ok=True)
    seal(root)

    check(re.fullmatch(r"[1-9]\d*:[1-9]\d*", docker["User"]), "the image's user is no number, or root")
    check(not os.path.exists(root + "/bin/sh") and not os.path.exists(root + "/usr/bin/curl"), "there is a shell or curl in the image")
    labels = docker["Labels"]
    check(re.fullmatch(r"[0-9a-f]{40}", labels["org.opencontainers.image.revision"]), "no revision label")
    say("configuration", f"user {docker['User']}, no shell, revision {labels['org.opencontainers.image.revision'][:9]}")

    code, output = image.run(["ctt", "model", "verify"])
    check(code == 0 and "whole, as published" in output, output)
    say("model", "whole, as published")

    command = docker["Entrypoint"] + docker["Cmd"]
    code, output = image.run(command)
    check(code == 1 and "--insecure" in output, f"an open port without keys was not refused: {output}")
    say("no keys, open port", "refused")

    server = image.start(command, CTT_INSECURE="true", ENV="image-test", LOG_LEVEL="info")
    took = wait_healthy(image, server)
    say("HEALTHCHECK", f"green after {took * 1000:.0f} ms")
    with open("examples/support/train.jsonl", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    learned = call("/v1/tasks/support/examples", {"examples": rows})
    answer = call("/predict", {"task_id": "support", "text": "I was charged two times this month"})
    check(answer["predictions"][0] == "billing", answer)
    say("learns and answers", f"{learned['accepted']} examples, then {answer['predictions'][0]}")

    code, _ = image.run(["ctt", "init", "--data", "/app/other"])
    check(code != 0, "the root file system could be written")
    say("read-only root", "nothing written outside /app/data")

    begin = time.monotonic()
    server.send_signal(signal.SIGTERM)
    output, _ = server.communicate(timeout=DRAINED_AT_MOST)
    check(server.returncode == 0 and '"environment":"image-test"' in output, output)
    say("SIGTERM", f"exit 0 after {(time.monotonic() - begin) * 1000:.0f} ms")


if __name__ == "__main__":
    if os.environ.get("IMAGE_RUN_SEALED") != "1":  # Mounts and the network are this process's own.
        os.environ["IMAGE_RUN_SEALED"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--net", sys.executable, *sys.argv])
    main()
