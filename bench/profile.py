#!/usr/bin/env python3
"""Where a pass of engine i8 spends its time, by kernel: `perf record` (package linux-perf) over `ctt bench encode` on one thread, with
call stacks, since the compiler merges the equal tiles of products and attention. Prints lines of a table; what was inlined counts for
its caller.

usage: profile.py CTT TEXTS      TEXTS: .ids (token ids, one text a line), .jsonl, .csv or .txt"""
import pathlib
import re
import subprocess
import sys
import tempfile

# The first line whose pattern is found in a stack, innermost function first, takes the sample.
KERNELS = [("products: sums", r"RunDot.* RunProductTile"),
           ("products: scale, bias, GELU, residual", r"RunProductTile|Product"),
           ("attention: mixing of values", r"RunDot.* MixRows|MixRows"),
           ("attention: scores", r"RunDot.* Attention"),
           ("attention: packing, softmax", r"Attention"),
           ("LayerNorm with quantisation", r"Normalise"),
           ("quantisation", r"Quantise"),
           ("embedding rows, pooling", r"\b(Embed|Pool)\b"),
           ("the rest of the pass", r"EncodeTile|I8Engine::(Run|Attend|FinishBlock|Reserve)")]


def stacks(report):
    """The functions of each sample, innermost first, without their namespaces and parameters."""
    for sample in re.split(r"\n\s*\n", report):
        names = re.findall(r"^\s*[0-9a-f]+ (.+)$", sample, re.MULTILINE)
        if names:
            yield " ".join(re.sub(r"ctt::\w+::(\(anonymous namespace\)::)?|\(ctt::kernels::Operand\)", "", name) for name in names)


def main():
    _, ctt, texts = sys.argv
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "perf.data"
        subprocess.run(["perf", "record", "-q", "-e", "cpu-clock:u", "-F", "2000", "--call-graph", "dwarf,8192", "-o", data, ctt, "bench",
                        "encode", "--engine", "i8", "--threads", "1", "--ids" if texts.endswith(".ids") else "--file", texts], check=True)
        report = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym"], check=True, capture_output=True, text=True).stdout
    samples = {}
    for stack in stacks(report):
        kernel = next((name for name, pattern in KERNELS if re.search(pattern, stack)), None)
        samples[kernel] = samples.get(kernel, 0) + 1
    before = samples.pop(None, 0)
    total = sum(samples.values())
    for kernel, count in sorted(samples.items(), key=lambda item: -item[1]):
        print(f"| {kernel} | {100 * count / total:.1f} % |")
    print(f"{total} samples in the pass, {before} before it (loading) and in reading the texts")


main()
