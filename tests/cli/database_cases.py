"""The command line on PostgreSQL and S3 in place of a data directory."""
from case import Case, Server
from ctt_process import wait_until
from s3_endpoint import S3Endpoint
from shared_stores import Postgres


class DatabaseTest(Case):
    def test_a_database_and_a_bucket_take_the_place_of_a_directory(self):
        here = self.learn_rows()
        bucket = S3Endpoint(self.folder / "bucket")
        self.addCleanup(bucket.close)
        url = Postgres().url
        env = {**bucket.environment, "CTT_DATA": url.replace("ctt@", "ctt:secret@"), "CTT_ARTIFACTS": "s3://ctt/some/prefix"}
        self.assertNotIn("secret", self.good("init", env=env))
        self.assertNotIn("secret", self.good("info", env=env))
        path = self.file("rows.jsonl", (self.folder / "rows.jsonl").read_text())
        there = self.answer("learn", "t", path, env=env)
        self.assertEqual(there["head_digest"], here["head_digest"])
        self.assertTrue(self.answer("verify", "t", env=env)["ok"])
        self.assertEqual(self.good("predict", "t", "my parcel is late", env=env), self.good("predict", "t", "my parcel is late"))
        self.assertTrue(list((self.folder / "bucket" / "ctt" / "some" / "prefix").iterdir()))
        with Server(self.ctt, url, "--artifacts", str(self.folder / "shared")) as server:  # Heads are solved again.
            self.assertEqual(server.call("GET", "/v1/tasks/t")[1]["head_digest"], here["head_digest"])
            self.answer("unlearn", "t", "--id", "e0", env=env)
            self.assertTrue(wait_until(lambda: server.call("GET", "/v1/tasks/t")[1]["examples"] == 5))
            self.answer("keys", "create", "k", "--scope", "admin", env=env)
            self.assertTrue(wait_until(lambda: server.call("GET", "/v1/tasks/t")[0] == 401), "the key is known to the server")
        self.bad(1, "backup", str(self.folder / "copy"), env=env, says="pg_dump")

    def test_what_cannot_be_opened_is_named(self):
        nowhere = "postgresql://ctt@127.0.0.1:1/ctt"
        self.bad(1, "init", "--data", nowhere, says="--artifacts")
        self.bad(1, "init", "--data", nowhere, "--artifacts", "http://x", says="s3://")
        self.bad(1, "init", "--data", nowhere, "--artifacts", "s3://x", says="AWS_ACCESS_KEY_ID")
        self.bad(1, "init", "--data", nowhere, "--artifacts", str(self.folder), says="connection")
        self.bad(1, "init", "--data", "mysql://x", says="postgresql://")
        self.bad(1, "init", "--artifacts", "s3://x", says="--artifacts")
