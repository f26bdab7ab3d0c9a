"""What may be asked of an answer beside its labels: explanations, and correction for the shares of labels."""
import json

from case import EXAMPLES, Case, Server, jsonl


class AnswerOptionsTest(Case):
    def test_answers_corrected_for_the_shares_of_labels(self):
        self.learn_rows()
        share = {"delivery": 0.5, "billing": 0.5}
        texts = ["the parcel is late", "where is my parcel", "the parcel never came", "my parcel is lost"]
        plain = [json.loads(line) for line in self.good("predict", "t", *texts, "--json").splitlines()]
        together = [json.loads(line) for line in self.good("predict", "t", *texts, "--json", "--adjust-prior").splitlines()]
        for a, b in zip(plain, together):
            self.assertGreaterEqual(b["labels"][0]["probability"], a["labels"][0]["probability"])
            self.assertAlmostEqual(sum(b["estimated_prior"].values()), 1)
            self.assertGreater(b["estimated_prior"]["delivery"], share["delivery"])
        path = self.file("texts.txt", "\n".join(texts) + "\n")
        code, out, err = self.run_ctt("predict", "t", "--file", path, "--adjust-prior")
        self.assertEqual(code, 0)
        self.assertIn("shares of the labels", err)
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([line["probability"] for line in lines], [row["probability"] for row in together])
        rows = self.file("rows.jsonl", jsonl([{"text": text, "label": "delivery"} for text in texts]))
        figures = self.answer("evaluate", "t", rows, "--adjust-prior")
        self.assertAlmostEqual(figures["estimated_prior"]["delivery"], together[0]["estimated_prior"]["delivery"])
        self.assertLessEqual(figures["log_loss"], self.answer("evaluate", "t", rows)["log_loss"])
        with Server(self.ctt, self.data) as server:
            url = f"http://127.0.0.1:{server.port}"
            self.assertEqual([json.loads(line) for line in self.good("predict", "t", *texts, "--json", "--adjust-prior", "--url", url).splitlines()], together)
            self.assertEqual(self.answer("evaluate", "t", rows, "--adjust-prior", "--url", url), figures)
        self.bad(2, "predict", "t", "x", "--adjust-prior", "--error-rate", "0.1", says="--error-rate")

    def test_explanations_name_the_ngrams_that_count(self):
        nouns, verbs, signs = "parcel invoice garden window".split(), "broke arrived vanished moved".split(), "\U0001F680\U0001F438"
        rows = [{"text": f"{nouns[i // 2 % 4]} {verbs[i // 3 % 4]} {signs[i % 2]}", "label": ["red", "blue"][i % 2]} for i in range(80)]
        self.good("learn", "t", self.file("rows.jsonl", jsonl(rows)))
        self.assertIn(self.answer("tasks", "show", "t")["head"], ("C", "lexical"))
        words = ("predict", "t", "Garden moved \U0001F680", "--explain", "--json")
        told = self.good(*words)
        ngrams = json.loads(told)["explanation"]["ngrams"]
        self.assertEqual((json.loads(told)["label"], ngrams[0]["ngram"]), ("red", "\U0001F680"))
        self.assertEqual([row["weight"] for row in ngrams], sorted((row["weight"] for row in ngrams), reverse=True))
        self.assertLessEqual({("garden", "words"), ("moved", "words")}, {(row["ngram"], row["kind"]) for row in ngrams})
        self.assertIn(f"'{signs[0]}' +", self.good(*words[:-1]))
        with Server(self.ctt, self.data) as server:
            asked = json.loads(self.good(*words, "--url", f"http://127.0.0.1:{server.port}"))["explanation"]["ngrams"]
        self.assertEqual([(row["ngram"], row["kind"]) for row in asked], [(row["ngram"], row["kind"]) for row in ngrams])

    def test_explanations(self):
        self.good("learn", "t", str(EXAMPLES / "support" / "train.jsonl"))
        self.good("learn", "t", self.file("one.jsonl", jsonl([{"text": "where is my parcel", "label": "delivery"}])))
        told = json.loads(self.good("predict", "t", "where is my parcel now", "--explain-words", "--json"))["explanation"]
        self.assertEqual(told["nearest"][0]["text"], "where is my parcel")
        distances = [row["distance"] for row in told["nearest"]]
        self.assertEqual((len(distances), distances), (5, sorted(distances)))
        weights = {row["word"]: row["weight"] for row in told["words"]}
        self.assertEqual(list(weights), ["where", "is", "my", "parcel", "now"])
        self.assertGreater(weights["parcel"], max(0, weights["my"]))
        text = self.good("predict", "t", "where is my parcel now", "--explain")
        self.assertIn("delivery: where is my parcel", text)
        self.assertNotIn("log odds", text)
        self.bad(2, "predict", "--route", "x", "--explain", says="--explain")
        with Server(self.ctt, self.data) as server:
            url = f"http://127.0.0.1:{server.port}"
            remote = json.loads(self.good("predict", "t", "where is my parcel now", "--explain-words", "--json", "--url", url))["explanation"]
        self.assertEqual([row["id"] for row in remote["nearest"]], [row["id"] for row in told["nearest"]])
        for kind, figure in (("nearest", "distance"), ("words", "weight")):  # The client's JSON reader is right to 1 ulp.
            for here, there in zip(told[kind], remote[kind], strict=True):
                self.assertAlmostEqual(here[figure], there[figure], 12)
