#!/usr/bin/env python3
"""The largest difference, in any component, between ctt's embeddings and the published model's (transformers on
PyTorch, fp32) over texts of real tasks: every K-th row of every .jsonl below a folder.

usage: compare_embeddings.py CTT MODEL_FOLDER DATA_FOLDER [--texts 2000]   (PyPI: torch, transformers)"""
import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

parser = argparse.ArgumentParser()
parser.add_argument("ctt")
parser.add_argument("model")
parser.add_argument("data")
parser.add_argument("--texts", type=int, default=2000)
arguments = parser.parse_args()

texts = []
for path in sorted(pathlib.Path(arguments.data).rglob("*.jsonl")):
    texts += [json.loads(line)["text"] for line in path.open(encoding="utf-8")]
texts = texts[:: max(1, len(texts) // arguments.texts)][: arguments.texts]

with tempfile.TemporaryDirectory() as folder:
    rows = pathlib.Path(folder) / "texts.jsonl"
    rows.write_text("".join(json.dumps({"text": t}) + "\n" for t in texts), encoding="utf-8")
    out = pathlib.Path(folder) / "out.npy"
    subprocess.run([arguments.ctt, "embed", "--engine", "f32", "--model", arguments.model, "--file", rows,
                    "--output", out], check=True)
    ours = np.load(out)

torch.set_num_threads(1)
tokenizer = AutoTokenizer.from_pretrained(arguments.model)
model = AutoModel.from_pretrained(arguments.model).eval()
worst, lengths = 0.0, []
for text, embedding in zip(texts, ours):
    ids = tokenizer(text, truncation=True, max_length=256)["input_ids"]
    lengths.append(len(ids))
    with torch.no_grad():
        mean = model(torch.tensor([ids])).last_hidden_state[0].mean(0)
    worst = max(worst, float(np.abs((mean / mean.norm()).numpy() - embedding).max()))
print(f"{len(texts)} texts of {min(lengths)} to {max(lengths)} tokens: largest difference {worst:.2e}")
raise SystemExit(0 if worst <= 1e-5 else 1)
