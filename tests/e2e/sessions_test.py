"""Runs that end early and are resumed, as a scheduler does: time limits, signals, failures, clean."""
import json
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, Serve, TestCase, clean_environment, read_journal, read_records, s3flow
from support.store_client import s3_client

FILES = 60


class Sessions(TestCase):
    def setUp(self):
        super().setUp()
        for i in range(FILES):
            self.write(f"data/{i:03}", f"content {i}")

    def faults(self, rule):
        return self.write("faults.yaml", f"faults: [{{{rule}}}]")

    def summary(self):
        return json.loads((self.dir / "run/summary.json").read_text())

    def slow_job(self, server, extra="", limits=""):
        return self.job(server.endpoint, extra=f"upload: {{concurrency: 4}}\nlimits: {{{limits}}}\n{extra}")

    SLOW = "operation: PutObject, action: delay, delay: 50ms, attempts: all"

    def test_a_run_completes_in_several_sessions_with_a_time_limit(self):
        slow = self.SLOW.replace("50ms", "200ms")
        with Serve(self.dir / "store", "--faults", self.faults(slow)) as server:
            job, limit, uploaded = self.slow_job(server), 200, []
            while True:
                # Each session gets twice the time of the previous one. So one of them ends during its uploads, even if
                # a busy machine starts it slowly.
                ended = s3flow("run", job, "--set", f"limits.time={limit}ms")
                uploaded.append(self.summary()["uploaded"])
                if ended.returncode == 0:
                    break
                self.assertEqual(ended.returncode, 75, ended.stderr)
                self.assertIn("the run has reached limits.time", ended.stderr)
                self.assertIn(f"to resume: s3flow run {job} --set limits.time={limit}ms --run-dir {self.dir / 'run'}\n", ended.stdout)
                limit *= 2
            self.assertTrue(any(0 < some < FILES for some in uploaded[:-1]), uploaded)
            self.assertEqual((self.summary()["found"], self.summary()["session"]), (FILES, len(uploaded)))
        self.assertEqual(server.stats["requests"]["PutObject"], FILES, "an object was sent twice")

    def test_the_end_of_a_slurm_job_is_a_time_limit(self):
        with Serve(self.dir / "store", "--faults", self.faults(self.SLOW)) as server:
            job = self.slow_job(server, limits="margin: 60s")
            ended = s3flow("run", job, SLURM_JOB_END_TIME=str(int(time.time()) + 60))
            self.assertEqual(ended.returncode, 75, ended.stderr)
            self.assertIn("the Slurm job ends soon", ended.stderr)
            self.assertEqual(s3flow("run", job, SLURM_JOB_END_TIME=str(int(time.time()) + 3600)).returncode, 0)

    def test_a_drain_ends_at_its_limit(self):
        with Serve(self.dir / "store", "--faults", self.faults("action: no_answer, attempts: all")) as server:
            process = subprocess.Popen([S3FLOW, "run", self.slow_job(server, limits="drain: 300ms")], stderr=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True, env=clean_environment())
            while not (self.dir / "run/journal.jsonl").exists():
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 75, err)

    def test_failures_stop_a_run_as_on_failure_says(self):
        refused = "operation: PutObject, action: status, status: 400, code: InvalidArgument, attempts: all"
        for on_failure, least, most in [("stop", 1, 5), ("'stop_after: 10'", 10, 14), ("{stop_after: 10}", 10, 14), ("continue", FILES, FILES)]:
            with self.subTest(on_failure), Serve(self.dir / f"store{least}", "--faults", self.faults(refused)) as server:
                ended = s3flow("run", self.slow_job(server, limits=f"on_failure: {on_failure}"), "--run-dir", self.dir / f"run-{on_failure}")
                self.assertEqual(ended.returncode, 1, ended.stderr)
                failed = json.loads((self.dir / f"run-{on_failure}/summary.json").read_text())["failed"]
                self.assertTrue(least <= failed <= most, failed)
        self.assertEqual(s3flow("check", self.job("http://127.0.0.1:9", extra="limits: {on_failure: stop_sometimes}")).returncode, 78)

    def test_a_second_run_in_a_run_directory_is_refused_at_once(self):
        with Serve(self.dir / "store", "--faults", self.faults(self.SLOW)) as server:
            job = self.slow_job(server)
            first = subprocess.Popen([S3FLOW, "run", job], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
            while not (self.dir / "run/journal.jsonl").exists():
                time.sleep(0.01)
            # A stopped process releases nothing: if the second run waited for the first, it would wait forever.
            first.send_signal(signal.SIGSTOP)
            try:
                second = s3flow("run", job)
            finally:
                first.send_signal(signal.SIGCONT)
            self.assertEqual(second.returncode, 75)
            self.assertIn(f"is in use by process {first.pid}", second.stderr)
            first.communicate(timeout=60)
            self.assertEqual(first.returncode, 0)
            self.assertEqual(len(read_journal(self.dir / "run")), FILES)

    def test_clean_aborts_only_the_uploads_of_its_run(self):
        self.write("data/large", os.urandom(60 << 20))
        slow = "operation: UploadPart, action: delay, delay: 200ms, attempts: all"
        with Serve(self.dir / "store", "--faults", self.faults(slow)) as server:
            client = s3_client(server.endpoint)
            self.addCleanup(client.close)
            theirs = client.create_multipart_upload(Bucket="bucket", Key="large")["UploadId"]
            job = self.job(server.endpoint, extra="upload: {concurrency: 2, part_size: 5MiB, multipart_threshold: 5MiB}")
            process = subprocess.Popen([S3FLOW, "run", job], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
            while not (self.dir / "run/journal.jsonl").exists() or not any(r["record"] == "part" for r in read_records(self.dir / "run")):
                time.sleep(0.02)
            process.kill()
            process.communicate()

            def uploads():
                return [u["UploadId"] for u in client.list_multipart_uploads(Bucket="bucket").get("Uploads", [])]
            self.assertEqual(len(uploads()), 2)
            ended = s3flow("clean", self.dir / "run", "--dry-run")
            self.assertEqual((ended.returncode, len(uploads())), (0, 2), ended.stderr)
            self.assertIn("1 multipart upload would be aborted", ended.stdout)
            ended = s3flow("clean", self.dir / "run")
            self.assertEqual((ended.returncode, uploads()), (0, [theirs]), ended.stderr)
            self.assertIn("1 multipart upload aborted", ended.stdout)
            self.assertIn("0 multipart uploads aborted", s3flow("clean", self.dir / "run").stdout)
            self.assertEqual(s3flow("clean", self.dir / "data").returncode, 66)
            ended = s3flow("run", job)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual(uploads(), [theirs])

    def test_a_dry_run_changes_nothing(self):
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint, extra="resume: {skip: size_mtime}")
            job.write_text(job.read_text().replace("report:\n", "report:\n  prices: {put: 5, get: 1}\n"))
            ended = s3flow("run", job, "--dry-run")
            self.assertIn("cost of the requests: 0.3050", ended.stdout)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertIn(f"{FILES} found: {FILES} would be uploaded", ended.stdout)
            self.assertIn(f"requests, PutObject: {FILES}", ended.stdout)
            self.assertFalse((self.dir / "run").exists())
        self.assertEqual(dict(server.stats["requests"]), {"ListObjectsV2": 1})


if __name__ == "__main__":
    unittest.main()
