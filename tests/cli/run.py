#!/usr/bin/env python3
"""The command line as a user meets it: each case runs the real binary and looks at its exit code and output.

usage: run.py CTT"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

CTT = os.path.abspath(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / "models/all-MiniLM-L6-v2"
TRAIN = ROOT / "examples/support/train.jsonl"
TEST = ROOT / "examples/support/test.jsonl"
passed = failed = 0


def run(*arguments, stdin=None, **environment):
    return subprocess.run([CTT, *map(str, arguments)], input=stdin, capture_output=True, text=True, cwd=folder,
                          env={**os.environ, "CTT_MODEL": str(MODEL), "CTT_DATA": "data", **environment})


def case(name, good, result):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAIL {name}: exit {result.returncode}\n{result.stdout}{result.stderr}")


def refuses(name, result, code, *words):
    case(name, result.returncode == code and all(w in result.stderr + result.stdout for w in words), result)


def answers(name, result, check):
    good = result.returncode == 0
    try:
        good = good and check([json.loads(line) for line in result.stdout.splitlines()])
    except (ValueError, KeyError, IndexError):
        good = False
    case(name, good, result)


with tempfile.TemporaryDirectory() as folder:
    write = lambda name, text: (pathlib.Path(folder) / name).write_text(text, encoding="utf-8")  # noqa: E731
    write("rows.csv", 'label,text,id\nx,"one, ""quoted""\ntext",1\ny,two,2\n')
    write("rows.tsv", "text\tlabel\nfirst\ta\nsecond\tb\n")
    write("columns.csv", "txt,label\na,b\n")
    write("bad.jsonl", '{"text":"a","label":"x"}\n{"text":"b"}\n')
    write("broken.jsonl", '{"text":"a","label":"x"}\n{"text":\n')
    write("short.csv", "text,label\na,x\nb\n")
    write("config.toml", 'data = "elsewhere"\nthreads = 1\n')
    write("typo.toml", 'thread = 1\n')

    answers("learn a file", run("learn", "support", TRAIN, "--json"),
            lambda a: a[0]["examples"] == 60 and a[0]["classes"] == 5 and a[0]["seconds"] > 0 and a[0]["head_version"] > 0)
    answers("learn from standard input", run("learn", "piped", "-", "--json", stdin='{"text":"a","label":"x"}\n'),
            lambda a: a[0]["examples"] == 1)
    answers("learn CSV with quotes and line ends", run("learn", "csv", "rows.csv", "--json"), lambda a: a[0]["examples"] == 2)
    answers("an id is not learned twice", run("learn", "csv", "rows.csv", "--json"),
            lambda a: a[0]["examples"] == 2 and a[0]["accepted"] == 0)
    answers("learn TSV", run("learn", "tsv", "rows.tsv", "--json"), lambda a: a[0]["classes"] == 2)
    answers("evaluate", run("evaluate", "support", TEST, "--json"),
            lambda a: a[0]["n"] == 10 and a[0]["accuracy"] >= 0.8 and {"macro_f1", "log_loss", "ece"} <= set(a[0]))
    answers("predict a text", run("predict", "support", "where is my parcel", "--json"),
            lambda a: a[0]["label"] == "delivery" and 0 < a[0]["probability"] <= 1 and a[0]["in_scope"] in (True, False))
    answers("predict a file", run("predict", "support", "--file", TEST),
            lambda a: len(a) == 10 and set(a[0]) == {"label", "probability", "in_scope"})
    answers("tasks", run("tasks", "list", "--json"), lambda a: [t["task"] for t in a[0]["tasks"]] == ["csv", "piped", "support", "tsv"])
    answers("rename", run("tasks", "rename", "tsv", "tabs", "--json"), lambda a: a[0]["task"] == "tabs")
    answers("delete", run("tasks", "delete", "tabs", "--json"), lambda a: a[0]["deleted"] == "tabs")
    answers("versions", run("versions", "support", "--json"), lambda a: a[0]["versions"][0]["live"])
    answers("publish", run("publish", "support", "1", "--json"), lambda a: a[0]["head_version"] == 1)
    answers("unlearn", run("unlearn", "csv", "--id", "1", "--id", "9", "--json"),
            lambda a: a[0]["unlearned"] == ["1"] and a[0]["missing"] == ["9"] and a[0]["examples"] == 1)
    answers("continual", run("continual", ROOT / "examples", "--json"),
            lambda a: a[0]["BWT"] == 0 and len(a[0]["matrix"]) == 2 and a[0]["ACC"] > 0.6)
    answers("bench encode", run("bench", "encode", "--file", TEST, "--json"),
            lambda a: a[0]["texts"] == 10 and {"engine", "threads", "isa", "tokens", "seconds", "tokens_per_second", "texts_per_second"} <= set(a[0]))
    answers("embed", run("embed", "--file", TEST, "--output", "out.npy", "--json"),
            lambda a: a[0]["texts"] == 10 and (pathlib.Path(folder) / "out.npy").read_bytes()[:6] == b"\x93NUMPY")
    answers("model verify", run("model", "verify", "--json"), lambda a: a[0]["published"])
    answers("a flag beats the environment beats TOML",
            run("info", "--json", "--config", "config.toml", "--threads", "3", CTT_DATA="from-env"),
            lambda a: a[0]["settings"]["threads"] == 3 and a[0]["settings"]["data"] == "from-env")

    refuses("an unknown task names the near ones", run("predict", "suport", "x"), 1, "support")
    refuses("a missing column names those found", run("learn", "t", "columns.csv"), 1, "line 1", "'txt'", "'label'")
    refuses("a row without a label has its line", run("learn", "t", "bad.jsonl"), 1, "line 2", "label")
    refuses("broken JSON has its line", run("learn", "t", "broken.jsonl"), 1, "line 2")
    refuses("a short CSV row has its line", run("learn", "t", "short.csv"), 1, "line 3")
    refuses("a missing file", run("learn", "t", "nowhere.jsonl"), 1, "nowhere.jsonl")
    refuses("an unknown ending", run("learn", "t", "rows.xlsx"), 1, ".jsonl")
    refuses("a bad task name", run("learn", "a/b", TRAIN), 1, "task name")
    refuses("an unknown command", run("lern"), 2)
    refuses("no argument", run("learn"), 2, "task")
    refuses("an unknown setting names the nearest", run("info", "--config", "typo.toml"), 2, "threads")
    refuses("a bad number", run("info", CTT_THREADS="many"), 2, "CTT_THREADS")
    refuses("an unknown engine", run("model", "info", "--engine", "f16"), 1, "f16")
    refuses("an address others reach needs a word", run("serve", "--listen", "0.0.0.0:0"), 1, "--insecure")

    holder = subprocess.Popen([CTT, "serve", "--listen", "127.0.0.1:0", "--data", "data", "--model", str(MODEL)],
                              stderr=subprocess.PIPE, text=True, cwd=folder)
    for line in holder.stderr:
        if '"serving"' in line:
            break
    refuses("a held data directory says who holds it", run("tasks", "list"), 1, "held")
    holder.terminate()
    holder.communicate()

print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
