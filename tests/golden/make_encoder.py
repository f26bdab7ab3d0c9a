#!/usr/bin/env python3
"""Writes encoder.txt: what the reference implementation (transformers on PyTorch, fp32) computes for a few texts.

usage: make_encoder.py MODEL_FOLDER >encoder.txt   (PyPI: torch, transformers)

  text  IDS...              one text as token ids
  layer L TOKEN V...        hidden state of one token after layer L (0: embeddings), components 0, 24, 48, ...
  embedding V...            mean over tokens, unit length, every component
"""
import sys

import torch
from transformers import AutoModel, AutoTokenizer

TEXTS = [
    "a",
    "The quick brown fox jumps over the lazy dog.",
    "I would like to change the delivery address of my order, please.",
    "naïve café über straße 北京 \U0001F600 don't stop!!!",
    " ".join(f"sentence number {i} speaks of rivers, bridges and clocks;" for i in range(30)),
]

model_folder = sys.argv[1]
tokenizer = AutoTokenizer.from_pretrained(model_folder)
model = AutoModel.from_pretrained(model_folder).eval()
for text in TEXTS:
    ids = tokenizer(text, truncation=True, max_length=256)["input_ids"]
    with torch.no_grad():
        out = model(torch.tensor([ids]), output_hidden_states=True)
    print("text", *ids)
    for layer, states in enumerate(out.hidden_states):
        for token in sorted({0, len(ids) // 2, len(ids) - 1}):
            print("layer", layer, token, *(f"{v:.7g}" for v in states[0, token, ::24].tolist()))
    mean = out.last_hidden_state[0].mean(0)
    print("embedding", *(f"{v:.8g}" for v in (mean / mean.norm()).tolist()))
