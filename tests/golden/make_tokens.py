#!/usr/bin/env python3
"""Writes tokens.txt: what the reference tokenizer answers for hostile strings (compare_tokenizer.py makes them).

usage: make_tokens.py MODEL_FOLDER >tokens.txt   (PyPI: tokenizers)

One text a line: its bytes in hexadecimal ("-" for none), then its ids, at most 64 with the special ones."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "text"))
from compare_tokenizer import hostile  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

tokenizer = Tokenizer.from_file(f"{sys.argv[1]}/tokenizer.json")
tokenizer.no_padding()
tokenizer.enable_truncation(64)
texts = [text for text in hostile(1500, seed=20) if len(text) < 1000] + [b"", b" ", b"plain words, twice: plain words."]
for text in texts:
    print(text.hex() or "-", *tokenizer.encode(text.decode("utf-8", "replace")).ids)
