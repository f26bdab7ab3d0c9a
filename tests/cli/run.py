#!/usr/bin/env python3
"""The command line, on the real program and the real encoder: the good path of each command, and what the
errors say. Standard library only.

usage: run.py CTT [-k PATTERN]"""
import argparse
import json
import pathlib
import pty
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

from case import EXAMPLES, ROWS, Case, Server, jsonl
from answer_options import AnswerOptionsTest  # noqa: F401: unittest finds it here.
from database_cases import DatabaseTest  # noqa: F401: unittest finds it here.
from kinds import KindTest  # noqa: F401  loadTestsFromModule finds it here.
from transfer import TransferTest  # noqa: F401


class LearnTest(Case):
    def test_answers_with_the_keys_that_tools_rely_on(self):
        answer = self.learn_rows()
        self.assertEqual({key: answer[key] for key in ("task", "rows", "accepted", "examples", "classes", "settled")},
                         {"task": "t", "rows": 6, "accepted": 6, "examples": 6, "classes": 2, "settled": True})
        self.assertGreater(answer["head_version"], 0)
        self.assertGreater(answer["seconds"], 0)

    def test_an_id_is_not_learned_twice(self):
        before = self.learn_rows()
        again = self.learn_rows()
        self.assertEqual((again["accepted"], again["examples"], again["head_digest"]), (0, 6, before["head_digest"]))

    def test_every_kind_of_file_teaches_the_same(self):
        def table(separator):
            quoted = "".join(f'"{text}"{separator}{label}\r\n' for text, label in ROWS)
            return f"text{separator}label\r\n{quoted}"

        lines = jsonl([{"text": text, "label": label} for text, label in ROWS])
        digests = {self.answer("learn", "a", self.file("a.csv", "\ufeff" + table(",")))["head_digest"],
                   self.answer("learn", "b", self.file("b.tsv", table("\t")))["head_digest"],
                   self.answer("learn", "c", self.file("c.jsonl", lines.replace("\n", "\n\n")))["head_digest"],
                   self.answer("learn", "d", "-", stdin=lines)["head_digest"]}
        self.assertEqual(len(digests), 1)

    def test_a_quoted_field_holds_separators_quotes_and_line_ends(self):
        path = self.file("x.csv", 'id,label,text\ne1,"a, b","one\ntwo ""three"", four"\ne2,c,plain\n')
        self.good("learn", "t", path)
        labels = self.answer("tasks", "show", "t")["labels"]
        self.assertEqual([label["label"] for label in labels], ["a, b", "c"])
        with Server(self.ctt, self.data) as server:
            status, example = server.call("GET", "/v1/tasks/t/examples/e1")
        self.assertEqual((status, example["text"]), (200, 'one\ntwo "three", four'))

    def test_columns_may_have_other_names(self):
        path = self.file("x.csv", "utterance,intent\n" + "".join(f"{text},{label}\n" for text, label in ROWS))
        self.assertEqual(self.answer("learn", "t", path, "--text-column", "utterance", "--label-column", "intent")["examples"], 6)

    def test_a_wrong_column_is_named_with_those_found(self):
        path = self.file("x.csv", "sentence,intent\nhello,greet\n")
        self.bad(1, "learn", "t", path, says=["x.csv, line 1", "no column 'text'", "'sentence', 'intent'", "--text-column"])
        path = self.file("x.jsonl", '{"text": "hello", "intent": "greet"}\n')
        self.bad(1, "learn", "t", path, says=["x.jsonl, line 1", "no key 'label'", "'text', 'intent'"])

    def test_a_bad_row_is_named_by_its_line(self):
        good = jsonl([{"text": text, "label": label} for text, label in ROWS])
        for row, why in [('{"text": "x"', "invalid JSON"), ('{"text": "x", "label": 3}', "gives a number as 'label'"),
                         ('{"text": "x", "label": true}', "'label' must be a string, an array of strings, or a number"),
                         ('{"text": "x", "label": []}', "gives an array of labels as 'label'"),
                         ('{"text": "  ", "label": "x"}', "the text is empty"), ('[1]', "not a JSON object"),
                         (json.dumps({"text": "x" * 10_001, "label": "x"}), "at most 10000"),
                         (json.dumps({"text": "x", "label": "y" * 300}), "label")]:
            path = self.file("x.jsonl", good + "\n" + row + "\n")
            self.bad(1, "learn", "t", path, says=["x.jsonl, line 8: ", why])
        for row, why in [("a,b,c", "3 fields, but the header has 2"), ('"a"b,c', "a closing quote"), ('"a,b', "never closed"), ("a,", "the label is empty")]:
            path = self.file("x.csv", f'text,label\n"two\nlines",l\n{row}\n')
            self.bad(1, "learn", "t", path, says=["x.csv, line 4: ", why])

    def test_an_unusable_file_is_named(self):
        self.bad(1, "learn", "t", "absent.jsonl", says="cannot open absent.jsonl")
        self.bad(1, "learn", "t", str(self.folder), says="the ending must be .jsonl, .csv or .tsv")
        self.bad(1, "learn", "t", self.file("x.csv", ""), says="the file is empty")
        self.bad(1, "learn", "t", self.file("x.jsonl", "\n\n"), says="holds no row")
        self.bad(1, "learn", "bad/name", self.file("y.jsonl", '{"text":"a","label":"b"}'), says="a task name is")

    def test_unlearned_equals_never_learned(self):
        whole = self.learn_rows()["head_digest"]
        extra = self.file("extra.jsonl", jsonl([{"text": "good morning", "label": "greeting", "id": "x1"},
                                                {"text": "hello there", "label": "greeting", "id": "x2"}]))
        self.assertNotEqual(self.answer("learn", "t", extra)["head_digest"], whole)
        receipt = self.answer("unlearn", "t", self.file("ids.txt", "x1\nx2\nx9\n"))
        self.assertEqual((receipt["unlearned"], receipt["missing"], receipt["examples"]), (["x1", "x2"], ["x9"], 6))
        self.assertEqual(self.answer("tasks", "show", "t")["head_digest"], whole)
        self.bad(1, "unlearn", "t", "--id", "x1", says="none of the ids is held")
        self.assertEqual(self.answer("unlearn", "t", "--id", "e0", "--id", "e1")["examples"], 4)


    def test_a_filter_unlearns_and_a_purge_erases(self):
        before = self.learn_rows()
        bad = [{"text": "wrong SECRETWORD", "label": "billing", "id": f"b{i}"} for i in range(3)]
        self.good("learn", "t", self.file("bad.jsonl", jsonl(bad)))
        held = lambda: [str(path) for path in pathlib.Path(self.data).rglob("*") if path.is_file() and b"SECRETWORD" in path.read_bytes()]
        receipt = self.answer("unlearn", "t", "--source", "bad.jsonl", "--label", "billing", "--since", "2020-01-01T00:00:00Z")
        self.assertEqual(sorted(receipt["unlearned"]), ["b0", "b1", "b2"])
        self.assertNotEqual(held(), [])
        self.assertEqual(self.answer("purge", "t")["examples"], 3)
        self.assertEqual(held(), [])
        verified = self.answer("verify", "t")
        self.assertEqual((verified["ok"], verified["head_digest"]), (True, before["head_digest"]))
        self.bad(1, "unlearn", "t", "--source", "bad.jsonl", says="no such example")
        self.bad(2, "unlearn", "t", "--since", "yesterday", says="yesterday")
        self.bad(2, "unlearn", "t", says="")
        self.bad(2, "unlearn", "t", "--id", "e0", "--label", "billing", says="--label")
        with Server(self.ctt, self.data) as server:
            url = f"http://127.0.0.1:{server.port}"
            self.assertEqual(self.answer("unlearn", "t", "--label", "billing", "--url", url)["examples"], 3)
            self.assertEqual(self.answer("purge", "t", "--url", url)["examples"], 3)
            self.assertTrue(self.answer("verify", "t", "--url", url)["ok"])


class AnswerTest(Case):
    def test_predict_texts(self):
        self.learn_rows()
        one, two = self.good("predict", "t", "the parcel is late", "you charged my card", "--json", "--top-k", "2").splitlines()
        self.assertEqual((json.loads(one)["label"], json.loads(two)["label"]), ("delivery", "billing"))
        self.assertEqual(len(json.loads(one)["labels"]), 2)
        self.assertAlmostEqual(sum(label["probability"] for label in json.loads(one)["labels"]), 1)
        self.assertIn("delivery", self.good("predict", "t", "the parcel is late"))

    def test_a_set_at_an_error_rate(self):
        self.learn_rows()
        wide, narrow = [json.loads(self.good("predict", "t", "the parcel is late", "--json", "--error-rate", rate)) for rate in ("0.001", "0.5")]
        self.assertEqual((wide["set"], narrow["set"]), (["delivery", "billing"], ["delivery"]))
        self.assertIn("set: delivery, billing", self.good("predict", "t", "the parcel is late", "--error-rate", "0.001"))
        path = self.file("texts.txt", "the parcel is late\n")
        self.assertEqual(json.loads(self.good("predict", "t", "--file", path, "--error-rate", "0.001"))["set"], ["delivery", "billing"])
        self.bad(2, "predict", "t", "x", "--error-rate", "0.7", says="--error-rate")

    def test_predict_a_file_gives_a_line_a_row(self):
        self.learn_rows()
        path = self.file("texts.txt", "\n".join(text for text, _ in ROWS) + "\n")
        lines = [json.loads(line) for line in self.good("predict", "t", "--file", path).splitlines()]
        self.assertEqual([line["label"] for line in lines], [label for _, label in ROWS])
        self.assertEqual(set(lines[0]), {"label", "probability", "in_scope"})
        self.assertEqual(self.good("predict", "t", "--file", path, "--output", "out.jsonl"), "")
        self.assertEqual(len((self.folder / "out.jsonl").read_text().splitlines()), 6)

    def test_route_finds_the_task(self):
        self.learn_rows("shop")
        weather = [("will it rain tomorrow", "rain"), ("is there a storm coming", "rain"), ("how hot is it in the sun", "heat"), ("it is far too warm", "heat")]
        self.answer("learn", "weather", self.file("weather.jsonl", jsonl([{"text": text, "label": label} for text, label in weather])))
        one, two = [json.loads(line) for line in self.good("predict", "--route", "my parcel is late", "is it going to rain", "--json").splitlines()]
        self.assertEqual((one["task"], one["label"], two["task"], two["label"]), ("shop", "delivery", "weather", "rain"))
        self.assertEqual([row["task"] for row in one["tasks"]], ["shop", "weather"])
        self.assertAlmostEqual(sum(row["probability"] for row in one["tasks"]), 1)
        self.assertIn("task: shop", self.good("predict", "--route", "my parcel is late"))
        path = self.file("texts.txt", "my parcel is late\nis it going to rain\n")
        lines = [json.loads(line) for line in self.good("predict", "--route", "--file", path).splitlines()]
        self.assertEqual([line["task"] for line in lines], ["shop", "weather"])
        self.good("tasks", "set", "shop", "--groups", "help")
        self.assertEqual(json.loads(self.good("predict", "--route", "--group", "help", "is it going to rain", "--json"))["task"], "shop")
        self.bad(1, "predict", "--route", "--group", "nobody", "x", says="nobody")
        self.bad(2, "predict", "shop", "x", "--group", "help", says="--route")
        with Server(self.ctt, self.data) as server:
            url = f"http://127.0.0.1:{server.port}"
            self.assertEqual([json.loads(line)["task"] for line in self.good("predict", "--route", "--file", path, "--url", url).splitlines()], ["shop", "weather"])
            self.assertEqual(json.loads(self.good("predict", "--route", "my parcel is late", "--json", "--url", url))["router"], one["router"])

    def test_evaluate(self):
        self.learn_rows()
        path = self.file("rows.csv", "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS) + "bye,farewell\n")
        figures = self.answer("evaluate", "t", path)
        self.assertEqual((figures["task"], figures["n"]), ("t", 7))
        self.assertAlmostEqual(figures["accuracy"], 6 / 7)
        self.assertTrue({"macro_f1", "log_loss", "ece"} <= set(figures))
        self.assertIn("accuracy 0.8571", self.good("evaluate", "t", path))
        self.assertEqual(figures["confusion"], [{"truth": "farewell", "answer": figures["confusion"][0]["answer"], "count": 1}])
        self.assertEqual((len(figures["reliability"]), sum(row["count"] for row in figures["reliability"])), (15, 7))
        self.assertNotIn("out_of_scope", figures)

    def test_evaluate_with_texts_of_no_label_and_a_report(self):
        self.learn_rows()
        path = self.file("rows.csv", "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS))
        others = self.file("oos.txt", "the mitochondria of a cell\nan opera in four acts\n")
        scope = self.answer("evaluate", "t", path, "--oos", others, "--html", "report.html")["out_of_scope"]
        self.assertEqual((scope["n"], scope["auroc"]), (2, 1))
        page = (self.folder / "report.html").read_text()
        for part in ("<svg", "delivery", "billing", "AUROC"):
            self.assertIn(part, page)
        for word in ("http://", "https://", "<script", "@import", "url("):
            self.assertNotIn(word, page)
        self.bad(1, "evaluate", "t", path, "--oos", "absent.txt", says="absent.txt")
        self.bad(1, "evaluate", "t", path, "--html", "nowhere/report.html", says="cannot write")
        with Server(self.ctt, self.data) as server:
            url = f"http://127.0.0.1:{server.port}"
            self.assertEqual(self.answer("evaluate", "t", path, "--oos", others, "--url", url)["out_of_scope"], scope)

    def test_the_data_desk(self):
        self.learn_rows()
        self.good("learn", "t", self.file("more.jsonl", jsonl([{"text": "my parcel is lost", "label": "billing", "id": "wrong"},
                                                               {"text": "where is my parcel", "label": "delivery", "id": "again"}])))
        audit = self.answer("audit", "t")
        self.assertEqual((audit["examples"], audit["duplicates"]), (8, [{"label": "delivery", "ids": ["e0", "again"]}]))
        self.assertIn("wrong", [suspect["id"] for suspect in audit["suspects"]])
        text = self.good("audit", "t")
        for part in ("wrong: billing", "my parcel is lost", "1 examples repeat", "accuracy by number of examples"):
            self.assertIn(part, text)
        self.assertEqual(len(self.answer("audit", "t", "--limit", "1")["suspects"]), 1)
        pool = self.file("pool.txt", "where is my parcel now\n\nthe parcel costs too much\nthe parcel costs too much\n")
        lines = [json.loads(line) for line in self.good("suggest", "t", pool, "--json").splitlines()]
        self.assertEqual(sorted(line["line"] for line in lines), [1, 3])
        self.assertIn("line ", self.good("suggest", "t", pool, "--count", "1"))
        with Server(self.ctt, self.data) as server:
            url = f"http://127.0.0.1:{server.port}"
            self.assertEqual(self.answer("audit", "t", "--url", url), audit)
            self.assertEqual([json.loads(line) for line in self.good("suggest", "t", pool, "--json", "--url", url).splitlines()], lines)

    def test_words_answer_what_the_encoder_cannot_read(self):
        # No emoji is in the vocabulary: to the encoder each pair is one text.
        verbs = {"\U0001f513": "open", "\U0001f512": "close"}
        rows = [{"text": f"{verb} the {thing} {i}", "label": label}
                for i in range(16) for thing in ("door", "gate", "window", "shop", "safe") for verb, label in verbs.items()]
        learned = self.answer("learn", "t", self.file("rows.jsonl", jsonl(rows[:-20])))
        self.assertEqual(learned["settled"], True)
        self.assertIn(self.answer("tasks", "show", "t")["head"], ("C", "lexical"))
        answers = self.good("predict", "t", *(row["text"] for row in rows[-20:]), "--json").splitlines()
        self.assertEqual([json.loads(line)["label"] for line in answers], [row["label"] for row in rows[-20:]])
        self.assertEqual(self.answer("evaluate", "t", self.file("test.jsonl", jsonl(rows[-20:])))["accuracy"], 1)

    def test_an_unknown_task_is_named_with_the_near_ones(self):
        self.learn_rows("banking")
        for words in (["predict", "bankin", "x"], ["evaluate", "bankin", "rows.jsonl"], ["tasks", "show", "bankin"], ["versions", "bankin"],
                      ["unlearn", "bankin", "--id", "1"]):
            self.bad(1, *words, says="did you mean 'banking'?")
        error = json.loads(self.bad(1, "predict", "bankin", "x", "--json", says=""))
        self.assertEqual(error["error"]["code"], "task_not_found")


class TasksTest(Case):
    def test_list_show_rename_delete(self):
        self.assertEqual(self.answer("tasks", "list"), {"tasks": []})
        self.learn_rows("a")
        self.learn_rows("b")
        self.assertEqual([task["task"] for task in self.answer("tasks", "list")["tasks"]], ["a", "b"])
        before = self.answer("tasks", "show", "a")["head_digest"]
        self.good("tasks", "rename", "a", "c")
        self.assertEqual(self.answer("tasks", "show", "c")["head_digest"], before)
        self.bad(1, "tasks", "rename", "c", "b", says="b")
        self.assertEqual(self.answer("tasks", "delete", "c"), {"deleted": "c"})
        self.bad(1, "tasks", "show", "c", says="c")

    def test_settings_of_a_task(self):
        first = self.learn_rows()
        changed = self.answer("tasks", "set", "t", "--out-of-scope-rate", "0.5", "--groups", "shop,help")
        self.assertEqual((changed["out_of_scope_rate"], changed["prior"], changed["groups"]), (0.5, "empirical", ["help", "shop"]))
        self.assertEqual(changed["head_digest"], first["head_digest"])
        self.good("learn", "t", self.file("more.jsonl", jsonl([{"text": "the bill is too high", "label": "billing"}])))
        uniform = self.answer("tasks", "set", "t", "--prior", "uniform")
        self.assertTrue(uniform["settled"])
        self.assertEqual((uniform["out_of_scope_rate"], uniform["prior"], uniform["groups"]), (0.5, "uniform", ["help", "shop"]))
        self.assertEqual(self.answer("tasks", "set", "t", "--groups", "")["groups"], [])
        self.bad(2, "tasks", "set", "t", says="")
        self.bad(1, "tasks", "set", "t", "--groups", "a b", says="a group's name is")
    def test_labels_are_renamed_merged_split_and_deleted(self):
        before = self.learn_rows()
        self.learn_rows("same")
        labels = lambda answer: {row["label"]: row["examples"] for row in answer["labels"]}
        text = ["predict", "t", "where is my parcel"]
        score = self.answer(*text)["probability"]
        renamed = self.answer("tasks", "labels", "t", "rename", "delivery", "shipping")
        self.assertEqual(labels(renamed), {"billing": 3, "shipping": 3})
        self.assertEqual((self.answer(*text)["label"], self.answer(*text)["probability"]), ("shipping", score))
        split = self.answer("tasks", "labels", "t", "split", "billing", "refund", "--id", "e5")
        self.assertEqual((labels(split), split["settled"]), ({"billing": 2, "refund": 1, "shipping": 3}, True))
        ids = self.file("ids.txt", "e4\n")
        self.good("tasks", "labels", "t", "split", "billing", "refund", "--file", ids)
        self.good("tasks", "labels", "t", "merge", "refund", "billing")
        back = self.answer("tasks", "labels", "t", "rename", "shipping", "delivery")
        self.assertEqual(back["head_digest"], before["head_digest"])
        self.assertEqual(labels(self.answer("tasks", "labels", "t", "delete", "delivery")), {"billing": 3})
        self.bad(1, "tasks", "labels", "t", "delete", "biling", says="did you mean 'billing'")
        self.bad(2, "tasks", "labels", "t", "split", "billing", "x", says="--id")
        with Server(self.ctt, self.data) as server:
            url = f"http://127.0.0.1:{server.port}"
            self.good("tasks", "labels", "same", "split", "billing", "refund", "--id", "e5", "--url", url)
            self.good("tasks", "labels", "same", "rename", "billing", "b", "--url", url)
            self.good("tasks", "labels", "same", "merge", "refund", "b", "--url", url)
            self.good("tasks", "labels", "same", "rename", "b", "billing", "--url", url)
            gone = self.answer("tasks", "labels", "same", "delete", "delivery", "--url", url)
            self.assertEqual(labels(gone), {"billing": 3})

    def test_labels_start_from_their_descriptions(self):
        path = self.file("labels.csv", "label,description\nrate,exchange rates of foreign currencies\nlost_card,a lost or stolen card\n")
        self.assertEqual(self.answer("tasks", "describe", "t", "--file", path)["examples"], 2)
        self.assertEqual(self.answer("tasks", "describe", "t", "weather_report")["classes"], 3)
        told = {row["label"]: row["description"] for row in self.answer("tasks", "labels", "t")["labels"]}
        self.assertEqual(told, {"rate": "exchange rates of foreign currencies", "lost_card": "a lost or stolen card", "weather_report": "weather report"})
        answers = self.good("predict", "t", "somebody took my card", "will it rain", "--json").splitlines()
        self.assertEqual([json.loads(line)["label"] for line in answers], ["lost_card", "weather_report"])
        digest = self.answer("tasks", "show", "t")["head_digest"]
        self.assertNotEqual(self.answer("tasks", "describe", "t", "weather_report", "sun, rain and storms")["head_digest"], digest)
        self.assertIn("sun, rain and storms", self.good("tasks", "labels", "t"))
        self.bad(2, "tasks", "describe", "t", says="LABEL or --file")
        self.bad(1, "tasks", "describe", "t", "--file", self.file("bad.csv", "label,text\na,b\n"), says="no column 'description'")
        with Server(self.ctt, self.data) as server:
            url = f"http://127.0.0.1:{server.port}"
            self.assertEqual(self.answer("tasks", "describe", "t", "weather_report", "--url", url)["head_digest"], digest)
            self.assertEqual({row["label"]: row["description"] for row in self.answer("tasks", "labels", "t", "--url", url)["labels"]}, told)

    def test_publish_rolls_back(self):
        first = self.learn_rows()
        self.good("learn", "t", self.file("more.jsonl", '{"text": "hello", "label": "greeting"}\n'))
        versions = self.answer("versions", "t")["versions"]
        self.assertEqual([version["version"] for version in versions], list(range(len(versions), 0, -1)))
        self.assertEqual([version["live"] for version in versions].count(True), 1)
        back = self.answer("publish", "t", str(first["head_version"]))
        self.assertEqual(back["head_digest"], first["head_digest"])
        self.assertEqual(self.answer("tasks", "show", "t")["head_version"], first["head_version"])
        self.bad(1, "publish", "t", "999", says="999")
        forth = self.answer("publish", "t", "previous")
        self.assertEqual(forth["aliases"]["previous"], first["head_version"])
        text = ["predict", "t", "hello"]
        self.assertEqual(self.answer(*text, "--alias", "previous")["head_version"], first["head_version"])
        self.assertEqual(self.answer(*text, "--version", str(first["head_version"]))["head_version"], first["head_version"])
        canary = self.answer("publish", "t", "previous", "--alias", "canary", "--share", "0.5")
        self.assertEqual((canary["aliases"]["canary"], canary["aliases"]["canary_share"]), (first["head_version"], 0.5))
        self.assertNotIn("canary", self.answer("publish", "t", "none", "--alias", "canary")["aliases"])

    def test_publishing_by_hand_makes_candidates(self):
        first = self.learn_rows()
        by_hand = self.answer("tasks", "publishing", "t", "manual")
        self.assertEqual(by_hand["publishing"], {"automatic": False, "max_accuracy_fall": None})
        more = self.file("more.jsonl", jsonl([{"text": "hello", "label": "greeting", "id": "g"}]))
        self.good("learn", "t", more)
        self.assertEqual(self.answer("tasks", "show", "t")["head_digest"], first["head_digest"])
        newest = self.answer("versions", "t")["versions"][0]
        self.assertEqual((newest["live"], newest["settled"], newest["report"]["previous"]["version"]), (False, True, first["head_version"]))
        with Server(self.ctt, self.data) as server:
            url = f"http://127.0.0.1:{server.port}"
            self.assertEqual(self.answer("publish", "t", str(newest["version"]), "--url", url)["head_digest"], newest["head_digest"])
            gated = self.answer("tasks", "publishing", "t", "automatic", "--max-accuracy-fall", "0.1", "--url", url)
            self.assertEqual(gated["publishing"], {"automatic": True, "max_accuracy_fall": 0.1})
            self.answer("publish", "t", "previous", "--alias", "shadow", "--url", url)
            self.assertEqual(self.answer("predict", "t", "hello", "--alias", "shadow", "--url", url)["head_version"], first["head_version"])
            self.good("publish", "t", "none", "--alias", "shadow", "--url", url)
            self.bad(1, "predict", "t", "hello", "--alias", "shadow", "--url", url, says="shadow")
        self.bad(2, "tasks", "publishing", "t", "never", says="never")


class ContinualTest(Case):
    def test_nothing_is_forgotten_whatever_the_order(self):
        there = self.answer("continual", str(EXAMPLES), "--order", "support,urgency")
        back = self.answer("continual", str(EXAMPLES), "--order", "urgency,support")
        self.assertEqual(there["order"], ["support", "urgency"])
        self.assertEqual(there["head_digests"], back["head_digests"])
        self.assertEqual((there["BWT"], back["BWT"], there["FWT"]), (0, 0, 0))
        self.assertEqual(there["ACC"], back["ACC"])
        self.assertEqual(there["ACC"], sum(there["matrix"][1]) / 2)
        self.assertEqual(there["matrix"][0], [there["matrix"][1][0], 0])
        self.assertEqual((there["forgetting"], there["retention"]), (0, 1))
        self.assertNotIn("joint", there)

    def test_learned_together_is_as_learned_one_by_one(self):
        course = self.answer("continual", str(EXAMPLES), "--joint", "--html", "course.html")
        self.assertEqual((course["joint"], course["intransigence"]), (course["matrix"][1], 0))
        page = (self.folder / "course.html").read_text()
        self.assertTrue("<svg" in page and "support" in page and "http" not in page)

    def test_nested_folders_and_what_is_missing(self):
        for name in ("shop/a", "shop/b"):
            for part in ("train", "test"):
                self.file(f"tasks/{name}/{part}.jsonl", jsonl([{"text": text, "label": label} for text, label in ROWS]))
        self.assertEqual(self.answer("continual", "tasks")["order"], ["shop/a", "shop/b"])
        self.bad(1, "continual", "tasks", "--order", "shop/a,shop/x", says=["no task 'shop/x'", "did you mean 'shop/a' or 'shop/b'?"])
        self.bad(1, "continual", "nowhere", says="nowhere")
        (self.folder / "empty").mkdir()
        self.bad(1, "continual", "empty", says="no folder with train.jsonl and test.jsonl")


def read_npy(path):
    """(shape, float32 values) of a version 1.0 file in C order."""
    content = path.read_bytes()
    assert content[:8] == b"\x93NUMPY\x01\x00"
    [length] = struct.unpack("<H", content[8:10])
    assert (10 + length) % 64 == 0
    header = eval(content[10:10 + length], {"__builtins__": {}})  # noqa: S307: written by the program under test.
    assert header["descr"] == "<f4" and header["fortran_order"] is False
    values = struct.unpack(f"<{header['shape'][0] * header['shape'][1]}f", content[10 + length:])
    return header["shape"], values


class EncodeTest(Case):
    def test_embeddings_are_unit_rows_in_the_order_of_the_file(self):
        path = self.file("x.txt", "a rather longer text that goes first\nshort\nshort\n")
        self.good("embed", "--file", path, "--output", "x.npy")
        shape, values = read_npy(self.folder / "x.npy")
        self.assertEqual(shape, (3, 384))
        for row in range(3):
            self.assertAlmostEqual(sum(v * v for v in values[384 * row:384 * (row + 1)]), 1, places=5)
        self.assertEqual(values[384:768], values[768:])
        self.assertNotEqual(values[:384], values[384:768])

    def test_bench_counts_what_it_encodes(self):
        path = self.file("x.ids", "101 7592 102\n101 7592 2088 102\n")
        figures = self.answer("bench", "encode", "--ids", path, "--threads", "1", "--output", "ids.npy")
        self.assertEqual((figures["texts"], figures["tokens"], figures["threads"]), (2, 7, 1))
        self.assertAlmostEqual(figures["tokens_per_second"], 7 / figures["seconds"], delta=1e-3 * figures["tokens_per_second"])
        self.assertTrue({"engine", "isa", "texts_per_second"} <= set(figures))
        self.good("embed", "--file", self.file("x.txt", "hello\nhello world\n"), "--output", "texts.npy")
        self.assertEqual(read_npy(self.folder / "ids.npy"), read_npy(self.folder / "texts.npy"))
        self.bad(1, "bench", "encode", "--ids", self.file("y.ids", "101 102\n101 -3 102\n"), says=["y.ids, line 2", "not a token id"])

    def test_model(self):
        self.assertEqual(self.answer("model", "info")["hidden_size"], 384)
        checked = self.answer("model", "verify")
        self.assertTrue(checked["published"])
        self.assertTrue(checked["sha256"].startswith("53aa5117"))
        self.bad(1, "model", "verify", "--model", "nowhere", says="nowhere")
        self.bad(1, "model", "info", "--engine", "f16", says="f16")


class SettingsTest(Case):
    def settings(self, *words, **options):
        return self.answer("info", *words, **options)["settings"]

    def test_flag_before_environment_before_file_before_default(self):
        config = self.file("ctt.toml", 'tokens_max = 11\nlog_level = "error"\nlisten = "127.0.0.1:1"\n')
        env = {"CTT_TOKENS_MAX": "22", "LOG_LEVEL": "debug"}
        self.assertEqual(self.settings()["tokens_max"], 256)
        self.assertEqual(self.settings("--config", config)["tokens_max"], 11)
        self.assertEqual(self.settings("--config", config, env=env)["tokens_max"], 22)
        self.assertEqual(self.settings("--config", config, "--tokens-max", "33", env=env)["tokens_max"], 33)
        self.assertEqual(self.settings("--config", config, env=env)["log_level"], "debug")
        self.assertEqual(self.settings("--config", config)["listen"], "127.0.0.1:1")
        self.assertEqual(self.settings(env={"LOG_LEVEL": "debug", "CTT_LOG_LEVEL": "error"})["log_level"], "error")
        other = self.settings(env={"ENV": "staging", "PROMETHEUS_PORT": "9100"})
        self.assertEqual((other["environment"], other["prometheus_port"]), ("staging", 9100))

    def test_a_wrong_setting_is_wrong_usage_and_says_where_it_stands(self):
        self.bad(2, "info", "--config", self.file("a.toml", "token_max = 1\n"), says=["a.toml", "did you mean 'tokens_max'"])
        self.bad(2, "info", "--config", self.file("b.toml", "tokens_max = \n"), says=["b.toml", "line 1"])
        self.bad(2, "info", "--config", self.file("c.toml", "tokens_max = 1.5\n"), says=["c.toml", "tokens_max"])
        self.bad(2, "info", "--config", "absent.toml", says="absent.toml")
        self.bad(2, "info", "--tokens-max", "many", says=["--tokens-max", "'many' is no integer"])
        self.bad(2, "info", env={"CTT_THREADS": "-1"}, says=["CTT_THREADS", "at least 0"])

    def test_wrong_usage(self):
        self.bad(2, "lern", says="did you mean 'learn'?")
        self.bad(2, "learn", says="task is required")
        for words in ([], ["predict", "t"], ["unlearn", "t"], ["tasks"], ["learn", "t", "f", "--nope"], ["bench", "encode"]):
            self.assertEqual(self.run_ctt(*words)[0], 2, words)
        self.assertEqual(self.run_ctt("--help")[0], 0)
        self.assertEqual(self.run_ctt("learn", "--help")[0], 0)
        self.assertRegex(self.good("--version"), r"^\d+\.\d+\.\d+\n$")


class ServerTest(Case):
    def test_a_held_directory_says_so_and_url_goes_through_the_server(self):
        self.learn_rows()
        digest = self.answer("tasks", "show", "t")["head_digest"]
        texts = self.file("texts.txt", "the parcel is late\nyou charged my card\n" * 60)
        answers = self.good("predict", "t", "--file", texts, "--error-rate", "0.1")
        rows = self.file("rows.jsonl", jsonl([{"text": text, "label": label} for text, label in ROWS]))
        figures = self.answer("evaluate", "t", rows)
        with Server(self.ctt, self.data) as server:
            url = f"http://127.0.0.1:{server.port}"
            self.bad(1, "tasks", "list", says=["--url http://ADDRESS:PORT", "process"])
            self.assertEqual(self.answer("tasks", "show", "t", "--url", url)["head_digest"], digest)
            self.assertEqual(self.good("predict", "t", "--file", texts, "--error-rate", "0.1", "--url", url), answers)
            self.assertEqual(self.answer("evaluate", "t", rows, env={"CTT_URL": url}), figures)
            learned = self.answer("learn", "u", rows, "--url", url)
            self.assertEqual((learned["rows"], learned["head_digest"], learned["settled"]), (6, digest, True))
            self.bad(1, "learn", "u", self.file("long.jsonl", jsonl([{"text": "x" * 10_001, "label": "x"}])), "--url", url, says=["line 1", "at most 10000"])
            self.bad(1, "predict", "tt", "x", "--url", url, says="did you mean 't'")
            more = self.file("more.jsonl", jsonl([{"text": "hello", "label": "greeting", "id": "m1"}]))
            self.assertEqual(self.answer("learn", "u", more, "--url", url)["classes"], 3)
            self.assertEqual(self.answer("unlearn", "u", "--id", "m1", "--url", url)["unlearned"], ["m1"])
            self.assertEqual(self.answer("tasks", "rename", "u", "v", "--url", url)["head_digest"], digest)
            self.assertTrue(self.answer("versions", "v", "--url", url)["versions"][0]["live"])
            self.assertEqual(self.answer("publish", "v", "1", "--url", url)["head_version"], 1)
            self.assertEqual(self.answer("tasks", "set", "v", "--out-of-scope-rate", "0.1", "--groups", "a", "--url", url)["groups"], ["a"])
            self.good("tasks", "delete", "v", "--url", url)
            self.assertEqual([task["task"] for task in self.answer("tasks", "list", "--url", url)["tasks"]], ["t"])
            self.good("doctor", "--health", url)
        self.bad(1, "doctor", "--health", url, says=url)
        self.bad(1, "tasks", "list", "--url", url, says=url)
        self.bad(1, "tasks", "list", "--url", "ftp://x", says="http://HOST:PORT")

    def test_a_backup_brings_back_what_was_lost(self):
        before = self.learn_rows()
        made = self.answer("backup", "copy")
        self.assertEqual((made["artifacts"], made["artifacts_copied"]), (2, 2))
        self.assertEqual(self.answer("backup", "copy")["artifacts_copied"], 0)
        self.bad(1, "restore", "copy", says="ctt.sqlite is there")
        shutil.rmtree(self.data)
        self.answer("restore", "copy")
        self.assertEqual(self.answer("tasks", "show", "t")["head_digest"], before["head_digest"])
        self.assertTrue(self.answer("verify", "t")["ok"])
        self.assertEqual(self.good("restore", "copy", "--if-missing"), "")
        self.good("restore", "copy", "--if-missing", "--data", "fresh")
        self.assertEqual(self.answer("tasks", "show", "t", "--data", "fresh")["head_digest"], before["head_digest"])
        self.bad(1, "restore", "nowhere", "--if-missing", "--data", "other", says="nowhere holds no backup")
        self.bad(1, "restore", "nowhere", "--data", "other", says="nowhere holds no backup")
        with Server(self.ctt, self.data, "--backups", str(self.folder / "served")) as server:
            url = f"http://127.0.0.1:{server.port}"
            self.bad(1, "backup", "x", says="--url http://ADDRESS:PORT")
            more = self.file("more.jsonl", jsonl([{"text": "hello", "label": "greeting"}]))
            digest = self.answer("learn", "t", more, "--url", url)["head_digest"]
            self.assertEqual(self.answer("backup", "--url", url)["folder"], str(self.folder / "served"))
            self.bad(1, "backup", "x", "--url", url, says="give none with --url")
        self.answer("restore", "served", "--data", "again")
        self.assertEqual(self.answer("tasks", "show", "t", "--data", "again")["head_digest"], digest)

    def test_prometheus_port_has_metrics_and_probes_only(self):
        with Server(self.ctt, self.data, "--prometheus-port", "0") as server:  # 0: none; take a port that is free.
            free = server.port
        with Server(self.ctt, self.data, "--prometheus-port", str(free)) as server:
            status, text = server.call("GET", "/metrics")
            self.assertEqual(status, 200)
            self.assertIn("ctt_isa_info", text)
            main, server.port = server.port, free
            self.assertEqual(server.call("GET", "/metrics")[0], 200)
            self.assertEqual(server.call("GET", "/livez")[0], 200)
            self.assertEqual(server.call("GET", "/readyz")[0], 200)
            self.assertEqual(server.call("GET", "/v1/tasks")[0], 503)
            server.port = main
            self.assertEqual(server.call("GET", "/v1/tasks")[0], 200)

    def test_a_read_only_server_answers_and_does_not_learn(self):
        before = self.learn_rows()
        with Server(self.ctt, self.data, "--read-only") as server:
            for method, path, body in (("POST", "/v1/tasks/t/examples", {"examples": [{"text": "x", "label": "y"}]}), ("DELETE", "/v1/tasks/t", None),
                                       ("POST", "/v1/keys", {"name": "k", "scopes": ["admin"]}), ("PUT", "/v1/tasks/t/aliases/live", {"version": 1})):
                status, problem = server.call(method, path, body)
                self.assertEqual((status, problem["code"]), (403, "read_only"), path)
            self.assertEqual(server.call("POST", "/predict", {"task_id": "t", "text": "the parcel is late"})[0], 200)
            self.assertEqual(server.call("GET", "/v1/tasks/t/examples")[0], 200)
        self.assertEqual(self.answer("tasks", "show", "t")["head_digest"], before["head_digest"])

    def test_an_address_that_others_reach_needs_a_word(self):
        self.bad(1, "serve", "--listen", "0.0.0.0:0", "--log-level", "off", says="--insecure")

    def test_keys_lock_a_server_that_others_reach(self):
        admin = self.answer("keys", "create", "operator", "--scope", "admin")
        made = self.answer("keys", "create", "shop", "--scope", "predict,learn", "--task", "shop:*", "--requests-per-day", "9")
        self.assertRegex(made["key"], "^ctt_" + made["id"] + "_[0-9a-f]{64}$")
        self.assertEqual((made["scopes"], made["tasks"], made["requests_per_day"]), (["predict", "learn"], ["shop:*"], 9))
        listed = self.answer("keys", "list")["keys"]
        self.assertEqual([key["name"] for key in listed], ["operator", "shop"])
        self.assertNotIn("key", listed[0])
        self.bad(1, "keys", "create", "x", "--scope", "all", says="predict, learn and admin")
        self.bad(2, "keys", "create", "x", says="--scope")
        self.bad(1, "keys", "revoke", "000000000000", says="no key")
        with Server(self.ctt, self.data, listen="0.0.0.0:0") as server:
            url = f"http://127.0.0.1:{server.port}"
            self.bad(1, "tasks", "list", "--url", url, says="needs a key")
            env = {"CTT_URL": url, "CTT_KEY": admin["key"]}
            self.assertEqual(self.answer("tasks", "list", env=env)["tasks"], [])
            self.assertEqual(self.answer("info", env=env)["settings"]["key"], "(given)")
            more = self.answer("keys", "create", "more", "--scope", "predict", env=env)
            self.bad(1, "keys", "list", env={**env, "CTT_KEY": more["key"]}, says="lacks the scope 'admin'")
            self.assertIsNotNone(self.answer("keys", "revoke", more["id"], env=env)["revoked_at"])
            self.bad(1, "tasks", "list", env={**env, "CTT_KEY": more["key"]}, says="not known")
            self.assertEqual(len(self.answer("keys", "list", env=env)["keys"]), 3)
            self.bad(1, "keys", "list", says="--url")
        self.assertIsNotNone(self.answer("keys", "list")["keys"][0]["last_used_at"])

    def test_bench_serve_counts_and_times_answers(self):
        self.learn_rows()
        texts = self.file("texts.txt", "the parcel is late\nyou charged my card\n")
        load = ("bench", "serve", "--file", texts, "--connections", "4", "--seconds", "0.5", "--warmup", "0.2")
        with Server(self.ctt, self.data) as server:
            url = ("--url", f"http://127.0.0.1:{server.port}")
            closed = self.answer(*load, "--task", "t", *url)
            self.assertEqual((closed["loop"], list(closed["answers"]), closed["answers"]["200"]), ("closed", ["200"], closed["requests"]))
            self.assertEqual(sum(bar["count"] for bar in closed["histogram"]), closed["requests"])
            self.assertAlmostEqual(closed["requests_per_second"] * closed["seconds"], closed["requests"], delta=1)
            latency = closed["latency_ms"]
            self.assertLessEqual(latency["p50"], latency["p99"])
            self.assertLessEqual(latency["p99"], latency["max"])
            opened = self.answer(*load, "--task", "t", "--rate", "100", *url)
            self.assertEqual((opened["loop"], opened["requests"], opened["unsent"]), ("open", 50, 0))
            unknown = self.answer(*load, "--task", "nobody", *url)
            self.assertEqual((list(unknown["answers"]), unknown["latency_ms"]["p50"]), (["404"], 0))
            self.bad(1, *load, "--task", "t", says="--url")
        self.bad(1, *load, "--task", "t", *url, says=url[1])

    def test_settings_are_checked_and_reloaded(self):
        config = self.file("ctt.toml", 'log_level = "warning"\ntexts_max = 7\n')
        self.assertEqual(self.answer("serve", "--check-config", "--config", config), {"good": True})
        self.bad(2, "serve", "--check-config", "--config", self.file("bad.toml", "txts_max = 7\n"), says=["txts_max", "did you mean 'texts_max'"])
        self.bad(1, "serve", "--check-config", "--log-level", "loud", says="log level")
        self.bad(1, "serve", "--check-config", "--listen", "nowhere", says="nowhere")
        self.bad(1, "serve", "--check-config", "--otlp-endpoint", "localhost:4318", says="localhost:4318")
        self.bad(1, "serve", "--check-config", "--otlp-endpoint", "http://localhost:4318", "--trace-ratio", "2", says="from 0 to 1")
        self.bad(1, "serve", "--check-config", "--otlp-endpoint", "http://localhost:4318", "--otlp-headers", "secret", says="NAME=VALUE")
        self.bad(1, "serve", "--check-config", "--model", "absent", says="absent")
        self.bad(1, "serve", "--check-config", "--engine", "f16", says="f16")
        self.assertFalse((self.folder / "data").exists())  # It only looks.
        self.file("ctt.toml", 'log_level = "info"\ntexts_max = 7\n')
        with Server(self.ctt, self.data, "--config", config) as server:
            def reload(content, until):
                self.file("ctt.toml", content)
                server.process.send_signal(signal.SIGHUP)
                for _ in range(100):
                    if any(until in line for line in server.lines):
                        return
                    time.sleep(0.05)
                self.fail(f"no {until} in {server.lines}")

            reload('log_level = "loud"\n', "settings_not_reloaded")
            reload('log_level = "debug"\ntexts_max = 8\n', "settings_reloaded")
            self.assertTrue(any('"setting_needs_a_restart","setting":"texts_max"' in line for line in server.lines), server.lines)
            server.call("GET", "/livez")  # A probe is written at the level debug only.
            for _ in range(100):
                if any('"route":"/livez"' in line for line in server.lines):
                    break
                time.sleep(0.05)
            else:
                self.fail(server.lines)

    def test_init_makes_a_directory(self):
        self.assertEqual(len(self.answer("init")["encoder_id"]), 64)
        self.assertTrue((self.folder / "data" / "ctt.lock").exists())


class TerminalTest(Case):
    def test_progress_is_for_terminals_only(self):
        path = self.file("rows.jsonl", jsonl([{"text": f"{text} {i}", "label": label} for i in range(100) for text, label in ROWS]))
        self.assertEqual(self.run_ctt("learn", "t", path)[2], "")
        screen, program = pty.openpty()
        done = subprocess.run([self.ctt, "learn", "u", path, "--data", self.data, "--json"], stdout=subprocess.PIPE, stderr=program, timeout=120)
        self.assertEqual(json.loads(done.stdout)["rows"], 600)
        import os
        os.close(program)
        self.assertIn(b"learn u [", os.read(screen, 10_000))
        os.close(screen)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctt")
    parser.add_argument("-k", default="")
    arguments = parser.parse_args()
    Case.ctt = str(pathlib.Path(arguments.ctt).resolve())
    loader = unittest.TestLoader()
    if arguments.k:
        loader.testNamePatterns = [f"*{arguments.k}*"]
    result = unittest.TextTestRunner(verbosity=2).run(loader.loadTestsFromModule(sys.modules["__main__"]))
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
