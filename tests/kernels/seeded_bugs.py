#!/usr/bin/env python3
"""Breaks the fast kernels on purpose, one small change at a time, and expects test_kernels to fail each time.

    tests/kernels/seeded_bugs.py BUILD [--only PATTERN] [--markdown FILE]

BUILD is a built tree (build/release). Each row of seeded_bugs.toml changes one line of a file of src/kernels. The changed
copy is laid before the tree on the include path, every source that reads it is compiled so, and linked over the clean
objects of BUILD: for each instruction set of this CPU alone, then for all together. The tree itself is never touched.
An instruction set that includes the file but uses nothing of the changed line (its assembly stays the same) has no such bug.
Prints one line a bug; exit 1 if a bug went unseen, or if a row no longer fits its file. Takes some 15 minutes of two idle cores.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = ROOT / "src/kernels"
SUFFIX = re.compile(r"_(reference|avx2|avxvnni|avx512|avx512vnni|neon)$")
FLAG_OF = {"avx2": "avx2", "avxvnni": "avx_vnni", "avx512": "avx512dq", "avx512vnni": "avx512_vnni"}


def isas_here():
    if platform.machine() != "x86_64":
        return {"reference", "neon"}
    flags = set(re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)[1].split())
    return {"reference"} | {isa for isa, flag in FLAG_OF.items() if flag in flags}


def reads(source, name, seen=None):
    """Whether a source of src/kernels includes the file `name`, itself or through another."""
    seen = seen if seen is not None else set()
    if source.name == name:
        return True
    for included in re.findall(r'#include "kernels/([\w.]+)"', source.read_text()):
        if included not in seen:
            seen.add(included)
            if reads(KERNELS / included, name, seen):
                return True
    return False


class Build:
    def __init__(self, folder, scratch):
        self.folder, self.scratch = folder, scratch
        self.compile = {pathlib.Path(entry["file"]): entry for entry in
                        json.loads((folder / "compile_commands.json").read_text())}
        commands = subprocess.run(["ninja", "-C", str(folder), "-t", "commands", "test_kernels"], check=True,
                                  capture_output=True, text=True).stdout
        self.link = next(part for part in commands.splitlines()[-1].split("&&") if " -o " in part)

    def run_compiler(self, source, out, overlay, *more):
        """Compiles `source` into `out`, with the files of `overlay` before the tree's."""
        entry = self.compile[source]
        words = shlex.split(entry["command"])
        words = words[1:] if pathlib.Path(words[0]).name == "ccache" else words
        words[words.index("-o") + 1] = str(out)
        changed = overlay / "kernels" / source.name
        words[words.index(str(source))] = str(changed if changed.exists() else source)
        words[1:1] = ["-I", str(overlay)]
        subprocess.run([*words, "-O1", "-w", *more], cwd=entry["directory"], check=True)

    def object_of(self, source):
        """Compiles `source` with the bug in it; returns the object."""
        out = self.scratch / f"{source.stem}.o"
        self.run_compiler(source, out, self.scratch / "overlay")
        return out

    def bug_is_in_code(self, source):
        """Whether the bug changes anything of what `source` is compiled to."""
        texts = []
        for overlay in ("overlay", "nothing"):
            out = self.scratch / "code.s"
            self.run_compiler(source, out, self.scratch / overlay, "-S", "-g0", "-fno-lto")
            texts.append(out.read_text())
        return texts[0] != texts[1]

    def failing_test(self, objects):
        """Links test_kernels with these objects in place of the clean ones; the first test that fails, or None."""
        program = self.scratch / "test_kernels"
        words = shlex.split(self.link)
        at = words.index("-o") + 1
        words[at:at + 1] = [str(program), *map(str, objects)]
        subprocess.run(words, cwd=self.folder, check=True)
        try:
            done = subprocess.run([program, "--gtest_fail_fast", "--gtest_color=no"], capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            return "(no end)"
        failed = re.findall(r"^\[  FAILED  \] ([\w./]+)", done.stdout, re.MULTILINE)
        started = re.findall(r"^\[ RUN      \] ([\w./]+)", done.stdout, re.MULTILINE)
        return failed[0] if failed else started[-1] + " (crash)" if done.returncode else None


def seed(scratch, bug):
    text = (KERNELS / bug["file"]).read_text()
    if text.count(bug["was"]) != 1:
        raise SystemExit(f"{bug['file']}: '{bug['was']}' stands there {text.count(bug['was'])} times: mend seeded_bugs.toml")
    overlay = scratch / "overlay/kernels"
    overlay.mkdir(parents=True, exist_ok=True)
    for old in overlay.iterdir():
        old.unlink()
    (overlay / bug["file"]).write_text(text.replace(bug["was"], bug["is"]))


def try_bug(build, bug, isas):
    """[(instruction set or "all", failing test or None)], without the instruction sets that do not compile the changed line."""
    seed(build.scratch, bug)
    isa_of = {}
    for source in sorted(KERNELS.glob("*.cc")):
        suffix = SUFFIX.search(source.stem)
        if (not suffix or suffix[1] in isas) and reads(source, bug["file"]):
            isa_of[source] = suffix[1] if suffix else "all"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = dict(zip(isa_of, pool.map(build.object_of, isa_of)))
    seen = []
    for isa in dict.fromkeys(isa_of.values()):
        sources = [source for source in isa_of if isa_of[source] == isa]
        test = build.failing_test([objects[source] for source in sources])
        if test or any(build.bug_is_in_code(source) for source in sources):
            seen.append((isa, test))
    if len(seen) > 1:
        seen.append(("all", build.failing_test(list(objects.values()))))
    return seen


def row_of(bug, seen):
    where = {}
    for isa, test in seen:
        where.setdefault(test or "**none**", []).append(isa)
    tests = "; ".join(f"{test} ({', '.join(isas)})" for test, isas in where.items())
    return f"| `{bug['file']}` | {bug['bug']} | {tests} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", default="", help="rows whose file matches this pattern")
    parser.add_argument("--markdown", type=pathlib.Path, help="also write the lines there, as a table")
    arguments = parser.parse_args()
    bugs = [bug for bug in tomllib.loads((pathlib.Path(__file__).parent / "seeded_bugs.toml").read_text())["bugs"]
            if re.search(arguments.only, bug["file"])]
    rows, unseen = [], 0
    with tempfile.TemporaryDirectory() as scratch:
        build = Build(arguments.build.resolve(), pathlib.Path(scratch))
        for bug in bugs:
            seen = try_bug(build, bug, isas_here())
            unseen += any(test is None for _, test in seen) or not seen
            rows.append(row_of(bug, seen))
            print(rows[-1], flush=True)
    if arguments.markdown:
        arguments.markdown.write_text("| file | seeded bug | first test that failed |\n"
                                      "| --- | --- | --- |\n" + "\n".join(rows) + "\n")
    print(f"{len(bugs) - unseen} passed, {unseen} failed")
    sys.exit(1 if unseen else 0)


if __name__ == "__main__":
    main()
