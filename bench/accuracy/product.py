"""What ctt makes of a task, through its command line and in its default configuration."""
import json
import subprocess
import tempfile
import pathlib

from open_tasks import draws, few_shot_test_rows, write_rows

FROM_EVALUATE = ("accuracy", "macro_f1", "ece", "log_loss", "set_coverage", "set_size", "out_of_scope")


class Product:
    def __init__(self, binary, model, engine, threads):
        self.binary = binary
        self.settings = ["--model", model, "--engine", engine, "--threads", str(threads), "--json"]

    def call(self, command, data, *arguments):
        done = subprocess.run([self.binary, command, "--data", data, *self.settings, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"ctt {command} {arguments}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def learn_and_evaluate(self, data, task, train, test, *more):
        learned = self.call("learn", data, task, str(train))
        answered = self.call("evaluate", data, task, str(test), *more)
        return {"head": learned["head"], "block": learned["block"], **{key: answered[key] for key in FROM_EVALUATE if key in answered}}

    def measure(self, task, few_shot):
        """All rows; and each few-shot draw, when asked for."""
        with tempfile.TemporaryDirectory() as folder:
            data = f"{folder}/data"
            scope = ["--oos", str(task.folder / "oos.jsonl")] if task.has_oos else []
            result = self.learn_and_evaluate(data, "all", task.folder / "train.jsonl", task.folder / "test.jsonl", *scope)
            if few_shot:
                result["few_shot"] = list(self.few_shot(task, pathlib.Path(folder), data))
        return result

    def few_shot(self, task, folder, data):
        train, test = task.rows("train"), task.rows("test")
        write_rows(folder / "test.jsonl", [test[index] for index in few_shot_test_rows(task)])
        for k, seed, indices in draws(task):
            write_rows(folder / "train.jsonl", [train[index] for index in indices])
            figures = self.learn_and_evaluate(data, f"{k}-{seed}", folder / "train.jsonl", folder / "test.jsonl")
            yield {"k": k, "seed": seed, **figures}

    def embeddings(self, path, output):
        subprocess.run([self.binary, "embed", *self.settings, "--file", str(path), "--output", str(output)], check=True, capture_output=True)
