"""Writes the seeds of fuzz_safetensors beside itself: one good file and one of each kind of damage."""
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent / "safetensors"


def file(header, data=struct.pack("<2f", 1, 2)):
    return struct.pack("<Q", len(header)) + header.encode() + data


def entry(dtype="F32", shape="[2]", first=0, last=8):
    return '{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}' % (dtype, shape, first, last)


GOOD = '{"w":%s}' % entry()
SEEDS = {
    "good": file(GOOD),
    "metadata": file('{"__metadata__":{"format":"pt"},"w":%s}' % entry(shape="[2,1]")),
    "two": file('{"w":%s,"v":%s}' % (entry(shape="[1]", last=4), entry("I32", "[1]", 4, 8))),
    "overlap": file('{"w":%s,"v":%s}' % (entry(), entry("I8", "[4]", 2, 6))),
    "gap": file('{"w":%s}' % entry(shape="[1]", first=4)),
    "nan": file(GOOD, struct.pack("<2f", 1, float("nan"))),
    "cut": file(GOOD)[:20],
    "huge_header": b"\x7f" * 8 + b"{}",
    "empty": b"",
}
for name, seed in SEEDS.items():
    (FOLDER / name).write_bytes(seed)
