"""The stack that a user has today, as good as it gets in a page: FastAPI and uvicorn (uvloop, httptools), the encoder as dynamic int8 in
onnxruntime, a scikit-learn head, and micro-batches: one thread takes every request that waits, as ctt does.

usage: peer.py MODEL.onnx TOKENIZER.json TRAIN.jsonl PORT THREADS"""
import asyncio
import contextlib
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import orjson
import uvicorn
from fastapi import FastAPI, Request, Response
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

TEXTS_MAX = 32  # Of one batch; more made neither latency nor throughput better.


class Encoder:
    def __init__(self, model, tokenizer, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(tokenizer)
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding()

    def __call__(self, texts):
        """Mean over tokens, unit length: [texts, 384]."""
        rows = self.tokenizer.encode_batch(texts)
        ids = np.array([row.ids for row in rows], dtype=np.int64)
        mask = np.array([row.attention_mask for row in rows], dtype=np.int64)
        states = self.session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        weights = mask[:, :, None].astype(np.float32)
        means = (states * weights).sum(1) / weights.sum(1)
        return means / np.linalg.norm(means, axis=1, keepdims=True)


class Head:
    def __init__(self, encoder, path):
        rows = [json.loads(line) for line in open(path, encoding="utf-8")]
        order = sorted(range(len(rows)), key=lambda at: len(rows[at]["text"]))
        features = np.empty((len(rows), 384), dtype=np.float32)
        for start in range(0, len(rows), TEXTS_MAX):
            part = order[start:start + TEXTS_MAX]
            features[part] = encoder([rows[at]["text"] for at in part])
        fitted = LogisticRegression(C=30, max_iter=200).fit(features, [row["label"] for row in rows])
        self.weights = np.ascontiguousarray(fitted.coef_.T.astype(np.float32))
        self.bias = fitted.intercept_.astype(np.float32)
        self.labels = list(fitted.classes_)

    def __call__(self, features):
        """Probabilities, [texts, labels]."""
        scores = features @ self.weights + self.bias
        scores = np.exp(scores - scores.max(1, keepdims=True))
        return scores / scores.sum(1, keepdims=True)


class Batcher:
    """Texts wait here; the one worker takes what waits, so batches grow with load."""

    def __init__(self, answer):
        self.answer = answer
        self.waiting = []
        self.wake = asyncio.Event()
        self.worker = ThreadPoolExecutor(1)

    async def ask(self, text):
        future = asyncio.get_running_loop().create_future()
        self.waiting.append((text, future))
        self.wake.set()
        return await future

    async def run(self):
        loop = asyncio.get_running_loop()
        while True:
            await self.wake.wait()
            taken, self.waiting = self.waiting[:TEXTS_MAX], self.waiting[TEXTS_MAX:]
            if not self.waiting:
                self.wake.clear()
            try:
                answers = await loop.run_in_executor(self.worker, self.answer, [text for text, _ in taken])
            except Exception as why:
                for _, future in taken:
                    future.set_exception(why)
                continue
            for (_, future), answer in zip(taken, answers):
                if not future.done():
                    future.set_result(answer)


def make_app(encoder, head):
    batcher = Batcher(lambda texts: head(encoder(texts)))

    @contextlib.asynccontextmanager
    async def lifespan(_):
        running = asyncio.create_task(batcher.run())
        yield
        running.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/readyz")
    async def ready():
        return {"status": "ready"}

    @app.post("/predict")
    async def predict(request: Request):
        start = time.perf_counter()
        body = orjson.loads(await request.body())
        probabilities = await batcher.ask(body["text"])
        best = np.argsort(-probabilities)[:5]
        answer = {"predictions": [head.labels[at] for at in best], "probabilities": [float(probabilities[at]) for at in best],
                  "confidence": float(probabilities[best[0]]), "task_id": body["task_id"],
                  "processing_time_ms": (time.perf_counter() - start) * 1e3}
        return Response(orjson.dumps(answer), media_type="application/json")

    return app


def main():
    model, tokenizer, train, port, threads = sys.argv[1:]
    encoder = Encoder(model, tokenizer, int(threads))
    uvicorn.run(make_app(encoder, Head(encoder, train)), host="127.0.0.1", port=int(port), log_level="warning", access_log=False, loop="uvloop", http="httptools")


if __name__ == "__main__":
    main()
