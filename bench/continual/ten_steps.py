"""Learns a task in ten steps of labels, in three orders, with detours on the way, and compares the settled head with that of learning everything
at once, digest by digest. Beside it a head by stochastic gradient descent that sees each step once, the naive way.

usage: ten_steps.py CTT MODEL DATA [--detours 1000] [--orders 3] [--engine i8|f32]

DATA holds train.jsonl and test.jsonl (clinc150: 150 labels). Needs NumPy and scikit-learn: the environment of bench/accuracy/run has them.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy
from sklearn.linear_model import SGDClassifier

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "product"))
from ctt_process import Server  # noqa: E402

STEPS = 10


def rows_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


class Ctt:
    """One data directory; a server that leaves settling to `settle`."""

    def __init__(self, arguments, folder):
        self.flags = ["--model", arguments.model, "--engine", arguments.engine]
        self.program, self.folder = arguments.ctt, folder

    def start(self):
        self.server = Server(self.program, self.folder / "data", *self.flags, "--settle-delay-ms", "-1")

    def call(self, method, path, body=None):
        status, answer = self.server.call(method, "/v1/tasks/t/" + path, body, "application/x-ndjson")
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer

    def learn(self, rows):
        self.call("POST", "examples", jsonl(rows))

    def unlearn(self, rows):
        for row in rows:
            self.call("DELETE", f"examples/{row['id']}")

    def accuracy(self, rows):
        return self.call("POST", "evaluate", jsonl(rows))["accuracy"]

    def settle(self, rows):
        """The settled head's digest. The rows are known already, or learned now."""
        path = self.folder / "rows.jsonl"
        path.write_text(jsonl(rows))
        answer = json.loads(subprocess.run([self.program, "learn", "t", str(path), "--data", str(self.folder / "data"), *self.flags, "--json"], check=True, capture_output=True,
                                           text=True).stdout)
        assert answer["settled"], answer
        return answer["head_digest"]


def in_steps(ctt, train, test, steps, detours, draw):
    """Accuracy on the labels seen so far, after each step."""
    ctt.start()
    accuracies, learned = [], []
    for labels in steps:
        fresh = [row for row in train if row["label"] in labels]
        draw.shuffle(fresh)
        parts = numpy.array_split(numpy.arange(len(fresh)), max(1, detours // STEPS))
        for part in parts:
            ctt.learn([fresh[i] for i in part])
            learned += [fresh[i] for i in part]
            if detours == 0:
                continue
            if draw.random() < 0.5:  # What was learned, away and back.
                rows = draw.sample(learned, draw.randint(1, 3))
                ctt.unlearn(rows)
                ctt.learn(rows)
            else:  # What does not belong there, and away.
                rows = [{"id": f"detour-{k}", "text": draw.choice(train)["text"], "label": draw.choice([draw.choice(train)["label"], "no label"])}
                        for k in range(draw.randint(1, 3))]
                ctt.learn(rows)
                ctt.unlearn(rows)
        seen = {row["label"] for row in learned}
        accuracies.append(ctt.accuracy([{"text": row["text"], "label": row["label"]} for row in test if row["label"] in seen]))
    ctt.server.stop()
    return accuracies


def embed(arguments, folder, rows):
    path = folder / "texts.jsonl"
    path.write_text(jsonl([{"text": row["text"]} for row in rows]))
    subprocess.run([arguments.ctt, "embed", "--file", str(path), "--model", arguments.model, "--engine", arguments.engine, "--output",
                    str(folder / "texts.npy")], check=True, capture_output=True)
    return numpy.load(folder / "texts.npy")


def naive(train, test, steps, seed):
    """partial_fit over the steps, five passes each; the same accuracies. train and test: features, labels."""
    head = SGDClassifier(loss="log_loss", alpha=1e-5, random_state=seed)
    accuracies, seen = [], set()
    for labels in steps:
        chosen = numpy.isin(train[1], list(labels))
        features, truths = train[0][chosen], train[1][chosen]
        for turn in range(5):
            order = numpy.random.default_rng(seed + turn).permutation(len(truths))
            head.partial_fit(features[order], truths[order], classes=numpy.unique(train[1]))
        seen |= set(labels)
        kept = numpy.isin(test[1], list(seen))
        accuracies.append(float(numpy.mean(head.predict(test[0][kept]) == test[1][kept])))
    return accuracies


def percent(accuracies):
    return " ".join(f"{100 * accuracy:.1f}" for accuracy in accuracies)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ctt")
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--detours", type=int, default=1000)
    parser.add_argument("--orders", type=int, default=3)
    parser.add_argument("--engine", choices=["i8", "f32"], default="i8")
    arguments = parser.parse_args()
    data = pathlib.Path(arguments.data)
    train, test = rows_of(data / "train.jsonl"), rows_of(data / "test.jsonl")
    for number, row in enumerate(train):
        row["id"] = f"row-{number}"
    labels = sorted({row["label"] for row in train})
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        features = [(embed(arguments, folder, rows), numpy.array([row["label"] for row in rows])) for rows in (train, test)]
        (folder / "once").mkdir()
        once = Ctt(arguments, folder / "once").settle(train)
        print(f"at once: {once}", flush=True)
        equal = True
        for order in range(arguments.orders):
            draw = random.Random(order)
            shuffled = draw.sample(labels, len(labels))
            steps = [set(part) for part in numpy.array_split(numpy.array(shuffled), STEPS)]
            (folder / str(order)).mkdir()
            ctt = Ctt(arguments, folder / str(order))
            accuracies = in_steps(ctt, train, test, steps, arguments.detours, draw)
            digest = ctt.settle(train)
            equal = equal and digest == once
            print(f"order {order + 1}, {arguments.detours} detours: {'equal' if digest == once else 'DIFFERS ' + digest}")
            print(f"  ctt, before settling: {percent(accuracies)}")
            print(f"  naive SGD:            {percent(naive(*features, steps, order))}", flush=True)
    raise SystemExit(0 if equal else 1)


main()
