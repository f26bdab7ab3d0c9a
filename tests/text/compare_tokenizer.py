#!/usr/bin/env python3
"""Compares ctt's token ids with the reference tokenizer's, text by text, on every text below a folder and on
generated hostile strings. Prints the differences, if any.

usage: compare_tokenizer.py PRINT_TOKEN_IDS MODEL_FOLDER [DATA_FOLDER] [--hostile 200000] [--seed 1]
(PyPI: tokenizers; PRINT_TOKEN_IDS is built from tests/text/print_token_ids.cc)"""
import argparse
import json
import pathlib
import random
import struct
import subprocess
import sys
import threading

from tokenizers import Tokenizer

TOKENS_MAX = 256
WORDS = ["hello", "Don't", "naïve", "ÄÖÜ", "İstanbul", "ﬁne", "[SEP]", "[MASK]", "[CLS]", "[UNK]", "##ing", "e\u0301", "北京", "こんにちは",
         "สวัสดี", "שלום", "مرحبا", "\U0001F468\u200D\U0001F469\u200D\U0001F467", "\U0001F1E9\U0001F1EA", "x" * 99, "y" * 100,
         "z" * 101, "\u00ad", "\ufeff", "\u200b", "\u2028", "\x00", "\t", "\r\n", "$5.00", "a_b-c", "１２３", "Ⅷ", "ẞ", "Σς", "각"]


def character(chance):
    kind = chance.random()
    if kind < 0.25:
        return chr(chance.randrange(0x20, 0x7F))
    if kind < 0.35:
        return chr(chance.randrange(0x00, 0xA1))
    if kind < 0.45:
        return chr(chance.randrange(0x300, 0x370))
    if kind < 0.75:
        code = chance.randrange(0x10000)
    else:
        code = chance.randrange(0x110000)
    return chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd"


def hostile(count, seed):
    chance = random.Random(seed)
    for number in range(count):
        parts = []
        for _ in range(chance.randrange(1, 12)):
            if chance.random() < 0.4:
                parts.append(chance.choice(WORDS))
            else:
                parts.append("".join(character(chance) for _ in range(chance.randrange(1, 8))))
            if chance.random() < 0.6:
                parts.append(" ")
        data = "".join(parts).encode("utf-8")
        if number % 10 == 0:  # Not UTF-8: bytes lost, bytes invented.
            data = bytearray(data)
            for _ in range(chance.randrange(1, 4)):
                at = chance.randrange(len(data) + 1)
                data[at:at + chance.randrange(2)] = bytes([chance.randrange(0x80, 0x100)])
            data = bytes(data)
        yield data
    for long in ("a" * 1_000_000, "é" * 500_000, "\u0301" * 500_000, "北" * 300_000, "!" * 1_000_000, "a\u0301" * 300_000):
        yield long.encode("utf-8")


def real(folder):
    for path in sorted(pathlib.Path(folder).rglob("*.jsonl")):
        with path.open(encoding="utf-8") as rows:
            for line in rows:
                yield json.loads(line)["text"].encode("utf-8", "surrogatepass")


def ours(program, model, texts):
    process = subprocess.Popen([program, model, str(TOKENS_MAX)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def feed():
        for text in texts:
            process.stdin.write(struct.pack("<I", len(text)) + text)
        process.stdin.close()

    threading.Thread(target=feed, daemon=True).start()
    for _ in texts:
        count, truncated = struct.unpack("<II", process.stdout.read(8))
        yield list(struct.unpack(f"<{count}i", process.stdout.read(4 * count))), bool(truncated)
    process.wait()


def compare(program, model, name, texts):
    reference = Tokenizer.from_file(f"{model}/tokenizer.json")
    reference.no_padding()
    reference.enable_truncation(TOKENS_MAX)
    differences = tokens = 0
    mine = ours(program, model, texts)
    for first in range(0, len(texts), 1000):
        chunk = texts[first:first + 1000]
        for text, encoding in zip(chunk, reference.encode_batch([t.decode("utf-8", "replace") for t in chunk])):
            ids, truncated = next(mine)
            tokens += len(ids)
            if ids != encoding.ids or truncated != bool(encoding.overflowing):
                differences += 1
                if differences <= 10:
                    print("differs:", text[:200], ids[:20], encoding.ids[:20])
    print(f"{name}: {len(texts)} texts, {tokens} tokens, {differences} differences", flush=True)
    return differences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("data", nargs="?")
    parser.add_argument("--hostile", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    bad = compare(arguments.program, arguments.model, "hostile", list(hostile(arguments.hostile, arguments.seed)))
    if arguments.data:
        bad += compare(arguments.program, arguments.model, "real", list(real(arguments.data)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
