"""The texts of the comparison, as token ids: short = clinc150, medium 60-80 tokens, long 256 tokens.

Medium and long ones are reviews and news of the data folder, joined until they are long enough.
"""
import glob
import json
import random

from tokenizers import Tokenizer


def rows(path):
    return [json.loads(line)["text"] for line in open(path, encoding="utf8")]


def joined(tokens, stream, least, most, count):
    """`count` texts of least..most ids, cut from the stream of inner ids, framed by [CLS] and [SEP]."""
    draw = random.Random(least)
    texts, at = [], 0
    while len(texts) < count:
        length = draw.randint(least, most)
        texts.append([tokens[0]] + stream[at:at + length - 2] + [tokens[1]])
        at += length - 2
    return texts


def make(model_folder, data_folder, out):
    tokenizer = Tokenizer.from_file(f"{model_folder}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    frame = tokenizer.encode("").ids
    short = sorted((tokenizer.encode(t).ids for t in rows(f"{data_folder}/clinc150/full/train.jsonl")), key=len)[::6]
    stream = []
    for path in sorted(glob.glob(f"{data_folder}/cl_benchmark/*/test.jsonl") + glob.glob(f"{data_folder}/fdu_mtl/*/test.jsonl")):
        for text in rows(path)[::5]:
            stream += tokenizer.encode(text).ids[1:-1]
    sets = {"short": short, "medium": joined(frame, stream, 60, 80, 300), "long": joined(frame, stream[100000:], 256, 256, 80),
            "one": [next(ids for ids in short if len(ids) == 12)]}
    for name, few in (("short", 8), ("medium", 4), ("long", 4)):
        sets[name + "_few"] = sets[name][::few]
    counts = {}
    for name, texts in sets.items():
        with open(f"{out}/{name}.ids", "w", encoding="ascii") as file:
            file.writelines(" ".join(map(str, ids)) + "\n" for ids in texts)
        counts[name] = (len(texts), sum(map(len, texts)))
    return counts
