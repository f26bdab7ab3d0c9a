"""The open tasks: folders with train.jsonl and test.jsonl, and oos.jsonl where texts of no label are known."""
import dataclasses
import fnmatch
import json
import pathlib
import random

FEW_SHOTS = (5, 10)  # Examples a label.
SEEDS = (0, 1, 2)
FEW_SHOT_TEST_ROWS_MIN = 500
FEW_SHOT_TEST_ROWS_MAX = 1000


@dataclasses.dataclass(frozen=True)
class Task:
    name: str  # "source/task"
    folder: pathlib.Path

    def rows(self, part):
        with open(self.folder / f"{part}.jsonl", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.strip()]

    @property
    def has_oos(self):
        return (self.folder / "oos.jsonl").exists()

    @property
    def is_part(self):
        """Whether its rows are rows of a larger task of the same source: then no mean counts it."""
        return self.folder.name != "full" and (self.folder.parent / "full").is_dir()


def open_tasks(data, patterns):
    folders = sorted(path.parent for path in pathlib.Path(data).glob("*/*/train.jsonl"))
    tasks = [Task(f"{folder.parent.name}/{folder.name}", folder) for folder in folders if (folder / "test.jsonl").exists()]
    return [task for task in tasks if any(fnmatch.fnmatch(task.name, pattern) for pattern in patterns)]


def draws(task):
    """(k, seed, indices of the train rows) of each few-shot draw; none when the test part is small."""
    if len(task.rows("test")) < FEW_SHOT_TEST_ROWS_MIN:
        return
    by_label = {}
    for index, row in enumerate(task.rows("train")):
        by_label.setdefault(row["label"], []).append(index)
    for k in FEW_SHOTS:
        for seed in SEEDS:
            random_order = random.Random(f"{task.name} {seed}")
            shuffled = {label: random_order.sample(by_label[label], len(by_label[label])) for label in sorted(by_label)}
            yield k, seed, sorted(index for indices in shuffled.values() for index in indices[:k])


def few_shot_test_rows(task):
    """Indices of the test rows that few-shot draws are measured on."""
    count = len(task.rows("test"))
    return sorted(random.Random(task.name).sample(range(count), min(count, FEW_SHOT_TEST_ROWS_MAX)))


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
