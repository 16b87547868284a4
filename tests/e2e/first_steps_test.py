"""The first minutes with s3flow, and the last: a job on standard input, clean --older-than."""
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, Serve, TestCase, clean_environment, read_journal, read_records, s3flow, sha256, without_asan_banner
from support.store_client import s3_client


def piped(text, *arguments, **options):
    """Runs the binary with `text` on its standard input."""
    ended = subprocess.run([S3FLOW, *map(str, arguments)], input=text, capture_output=True, text=True, timeout=300,
                           env=clean_environment(), **options)
    ended.stderr = without_asan_banner(ended.stderr)
    return ended


class JobOnStandardInput(TestCase):
    def setUp(self):
        super().setUp()
        self.files = {f"sub/{i}": f"content {i}".encode() * (i + 1) for i in range(12)}
        for name, data in self.files.items():
            self.write(f"data/{name}", data)

    def text(self, endpoint, **options):
        return self.job(endpoint, **options).read_text()

    def expect(self, ended, status, *words):
        self.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        for word in words:
            self.assertIn(word, ended.stdout + ended.stderr)

    def stored(self, server):
        """The keys of the store and the SHA-256 of their objects, as boto3 reads them."""
        with contextlib.closing(s3_client(server.endpoint)) as client:
            keys = [entry["Key"] for entry in client.list_objects_v2(Bucket="bucket").get("Contents", [])]
            return {key: sha256(client.get_object(Bucket="bucket", Key=key)["Body"].read()) for key in keys}

    def assert_stored(self, server):
        self.assertEqual(self.stored(server), {name: sha256(data) for name, data in self.files.items()})

    def give(self, fifo, text):
        """Writes `text` into a FIFO once a reader has opened it."""
        writer = threading.Thread(target=lambda: fifo.write_text(text))
        writer.start()
        self.addCleanup(writer.join)

    def test_run_check_and_plan_read_the_job(self):
        with Serve(self.dir / "store") as server:
            text = self.text(server.endpoint).replace(str(self.dir) + "/", "")
            self.expect(piped(text, "check", "-", cwd=self.dir), 0, "path: data  # <stdin>:3:11", f"endpoint: \"{server.endpoint}\"")
            self.expect(piped(text, "run", "-", cwd=self.dir), 0, "12 found: 12 uploaded", "records: run")
            self.assert_stored(server)
            self.expect(piped(text, "plan", "-", "--shards", "2", "--out", "plan", cwd=self.dir), 0)
            self.assertEqual((self.dir / "plan/job.yaml").read_text(), text)
            for shard in range(2):
                ended = subprocess.run([S3FLOW, "run", "--plan", "plan", "--shard", f"{shard}/2"], cwd=self.dir, capture_output=True,
                                       text=True, env=clean_environment(), stdin=subprocess.DEVNULL, timeout=300)
                self.expect(ended, 0)
            self.assertEqual(read_records(self.dir / "run")[0]["job_file"], "-")

    def test_mistakes_have_a_position_in_standard_input(self):
        text = self.text("http://127.0.0.1:1")
        self.expect(piped(text.replace("bucket:", "buket:"), "run", "-"), 78, "<stdin>:5:3: destination: unknown key 'buket'; did you mean 'bucket'?")
        self.expect(piped("", "run", "-"), 78, "<stdin>:1:1: the file is empty")
        self.expect(piped("#" * (1 << 20) + "\n", "run", "-"), 78, "<stdin>:1:1: the file has")
        for redirection, words in (("</", "Is a directory"), ("<&-", "Bad file descriptor")):
            ended = subprocess.run(["/bin/sh", "-c", f'exec "$0" run - {redirection}', S3FLOW], capture_output=True, text=True, env=clean_environment())
            self.expect(ended, 66, f"<stdin>: standard input cannot be read: {words}")

    def test_standard_input_cannot_be_both_the_job_and_a_source(self):
        for path, command in (("-", "run"), ("-", "check"), ("/dev/stdin", "run")):
            text = self.text("http://127.0.0.1:1").replace(f"path: {self.dir / 'data'}", f"path: \"{path}\"\n    stream: true\n    key: k")
            self.expect(piped(text, command, "-"), 78, "<stdin>:3:11: source.path: the job file was read from this stream")
            self.expect(piped(text, command, "/dev/stdin"), 78, "/dev/stdin:3:11: source.path: the job file was read from this stream")

    def test_a_job_file_and_a_stream_of_their_own_agree(self):
        with Serve(self.dir / "store") as server:
            job = self.write("stream.yaml", self.text(server.endpoint).replace(f"path: {self.dir / 'data'}", 'path: "-"\n    stream: true\n    key: k'))
            self.expect(piped("the stream", "run", job), 0, "1 uploaded")
            self.assertEqual(self.stored(server), {"k": sha256(b"the stream")})

    def test_a_fifo_and_dev_stdin_are_read_once(self):
        with Serve(self.dir / "store") as server:
            text = self.text(server.endpoint)
            self.expect(piped(text, "run", "/dev/stdin"), 0, "12 uploaded")
            self.assert_stored(server)
            fifo = self.dir / "fifo"
            os.mkfifo(fifo)
            self.give(fifo, text)
            self.expect(s3flow("plan", fifo, "--shards", "2", "--out", self.dir / "plan"), 0)
            self.assertEqual((self.dir / "plan/job.yaml").read_text(), text)
            self.give(fifo, text)
            self.expect(s3flow("run", fifo, "--run-dir", self.dir / "again"), 0, "12 uploaded")

    def test_the_same_job_resumes_and_another_one_is_refused(self):
        denied = self.write("faults.yaml", "faults:\n  - {operation: PutObject, key: sub/7, action: status, status: 403, code: AccessDenied, attempts: 1}\n")
        with Serve(self.dir / "store", "--faults", denied) as server:
            text = self.text(server.endpoint, extra="upload: {concurrency: 1}")
            ended = piped(text, "run", "-")
            self.expect(ended, 1, "11 uploaded", "1 failed")
            command = [line for line in ended.stdout.splitlines() if line.startswith("to try the failed inputs again: ")][0].split(": ", 1)[1]
            self.assertEqual(command, f"s3flow run - <JOB.yaml --run-dir {self.dir / 'run'} --resume")
            other = text.replace("  bucket: bucket", "  bucket: bucket\n  prefix: other/")
            self.expect(piped(other, "run", "-", "--resume"), 78, "belongs to a run of another job", "destination.prefix: was \"\", is other/")
            # The command is one for a shell, with the user's file.
            self.write("my.yaml", text)
            words = command.replace("JOB.yaml", "my.yaml").replace("s3flow", S3FLOW, 1)
            ended = subprocess.run(["/bin/sh", "-c", words], cwd=self.dir, capture_output=True, text=True, env=clean_environment(), timeout=300)
            self.expect(ended, 0, "12 uploaded", "11 inputs already done")
            self.assert_stored(server)
        self.assertEqual(sum(record["outcome"] == "uploaded" for record in read_journal(self.dir / "run")), 12)

    def test_clean_asks_for_a_copy_of_the_job(self):
        with Serve(self.dir / "store") as server:
            text = self.text(server.endpoint)
            self.expect(piped(text, "run", "-"), 0)
            self.expect(s3flow("clean", self.dir / "run"), 66, "the run read its job from standard input", "--job")
            self.expect(piped(text, "clean", self.dir / "run", "--job", "-"), 0, "0 multipart uploads aborted")

    def test_sighup_says_that_the_job_cannot_be_read_again(self):
        fifo = self.dir / "input"
        os.mkfifo(fifo)
        with Serve(self.dir / "store") as server:
            text = self.text(server.endpoint).replace(f"path: {self.dir / 'data'}", f"path: {fifo}\n    stream: true").replace("progress: none", "log: objects")
            process = subprocess.Popen([S3FLOW, "run", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                       env=clean_environment())
            process.stdin.write(text)
            process.stdin.close()
            with open(fifo, "w") as stream:  # opens once the run reads it, so the run has its signal handlers
                process.send_signal(signal.SIGHUP)
                lines = iter(process.stderr.readline, "")
                self.assertTrue(any("SIGHUP: the job was read from a stream" in line for line in lines))
                stream.write("the stream")
            process.stdin = None
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0)
            self.assertEqual(self.stored(server), {"input": sha256(b"the stream")})


class CleanOldRuns(TestCase):
    def setUp(self):
        super().setUp()
        self.write("data/a", "content a")
        self.runs = self.dir / "runs"

    def make(self, job, name, *arguments, days=40):
        ended = s3flow("run", job, "--run-dir", self.runs / name, *arguments)
        self.age(name, days)
        return ended

    def age(self, name, days):
        then = time.time() - days * 86400
        os.utime(self.runs / name / "status.json", (then, then))

    def clean(self, *arguments, status=0):
        ended = s3flow("clean", self.runs, "--older-than", "30d", *arguments)
        self.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        return ended.stdout

    def left(self):
        return sorted(path.name for path in self.runs.iterdir())

    def test_only_old_finished_runs_are_removed(self):
        denied = self.write("faults.yaml", "faults:\n  - {operation: PutObject, action: status, status: 403, code: AccessDenied, key: b}\n")
        with Serve(self.dir / "store", "--faults", denied) as server:
            job = self.job(server.endpoint)
            self.make(job, "old")
            self.make(job, "fresh", days=3)
            self.make(job, "with-a-report")
            self.write("runs/with-a-report/notes.txt", "mine")
            self.make(job, "killed-later")
            journal = self.runs / "killed-later/journal.jsonl"
            journal.write_bytes(journal.read_bytes() + journal.read_bytes().splitlines(True)[0])  # the beginning of a session, without its end
            self.make(job, "no-end")
            (self.runs / "no-end/status.json").unlink()
            self.write("data/b", "content b")
            self.make(job, "failed")
            self.assertEqual(s3flow("plan", job, "--shards", "1", "--out", self.runs / "plan").returncode, 0)
        self.write("runs/other/journal.txt", "of another program")
        self.write("runs/file")
        os.symlink(self.runs / "old", self.runs / "link")
        everything = self.left()

        dry = self.clean("--dry-run")
        self.assertIn("would be removed: old\n", dry)
        self.assertEqual(self.left(), everything)
        text = self.clean()
        self.assertIn("removed: old\n", text)
        for name, why in [("fresh", "ended 3 days ago"), ("with-a-report", "has notes.txt, which s3flow did not write"), ("killed-later", "does not end with the end of a run"),
                          ("no-end", "its end is not recorded"), ("failed", "ended with exit status 1: run it again with --resume"), ("plan", "is a plan")]:
            self.assertRegex(text, f"(?m)^kept: {name}: .*{re.escape(why)}")
        self.assertIn("1 run directory removed, ", text)
        self.assertIn("; 6 kept; 3 entries are no run directory", text)
        self.assertEqual(self.left(), sorted(set(everything) - {"old"}))
        self.assertIn("removed: failed\n", self.clean("--failed-too"))
        self.assertEqual(self.left(), sorted(set(everything) - {"old", "failed"}))

    def test_a_running_run_is_kept(self):
        fifo = self.dir / "input"
        os.mkfifo(fifo)
        with Serve(self.dir / "store") as server:
            job = self.write("stream.yaml", self.job(server.endpoint).read_text().replace(f"path: {self.dir / 'data'}", f"path: {fifo}\n    stream: true"))
            process = subprocess.Popen([S3FLOW, "run", str(job), "--run-dir", str(self.runs / "live")], stdout=subprocess.PIPE, env=clean_environment(), text=True)
            with open(fifo, "w") as stream:  # opens once the run reads it
                self.assertRegex(self.clean("--failed-too"), "kept: live: is running")
                stream.write("x")
            out, _ = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, out)
            self.age("live", 31)
            self.assertIn("removed: live", self.clean())
        self.assertEqual(self.left(), [])

    def test_wrong_arguments(self):
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint)
            self.make(job, "old")
        for arguments, status, words in [([self.runs, "--older-than", "soon"], 64, "'soon' is not an age"), ([self.runs, "--older-than", "-1d"], 64, "is not an age"),
                                         ([self.runs / "old", "--older-than", "0d"], 64, "is a run directory itself"), ([self.dir / "gone", "--older-than", "1d"], 66, "No such file"),
                                         ([self.runs, "--older-than", "1d", "--job", job], 64, "--job cannot be used"), ([self.runs / "old", "--failed-too"], 64, "--older-than")]:
            ended = s3flow("clean", *arguments)
            self.assertEqual(ended.returncode, status, ended.stderr)
            self.assertIn(words, ended.stderr)
        self.assertEqual(self.left(), ["old"])


if __name__ == "__main__":
    unittest.main()
