"""The page: one table a question, percent throughout."""
import json
import pathlib
import statistics
import subprocess
import sys

from open_tasks import FEW_SHOTS, FEW_SHOT_TEST_ROWS_MAX, FEW_SHOT_TEST_ROWS_MIN

COUNTED_TEST_ROWS_MIN = 200
NEAR_BETTER = 0.015
HERE = pathlib.Path(__file__).parent


def percent(value):
    return "" if value is None else f"{100 * value:.1f}"


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def better_baseline(theirs):
    return max(theirs["tfidf_svc"]["accuracy"], theirs["logistic"]["accuracy"])


def all_rows(results):
    rows = []
    for task, ours, theirs in results:
        rows.append([task.name, theirs["labels"], theirs["train"], theirs["test"], f"**{percent(ours['accuracy'])}**", percent(ours["macro_f1"]),
                     percent(ours["ece"]), f"{ours['head']}, {ours['block']}", f"{percent(ours['set_coverage'])}, {ours['set_size']:.2f}",
                     percent(theirs["tfidf_svc"]["accuracy"]), percent(theirs["tfidf_svc"]["macro_f1"]), percent(theirs["logistic"]["accuracy"]),
                     percent(theirs["logistic"]["macro_f1"]), percent(theirs["logistic"]["ece"]), percent(ours["accuracy"] - better_baseline(theirs))])
    return table(["task", "labels", "train", "test", "ctt", "F1", "ECE", "head, block", "90 % sets: coverage, size", "TF-IDF + SVC", "F1",
                  "LogisticRegression", "F1", "ECE", "ctt less the better"], rows)


def summary(results):
    counted = [(t, o, b) for t, o, b in results if b["test"] >= COUNTED_TEST_ROWS_MIN and not t.is_part]
    if not counted:
        return ""
    columns = {"ctt": lambda o, b: o, "TF-IDF + SVC": lambda o, b: b["tfidf_svc"], "LogisticRegression": lambda o, b: b["logistic"]}
    rows = []
    for name, of in columns.items():
        picked = [of(o, b) for _, o, b in counted]
        eces = [figures["ece"] for figures in picked if "ece" in figures]
        rows.append([name, percent(statistics.mean(f["accuracy"] for f in picked)), percent(statistics.mean(f["macro_f1"] for f in picked)),
                     percent(statistics.mean(eces)) if eces else ""])
    worse = [(o["accuracy"] - better_baseline(b), t.name) for t, o, b in counted if o["accuracy"] < better_baseline(b) - NEAR_BETTER]
    why = json.loads((HERE / "worse.json").read_text())
    named = "".join(f"\n- {name} ({percent(gap)}): {why.get(name, 'not explained yet')}" for gap, name in sorted(worse)) or " none"
    return (f"Means over the {len(counted)} tasks with at least {COUNTED_TEST_ROWS_MIN} test rows that are no part of another task:\n\n"
            + table(["", "accuracy", "macro F1", "ECE"], rows)
            + f"\nMore than {percent(NEAR_BETTER)} points below the better baseline:{named}\n")


def few_shot(results):
    rows, means = [], {}
    for task, ours, _ in results:
        if not ours.get("few_shot"):
            continue
        row = [task.name]
        for k in FEW_SHOTS:
            draws = [draw for draw in ours["few_shot"] if draw["k"] == k]
            for key in ("accuracy", "ece"):
                mean = statistics.mean(draw[key] for draw in draws)
                if not task.is_part:
                    means.setdefault((k, key), []).append(mean)
                row.append(percent(mean))
            row.append(" ".join(draw["head"] for draw in draws))
        rows.append(row)
    if not rows:
        return ""
    rows.append(["**mean**", *(cell for k in FEW_SHOTS for cell in (percent(statistics.mean(means[k, "accuracy"])), percent(statistics.mean(means[k, "ece"])), ""))])
    return (f"\n## Few examples\nTasks with at least {FEW_SHOT_TEST_ROWS_MIN} test rows, of which at most {FEW_SHOT_TEST_ROWS_MAX} are asked; mean of three random draws "
            "of k examples a label (all, where a label has fewer).\n\n"
            + table(["task", *(cell for k in FEW_SHOTS for cell in (f"{k} a label: accuracy", "ECE", "heads"))], rows))


def scope(results):
    rows = []
    for task, ours, theirs in results:
        if "scope" not in theirs:
            continue
        own, plain = ours["out_of_scope"], theirs["scope"]
        rows.append([task.name, f"{percent(own['auroc'])}, {percent(own['fpr95'])}", percent(own["right_and_kept"]), percent(own["recall"]),
                     *(f"{percent(plain[name]['auroc'])}, {percent(plain[name]['fpr95'])}" for name in ("relative_mahalanobis", "maximum_probability"))])
    if not rows:
        return ""
    return ("\n## Out of scope\nThe test file against `oos.jsonl`, of which nothing was seen. AUROC and FPR95; at the default threshold the share of the test file that is answered "
            "right and kept, and the share of the foreign texts that is rejected.\n\n"
            + table(["task", "ctt: AUROC, FPR95", "right and kept", "recall", "relative Mahalanobis", "maximum probability"], rows))


def published(results):
    measured = {task.name: ours for task, ours, _ in results}
    rows = []
    for entry in json.loads((HERE / "published.json").read_text()):
        ours = measured.get(entry["task"])
        if ours is None:
            continue
        draws = [draw["accuracy"] for draw in ours.get("few_shot", []) if draw["k"] == entry.get("few_shot")]
        if "few_shot" in entry and not draws:
            continue
        value = statistics.mean(draws) if draws else ours[entry["metric"]]
        rows.append([entry["task"], entry["protocol"], entry["metric"].replace("_", "-"), percent(value), entry["published"], entry["source"]])
    return "\n## Beside published figures\nNot measured here: as their sources state them.\n\n" + table(["task", "protocol", "metric", "ctt", "published", "source"], rows) if rows else ""


def cpu():
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else "unknown"


def write(path, tasks, ours, theirs, engine, root):
    results = [(task, ours.get(task), theirs.get(task)) for task in tasks]
    results = [result for result in results if None not in result]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True).stdout.strip()
    head = (f"# Accuracy\nWritten by `bench/accuracy/run --engine {engine}` at commit {commit}, {len(results)} of {len(tasks)} open tasks. CPU: {cpu()}.\n"
            "Percent. Every task in the default configuration, nothing chosen for a task. The baselines are tuned by 3-fold\n"
            "cross-validation on at most 3,000 train rows and fitted to all: TF-IDF of word 1-2-grams and character 3-5-grams with LinearSVC, and scikit-learn's\n"
            "LogisticRegression on the same encoder's fp32 embeddings. Tasks and their splits: the README beside the data.\n\n")
    path.write_text(head + summary(results) + "\n## All rows\n" + all_rows(results) + few_shot(results) + scope(results) + published(results))
    print(f"{path}: {len(results)} of {len(tasks)} tasks", file=sys.stderr)
