"""What a case of the command line stands on: a folder and a data directory of its own, and the program."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
EXAMPLES = TESTS.parent / "examples"
sys.path.insert(0, str(TESTS / "product"))
from ctt_process import Server  # noqa: E402

ROWS = [("where is my parcel", "delivery"), ("the package has not come", "delivery"), ("when will it arrive", "delivery"),
        ("I was charged twice", "billing"), ("the invoice is wrong", "billing"), ("refund my card", "billing")]


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


class Case(unittest.TestCase):
    ctt = ""  # The program; set before the cases run.

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.data = str(self.folder / "data")

    def file(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def run_ctt(self, *words, stdin="", env=None):
        """(exit code, standard output, standard error) in the test's own folder."""
        done = subprocess.run([self.ctt, *words], input=stdin, text=True, capture_output=True, timeout=120, cwd=self.folder,
                              env={"PATH": "/usr/bin:/bin", "CTT_DATA": self.data, **(env or {})})
        return done.returncode, done.stdout, done.stderr

    def good(self, *words, **options):
        code, out, err = self.run_ctt(*words, **options)
        self.assertEqual((code, err), (0, ""), f"{words}: {out}")
        return out

    def answer(self, *words, **options):
        return json.loads(self.good(*words, "--json", **options))

    def bad(self, expected_code, *words, says, **options):
        code, out, err = self.run_ctt(*words, **options)
        self.assertEqual(code, expected_code, f"{words}: {out}{err}")
        self.assertEqual(out, "")
        for part in [says] if isinstance(says, str) else says:
            self.assertIn(part, err)
        return err

    def learn_rows(self, task="t"):
        rows = [{"text": text, "label": label, "id": f"e{i}"} for i, (text, label) in enumerate(ROWS)]
        return self.answer("learn", task, self.file("rows.jsonl", jsonl(rows)))
