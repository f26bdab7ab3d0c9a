"""One peer in a process of its own: loads a model, then answers commands on stdin with JSON lines.

usage: worker.py PEER MODELS THREADS
A command is {"ids": FILE, "batch": N, "part": I, "parts": K}: the peer encodes part I of K of the texts
(one text a line, token ids; sorted by length before they are cut into batches of N) and answers {"seconds", "tokens"}.
{"ids": FILE, "repeat": N} encodes the first text N times alone and answers {"median_ms", "p99_ms"}.
With "output": FILE it also writes the embeddings (mean over tokens, unit length) as .npy. Padded arrays
are made ready ahead of the clock; pooling is not timed.
"""
import json
import sys
import time

import numpy as np


class OnnxRuntime:
    def __init__(self, path, threads):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.names = [i.name for i in self.session.get_inputs()]

    def prepare(self, ids, mask):
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return {name: given[name] for name in self.names}

    def run(self, feed):
        return self.session.run(None, feed)[0]


class CTranslate2:
    def __init__(self, path, threads, compute_type):
        import ctranslate2
        self.ct2 = ctranslate2
        self.encoder = ctranslate2.Encoder(path, device="cpu", compute_type=compute_type,
                                           inter_threads=1, intra_threads=threads)

    def prepare(self, ids, mask):
        lengths = mask.sum(1)
        return [row[:n].tolist() for row, n in zip(ids, lengths)]

    def run(self, feed):
        return np.array(self.encoder.forward_batch(feed).last_hidden_state)


class OpenVino:
    def __init__(self, path, threads, precision):
        import openvino
        core = openvino.Core()
        self.model = core.compile_model(path, "CPU", {
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": precision})
        self.names = [i.get_any_name() for i in self.model.inputs]

    def prepare(self, ids, mask):
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return {name: given[name] for name in self.names}

    def run(self, feed):
        return self.model(feed)[0]


def load(peer, models, threads):
    kind, variant = peer.split(":")
    if kind == "ort":
        return OnnxRuntime(f"{models}/{variant}.onnx", threads)
    if kind == "ct2":
        return CTranslate2(f"{models}/ct2", threads, variant)
    name, precision = {"f32": ("f32", "f32"), "bf16": ("f32", "bf16"), "int8": ("ov_int8", "f32")}[variant]
    path = f"{models}/{name}.xml" if name.startswith("ov_") else f"{models}/{name}.onnx"
    return OpenVino(path, threads, precision)


def read(path, part, parts):
    texts = [np.array(line.split(), dtype=np.int64) for line in open(path) if line.strip()]
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))[part::parts]
    return texts, order


def batches(texts, order, size):
    for start in range(0, len(order), size):
        rows = order[start:start + size]
        longest = max(len(texts[i]) for i in rows)
        ids = np.zeros((len(rows), longest), np.int64)
        mask = np.zeros_like(ids)
        for r, i in enumerate(rows):
            ids[r, :len(texts[i])] = texts[i]
            mask[r, :len(texts[i])] = 1
        yield rows, ids, mask


def latency(peer, command):
    texts, _ = read(command["ids"], 0, 1)
    feed = peer.prepare(texts[0][None], np.ones_like(texts[0][None]))
    taken = []
    for _ in range(command["repeat"] + 30):
        start = time.perf_counter()
        peer.run(feed)
        taken.append(time.perf_counter() - start)
    taken = np.array(taken[30:]) * 1e3
    return {"median_ms": float(np.median(taken)), "p99_ms": float(np.percentile(taken, 99))}


def answer(peer, command):
    if "repeat" in command:
        return latency(peer, command)
    texts, order = read(command["ids"], command["part"], command["parts"])
    ready = [(rows, mask, peer.prepare(ids, mask)) for rows, ids, mask in batches(texts, order, command["batch"])]
    start = time.perf_counter()
    if "output" not in command:
        for _, _, feed in ready:
            peer.run(feed)
        seconds = time.perf_counter() - start
    else:
        embeddings = np.zeros((len(texts), 384), np.float32)
        for rows, mask, feed in ready:
            states = np.asarray(peer.run(feed), dtype=np.float32)
            means = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
            embeddings[rows] = means / np.linalg.norm(means, axis=1, keepdims=True)
        seconds = time.perf_counter() - start
        np.save(command["output"], embeddings)
    return {"seconds": seconds, "tokens": int(sum(len(texts[i]) for i in order))}


def main():
    peer = load(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(peer, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
