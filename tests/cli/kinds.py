"""The commands on multi-label and regression tasks. Cases of run.py."""
import json
import pathlib

from case import ROWS, Case, Server, jsonl

TAGS = [("where is my parcel", ["delivery"]), ("the package came late and I was charged twice", ["delivery", "billing"]),
        ("when will it arrive", ["delivery"]), ("the invoice is wrong", ["billing"]), ("refund my card", ["billing"]),
        ("what a fine day", []), ("good morning to you", []), ("my parcel and my money", ["billing", "delivery"])]
STARS = [("awful, never again", 1), ("bad service", 1.5), ("it is fine", 3), ("very good", 4.5), ("wonderful, I love it", 5),
         ("terrible and rude", 1), ("nice people", 4), ("not good", 2)]


class KindTest(Case):
    def labelled(self, name, rows):
        return self.file(name, jsonl([{"text": text, "label": label, "id": f"e{i}"} for i, (text, label) in enumerate(rows)]))

    def test_arrays_of_labels_through_every_command(self):
        path = self.labelled("tags.jsonl", TAGS)
        answer = self.answer("learn", "t", path)
        self.assertEqual((answer["examples"], answer["classes"], answer["head"], answer["settled"]), (8, 2, "labelwise", True))
        info = self.answer("tasks", "show", "t")
        self.assertEqual(info["kind"], "multi")
        self.assertEqual(info["labels"], [{"label": "billing", "examples": 4}, {"label": "delivery", "examples": 4}])
        all_of_them = self.answer("predict", "t", "my parcel", "--threshold", "0.000001")
        self.assertEqual(sorted(all_of_them["label"]), ["billing", "delivery"])
        out = self.file("out.jsonl", "")
        self.good("predict", "t", "--file", path, "--output", out)
        lines = [json.loads(line) for line in pathlib.Path(out).read_text().splitlines()]
        self.assertEqual(len(lines), 8)
        self.assertEqual(set(lines[0]), {"label", "labels", "in_scope"})
        figures = self.answer("evaluate", "t", path, "--html", str(self.folder / "r.html"))
        self.assertEqual((figures["kind"], figures["n"]), ("multi", 8))
        self.assertGreater(figures["micro_f1"], 0.7)
        self.assertIn("Hamming loss", pathlib.Path(self.folder / "r.html").read_text())
        self.assertIn("micro F1", self.good("evaluate", "t", path))
        self.assertIn("holds", self.good("predict", "t", "my parcel", "--threshold", "0.000001"))
        self.assertEqual(len(self.good("suggest", "t", path, "--count", "2", "--json").splitlines()), 2)
        self.assertTrue(self.answer("verify", "t")["ok"])
        self.bad(1, "audit", "t", says="of kind 'multi'")
        self.bad(1, "predict", "t", "a", "--error-rate", "0.1", says="'threshold'")

    def test_a_table_teaches_arrays_by_a_separator(self):
        whole = self.answer("learn", "a", self.labelled("tags.jsonl", TAGS))["head_digest"]
        table = "text,label,id\n" + "".join(f'"{text}",{" ; ".join(reversed(labels))},e{i}\n' for i, (text, labels) in enumerate(TAGS))
        path = self.file("tags.csv", table)
        self.assertEqual(self.answer("learn", "b", path, "--label-separator", ";")["head_digest"], whole)
        path = self.file("bars.csv", table.replace(";", "|"))
        self.assertEqual(self.answer("learn", "c", path, "--kind", "multi")["head_digest"], whole)
        self.bad(2, "learn", "d", path, "--kind", "ranking", says="'single', 'multi' or 'regression'")

    def test_numbers_through_every_command(self):
        path = self.labelled("stars.jsonl", STARS)
        answer = self.answer("learn", "t", path)
        self.assertEqual((answer["examples"], answer["classes"], answer["head"]), (8, 0, "ridge"))
        self.assertEqual(self.answer("tasks", "show", "t")["kind"], "regression")
        said = self.answer("predict", "t", "awful", "--error-rate", "0.5")
        self.assertLess(said["interval"][0], said["label"])
        self.assertLess(said["label"], said["interval"][1])
        figures = self.answer("evaluate", "t", path, "--html", str(self.folder / "r.html"))
        self.assertEqual((figures["kind"], figures["n"]), ("regression", 8))
        self.assertGreater(figures["pearson"], 0.5)
        self.assertIn("mean absolute error", pathlib.Path(self.folder / "r.html").read_text())
        self.assertIn("MAE", self.good("evaluate", "t", path))
        table = "text,label,id\n" + "".join(f'"{text}",{number},e{i}\n' for i, (text, number) in enumerate(STARS))
        csv = self.file("stars.csv", table)
        self.assertEqual(self.answer("learn", "u", csv, "--kind", "regression")["head_digest"], answer["head_digest"])
        self.bad(1, "learn", "v", self.file("x.csv", "text,label\na,many\n"), "--kind", "regression", says=["x.csv, line 2", "'many' is no number"])
        with Server(self.ctt, self.data) as server:
            url = f"http://127.0.0.1:{server.port}"
            line = self.answer("predict", "t", "awful", "--error-rate", "0.5", "--url", url)
            self.assertAlmostEqual(line["label"], said["label"])
            self.assertAlmostEqual(line["interval"][0], said["interval"][0])
            self.assertEqual(self.answer("evaluate", "t", path, "--url", url), figures)

    def test_continual_takes_tasks_of_every_kind(self):
        for name, rows in [("tags", TAGS), ("stars", STARS), ("single", ROWS)]:
            for part in ("train", "test"):
                self.labelled(f"course/{name}/{part}.jsonl", rows)
        answer = self.answer("continual", str(self.folder / "course"), "--order", "tags,stars,single")
        self.assertEqual(answer["matrix"][2][:2], [answer["matrix"][0][0], answer["matrix"][1][1]])
        self.assertEqual(answer["BWT"], 0)
