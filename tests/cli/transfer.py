"""Tasks that move between data directories: export, import, merge. Cases of run.py."""
import json
import pathlib

from case import Case, EXAMPLES, ROWS, Server, jsonl


class TransferTest(Case):
    def other(self, *words):
        return [*words, "--data", str(self.folder / "other")]

    def verify(self, task, *words):
        return self.answer("verify", task, *words)["statistics"]

    def test_an_imported_task_is_the_same_bits(self):
        learned = self.answer("learn", "routing", str(EXAMPLES / "support" / "train.jsonl"))
        self.good("tasks", "set", "routing", "--out-of-scope-rate", "0.1", "--groups", "g")
        exported = self.answer("tasks", "export", "routing")
        self.assertEqual((exported["file"], exported["examples"]), ("routing.ctt.jsonl", learned["examples"]))
        imported = self.answer(*self.other("tasks", "import", "routing.ctt.jsonl"))
        self.assertEqual((imported["task"], imported["head_digest"], imported["same_head"]), ("routing", learned["head_digest"], True))
        self.assertEqual(self.verify("routing", *self.other()), exported["statistics"])
        shown = self.answer(*self.other("tasks", "show", "routing"))
        self.assertEqual((shown["out_of_scope_rate"], shown["groups"]), (0.1, ["g"]))
        again = self.answer(*self.other("tasks", "export", "routing", "--output", "again"))
        self.assertEqual(pathlib.Path(self.folder / "again").read_bytes(), (self.folder / "routing.ctt.jsonl").read_bytes())
        self.assertEqual(again["statistics"], exported["statistics"])

    def test_merged_equals_learned_here(self):
        rows = [{"text": text, "label": label, "id": f"e{i}"} for i, (text, label) in enumerate(ROWS)]
        self.good("learn", "a", self.file("a.jsonl", jsonl(rows[:4])))
        self.good("learn", "b", self.file("b.jsonl", jsonl(rows[2:])))
        whole = self.answer("learn", "whole", self.file("whole.jsonl", jsonl(rows)))
        for task in "ab":
            self.good("tasks", "export", task)
        merged = self.answer(*self.other("merge", "m", "b.ctt.jsonl", "a.ctt.jsonl"))
        self.assertEqual((merged["rows"], merged["accepted"], merged["examples"]), (8, 6, 6))
        self.assertEqual(merged["head_digest"], whole["head_digest"])
        self.assertEqual(self.verify("m", *self.other()), self.verify("whole"))
        self.assertEqual(self.answer(*self.other("merge", "m", "a.ctt.jsonl"))["accepted"], 0)

    def test_kinds_keep_their_labels_and_numbers(self):
        multi = [{"text": text, "label": labels} for (text, _), labels in zip(ROWS, [["x"], [], ["x", "y"], ["y"], ["x"], []])]
        numbers = [{"text": text, "label": i / 4} for i, (text, _) in enumerate(ROWS)]
        for task, rows in (("multi", multi), ("numbers", numbers)):
            learned = self.answer("learn", task, self.file(task + ".jsonl", jsonl(rows)))
            self.good("tasks", "export", task)
            imported = self.answer("tasks", "import", task + ".ctt.jsonl", "--name", task + "2")
            self.assertEqual((imported["head_digest"], imported["same_head"]), (learned["head_digest"], True))

    def test_a_damaged_file_is_named_and_leaves_nothing(self):
        self.learn_rows()
        self.good("tasks", "export", "t", "--output", "t.file")
        lines = (self.folder / "t.file").read_text().splitlines(keepends=True)

        def refused(content, says, code=1):
            self.bad(code, *self.other("tasks", "import", self.file("bad", "".join(content))), says=says)
            self.assertEqual(self.answer(*self.other("tasks", "list"))["tasks"], [])

        refused(lines[:-1], "bad is not whole")
        refused(lines[1:], ["bad, line 1: not a task file", "ctt tasks export"])
        refused(lines[:3] + ["{\n"] + lines[4:], "bad, line 4: ")
        row = json.loads(lines[2])
        refused(lines[:2] + [json.dumps({**row, "features": row["features"][:-4]}) + "\n"] + lines[3:], ["row 2: 765 features", "768"])
        refused(lines[:2] + [json.dumps({**row, "features": "?"}) + "\n"] + lines[3:], "line 3: not base64")
        refused(lines[:2] + [json.dumps({**row, "label": "another"}) + "\n"] + lines[3:], "not whole")
        refused([lines[0].replace('"ctt_task":1', '"ctt_task":9')] + lines[1:], "format 9")
        self.bad(1, "tasks", "export", "t", "--output", "t.file", says="t.file is there already")
        self.bad(1, "tasks", "import", "t.file", says=["task 't' already", "ctt merge"])
        self.bad(1, "tasks", "export", "u", says="no task 'u'")
        self.assertFalse((self.folder / "u.ctt.jsonl").exists())

    def test_another_engine_learns_the_texts_when_told_to(self):
        self.learn_rows()
        self.good("tasks", "export", "t")
        f32 = self.other("--engine", "f32")
        self.bad(1, "tasks", "import", "t.ctt.jsonl", *f32, says=["another encoder", "--reencode"])
        imported = self.answer("tasks", "import", "t.ctt.jsonl", "--reencode", *f32)
        self.assertEqual(imported["examples"], len(ROWS))

    def test_through_servers(self):
        self.learn_rows()
        with Server(self.ctt, self.data) as server:
            url = f"http://127.0.0.1:{server.port}"
            exported = self.answer("tasks", "export", "t", "--url", url)
            imported = self.answer("tasks", "import", "t.ctt.jsonl", "--name", "u", "--url", url)
            self.assertEqual((imported["examples"], imported["same_head"]), (len(ROWS), True))
            merged = self.answer("merge", "u", "t.ctt.jsonl", "--url", url)
            self.assertEqual((merged["accepted"], merged["examples"]), (0, len(ROWS)))
        self.assertEqual(self.verify("t"), exported["statistics"])
        self.assertEqual(self.verify("u"), exported["statistics"])

    def test_reencode_follows_a_server_that_goes_on_learning(self):
        self.learn_rows()
        f32 = self.other("--engine", "f32")
        with Server(self.ctt, self.data) as server:
            url = f"http://127.0.0.1:{server.port}"
            self.good("tasks", "set", "t", "--out-of-scope-rate", "0.1", "--url", url)
            first = self.answer("reencode", url, *f32)["tasks"]
            self.assertEqual([(task["task"], task["rows"], task["accepted"]) for task in first], [("t", len(ROWS), len(ROWS))])
            self.good("unlearn", "t", "--id", "e0", "--url", url)
            self.good("learn", "t", self.file("more.jsonl", jsonl([{"text": "hello", "label": "greeting", "id": "m1"}])), "--url", url)
            self.good("tasks", "labels", "t", "rename", "billing", "money", "--url", url)
            second = self.answer("reencode", url, *f32)["tasks"][0]
            self.assertEqual((second["rows"], second["accepted"], second["examples"]), (len(ROWS), 4, len(ROWS)))
            self.good("tasks", "export", "t", "--url", url)
        shown = self.answer("tasks", "show", "t", *f32)
        self.assertEqual(shown["out_of_scope_rate"], 0.1)
        self.assertEqual([label["label"] for label in shown["labels"]], ["delivery", "greeting", "money"])
        fresh = self.answer("tasks", "import", "t.ctt.jsonl", "--reencode", "--name", "fresh", *f32)
        self.assertEqual(fresh["head_digest"], shown["head_digest"])
