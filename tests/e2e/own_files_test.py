"""s3flow does not upload what it writes: run directories, plans and traces inside the source."""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SECRET, Serve, TestCase, clean_environment, read_journal
from support.store_client import s3_client

FILES = 10


class OwnFiles(TestCase):
    def setUp(self):
        super().setUp()
        for i in range(FILES):
            self.write(f"tree/data/f{i}", f"content {i}")
        self.server = self.enter(Serve(self.dir / "store"))
        self.client = s3_client(self.server.endpoint, KEY_ID, SECRET)
        self.addCleanup(self.client.close)

    def enter(self, context):
        context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return context

    def in_tree(self, *arguments, status=0):
        """Runs a command in the tree itself, with a job that has the path '.' and names no run directory."""
        job = self.job(self.server.endpoint, extra="")
        text = job.read_text().replace(f"path: {self.dir / 'data'}", "path: .").replace(f"  run_dir: {self.dir / 'run'}\n", "")
        job.write_text(text)
        ended = subprocess.run([S3FLOW, arguments[0], *(str(job) if a == "JOB" else str(a) for a in arguments[1:])], cwd=self.dir / "tree",
                               capture_output=True, text=True, env=clean_environment(), timeout=120)
        self.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        return ended

    def keys(self):
        return {entry["Key"] for entry in self.client.list_objects_v2(Bucket="bucket").get("Contents", [])}

    def only_data_is_there(self):
        self.assertEqual(self.keys(), {f"data/f{i}" for i in range(FILES)})

    def test_the_default_run_directory_in_the_source_is_skipped(self):
        for _ in range(3):
            ended = self.in_tree("run", "JOB")
            self.assertIn(f"{FILES + 1} found: {FILES} uploaded, 1 skipped", ended.stdout)
            self.only_data_is_there()
        runs = sorted((self.dir / "tree/s3flow-runs").iterdir())
        skipped = [line for line in read_journal(runs[0]) if line["outcome"] == "skipped"]
        self.assertEqual([(line["key"], line["reason"]) for line in skipped], [("s3flow-runs/", "a run directory or plan of s3flow")])
        ended = self.in_tree("run", "JOB", "--dry-run")
        self.assertIn(f"{FILES + 1} found: {FILES} would be uploaded", ended.stdout)

    def test_named_and_foreign_run_directories_in_the_source_are_skipped(self):
        self.in_tree("run", "JOB", "--run-dir", "mine/first")
        self.in_tree("run", "JOB", "--run-dir", "mine/second", "--trace-http", "data/trace.log")
        ended = self.in_tree("run", "JOB", "--run-dir", self.dir / "elsewhere", "--trace-http", "data/trace2.log", "--set", "source.0.exclude=data/trace.log")
        self.assertIn(f"{FILES + 3} found: {FILES} uploaded, 3 skipped", ended.stdout)  # two run directories and its own trace
        self.assertEqual(self.keys() - {f"data/f{i}" for i in range(FILES)}, set())

    def test_a_link_to_the_run_directory_is_skipped(self):
        os.mkdir(self.dir / "records")
        os.symlink(self.dir / "records", self.dir / "tree/data/link")
        ended = self.in_tree("run", "JOB", "--run-dir", self.dir / "records", "--set", "source.0.follow_symlinks=true")
        self.assertIn(f"{FILES + 1} found: {FILES} uploaded, 1 skipped", ended.stdout)

    def test_a_source_that_is_its_own_run_directory_is_skipped(self):
        ended = self.in_tree("run", "JOB", "--run-dir", "data", "--set", "source.0.path=data")
        self.assertIn("1 found: 0 uploaded, 1 skipped", ended.stdout)

    def test_the_run_directory_of_another_run_can_be_uploaded_as_a_root(self):
        self.in_tree("run", "JOB", "--run-dir", "mine")
        ended = self.in_tree("run", "JOB", "--run-dir", self.dir / "other", "--set", "source.0.path=mine")
        self.assertIn("journal.jsonl", " ".join(self.keys()))
        self.assertIn("0 failed", ended.stdout)

    def test_a_directory_with_a_foreign_journal_jsonl_is_uploaded(self):
        self.write("tree/data/journal.jsonl", '{"some": "log"}\n')
        os.mkfifo(self.dir / "tree/journal.jsonl")
        ended = self.in_tree("run", "JOB")
        self.assertIn(f"{FILES + 3} found: {FILES + 1} uploaded, 2 skipped", ended.stdout)
        self.assertIn("data/journal.jsonl", self.keys())

    def test_a_plan_inside_its_source_can_be_finished(self):
        for name in ("PLAN", "data/deep/PLAN"):
            with self.subTest(name):
                os.makedirs(self.dir / "tree/data/deep", exist_ok=True)
                self.in_tree("plan", "JOB", "--shards", "2", "--out", name)
                for shard in ("0/2", "1/2"):
                    self.in_tree("run", "--plan", name, "--shard", shard)
                ended = self.in_tree("finish", name, "--check-source")
                self.assertIn("0 inputs have appeared", ended.stdout)
                self.only_data_is_there()
                # A file that really is new is still reported.
                self.write("tree/data/late", b"late")
                self.assertIn("1 input has appeared", self.in_tree("finish", name, "--check-source").stdout)
                os.remove(self.dir / "tree/data/late")

    def test_shards_without_a_plan_skip_their_run_directories(self):
        found = 0
        for shard in ("0/2", "1/2"):
            self.in_tree("run", "JOB", "--shard", shard, "--run-dir", "runs")
            found += json.loads((self.dir / f"tree/runs/shards/0000{shard[0]}/summary.json").read_text())["uploaded"]
        self.assertEqual(found, FILES)
        self.only_data_is_there()

    def test_a_rehearsal_skips_its_own_run_directory(self):
        self.assertIn(f"read back: {FILES} objects equal, 0 not", self.in_tree("rehearse", "JOB").stdout)

    def test_a_resumed_run_counts_its_run_directory_once(self):
        self.in_tree("run", "JOB", "--run-dir", "mine")
        self.in_tree("run", "JOB", "--run-dir", "mine", "--resume")
        summary = json.loads((self.dir / "tree/mine/summary.json").read_text())
        self.assertEqual((summary["found"], summary["skipped"], summary["this_session"]["found"]), (FILES + 1, 1, 0))


if __name__ == "__main__":
    unittest.main()
