"""The real binary from a user's point of view: commands, exit statuses, messages, signals."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SECRET, Serve, TestCase, clean_environment, read_journal, s3flow, sha256


class Usage(TestCase):
    def test_statuses_of_the_command_line(self):
        for arguments, status in [(["--help"], 0), (["--version"], 0), (["run", "--help"], 0), ([], 64), (["fly"], 64),
                                  (["run"], 64), (["run", "a", "b"], 64), (["run", "a", "--nope"], 64),
                                  (["serve"], 64), (["serve", "/tmp/x", "--port", "99999"], 64), (["serve", "/tmp/x", "--jitter", "9"], 64),
                                  (["serve", "/tmp/x", "--jitter", "0.5"], 64)]:
            self.assertEqual(s3flow(*arguments).returncode, status, arguments)

    def test_every_command_explains_itself(self):
        for command in ("run", "check", "rehearse", "clean", "plan", "finish", "serve"):
            ended = s3flow(command, "--help")
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            self.assertIn(f"s3flow {command}", ended.stdout)

    def test_mistakes_name_the_option_and_the_way_out(self):
        for arguments, words in [([], "subcommand is required"), (["run"], "give a job file (JOB.yaml), or a plan (--plan DIR)"),
                                 (["run", "--plan", "p"], "--plan needs --shard I/N or --shard auto"),
                                 (["run", "j", "--plan", "p", "--shard", "0/1"], "--plan cannot be used with JOB.yaml, --set or --run-dir"),
                                 (["run", "j", "--set", "a.b=c", "secret=x"], "unexpected argument: secret=... (see s3flow --help)"),
                                 (["serve", "/tmp/x", "--jitter", "0.5"], "--jitter needs --latency"),
                                 (["serve", "/tmp/x", "--profile", "no"], "--profile: there is no profile 'no'")]:
            ended = s3flow(*arguments)
            self.assertEqual((ended.returncode, len(ended.stderr.splitlines())), (64, 1), ended.stderr)
            self.assertIn(words, ended.stderr)

    def test_missing_job_files(self):
        for path, words in [(self.dir / "gone.yaml", "No such file"), (self.dir, "is a directory")]:
            ended = s3flow("run", path)
            self.assertIn(words, ended.stderr)
            self.assertIn(ended.returncode, (66, 78))
        self.assertEqual(s3flow("check", self.dir / "gone.yaml").returncode, 66)
        self.assertEqual(s3flow("check", self.dir).returncode, 78)


class Runs(TestCase):
    def setUp(self):
        super().setUp()
        for i in range(20):
            self.write(f"data/sub/f{i}", f"content {i}" * i)

    def expect(self, ended, status, *words):
        self.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        for word in words:
            self.assertIn(word, ended.stdout + ended.stderr)

    def test_a_good_run(self):
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.job(server.endpoint))
            self.expect(ended, 0, "20 found: 20 uploaded, 0 skipped, 0 failed, 0 cancelled")
            self.assertEqual(ended.stderr, "")
            lines = read_journal(self.dir / "run")
            self.assertEqual(len(lines), 20)
            for line in lines:
                self.assertEqual(line["sha256"], sha256(pathlib.Path(line["path"]).read_bytes()))
            self.assertEqual(json.loads((self.dir / "run/summary.json").read_text())["uploaded"], 20)
        self.assertEqual(server.stats["requests"], {"PutObject": 20})

    def test_workers_follow_the_affinity_mask(self):
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, [min(before)])
        try:
            ended = s3flow("check", self.job("http://127.0.0.1:1"))
        finally:
            os.sched_setaffinity(0, before)
        self.expect(ended, 0, "\n  threads: 1  # what this process may use\n")

    def test_any_number_of_workers(self):
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint)
            for threads in (1, 2, 3, 40):
                ended = s3flow("run", job, "--set", f"upload.threads={threads}", "--run-dir", self.dir / f"run-{threads}")
                self.expect(ended, 0, "20 found: 20 uploaded, 0 skipped, 0 failed, 0 cancelled")
                self.assertEqual(ended.stderr, "")

    def test_rehearsal_needs_no_account(self):
        job = self.write("job.yaml", f"source: [{{path: {self.dir}/data}}]\ndestination: {{bucket: somewhere}}\n")
        ended = s3flow("rehearse", job, "--run-dir", self.dir / "run", "--latency", "1ms", "--jitter", "0.5", "--bandwidth", "10MiB")
        self.expect(ended, 0, "read back: 20 objects equal, 0 not")

    def test_rehearsal_with_lost_responses(self):
        job = self.write("job.yaml", f"source: [{{path: {self.dir}/data}}]\ndestination: {{bucket: somewhere}}\n"
                         "retry: {max_attempts: 2, base_delay: 1ms, cap: 1ms}\n")
        faults = self.write("faults.yaml", "faults:\n  - {key: '*/f1', attempts: all, action: lost_answer}\n")
        ended = s3flow("rehearse", job, "--run-dir", self.dir / "run", "--faults", faults)
        self.expect(ended, 1, "19 uploaded, 0 skipped, 1 failed", "read back: 19 objects equal, 0 not")

    def test_wrong_secret_is_one_clear_line(self):
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.job(server.endpoint, secret="wrong"))
        self.expect(ended, 77, "SignatureDoesNotMatch")
        self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)
        self.assertNotIn(SECRET, ended.stderr)
        self.assertGreater(server.stats["refused_signatures"], 0)

    def test_unknown_bucket(self):
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.job(server.endpoint, bucket="elsewhere"))
        self.expect(ended, 77, "the bucket does not exist", "elsewhere")
        self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)

    def test_no_credentials(self):
        job = self.write("job.yaml", f"source: [{{path: {self.dir}/data}}]\ndestination: {{bucket: somewhere}}\n")
        self.expect(s3flow("run", job), 77, "no credentials")

    def test_credentials_from_the_environment(self):
        with Serve(self.dir / "store") as server:
            job = self.write("job.yaml", f"source: [{{path: {self.dir}/data}}]\n"
                             f"destination: {{bucket: bucket, endpoint: '{server.endpoint}'}}\nreport: {{run_dir: {self.dir}/run}}\n")
            self.expect(s3flow("run", job, AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET), 0, "20 uploaded")

    def test_nothing_listens(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        ended = s3flow("run", self.job(f"http://127.0.0.1:{port}", extra="limits: {connect_timeout: 1s, outage: 500ms}"))
        self.expect(ended, 75, f"127.0.0.1:{port}", "Connection refused", "the store has not answered for 1 s")

    def test_missing_sources(self):
        self.expect(s3flow("run", self.job("http://127.0.0.1:9", source="gone")), 66, "gone: No such file")
        (self.dir / "void").mkdir()
        with Serve(self.dir / "store") as server:
            self.expect(s3flow("run", self.job(server.endpoint, source="void")), 66, "the source is empty")

    @unittest.skipIf(os.geteuid() == 0, "root reads everything")
    def test_unreadable_source(self):
        (self.dir / "data").chmod(0)
        self.addCleanup((self.dir / "data").chmod, 0o700)
        self.expect(s3flow("run", self.job("http://127.0.0.1:9")), 66, "Permission denied")

    def test_resume_needs_a_directory(self):
        job = self.job("http://127.0.0.1:9")
        job.write_text(job.read_text().replace(f"run_dir: {self.dir / 'run'}", "run_dir: ''"))
        self.expect(s3flow("run", job, "--resume"), 64, "--resume needs the run directory")

    def test_run_directory_is_not_reused(self):
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint)
            self.expect(s3flow("run", job), 0)
            self.expect(s3flow("run", job), 74, "belongs to a run that is complete")
            self.expect(s3flow("run", job, "--resume"), 0, "20 found: 20 uploaded")
            self.expect(s3flow("run", job, "--resume", "--set", "destination.prefix=x/"), 78, 'destination.prefix: was "", is x/')

    def test_a_full_disk_under_the_journal(self):
        with Serve(self.dir / "store") as server:
            command = f"ulimit -f 1; trap '' XFSZ; exec {S3FLOW} run {self.job(server.endpoint)}"
            for i in range(200):
                self.write(f"data/g{i}", b"x")
            ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=clean_environment(), timeout=60)
        self.expect(ended, 74, "journal.jsonl: File too large")

    def test_names_cannot_drive_the_terminal(self):
        self.write("data/\x1b[2J\n", b"x")
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.job(server.endpoint), "-v")
        self.expect(ended, 0, "\\x1b[2J\\x0a")
        self.assertNotIn("\x1b", ended.stderr)


class Served(TestCase):
    def first_line(self, **environment):
        process = subprocess.Popen([S3FLOW, "serve", str(self.dir / "store"), "--bucket", "bucket"], stdout=subprocess.PIPE, text=True,
                                   env=clean_environment(**environment))
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)
        return process.stdout.readline()

    def test_random_credentials_unless_the_environment_has_some(self):
        self.write("data/file", b"x")
        form = r"listening on (http://127\.0\.0\.1:\d+), access key ID (\w+), secret access key (\w+)\n"
        one, other = (re.fullmatch(form, self.first_line()) for _ in range(2))
        self.assertEqual(len({one[2], other[2]} | {one[3], other[3]}), 4)
        job = self.job(one[1], key_id=one[2], secret=one[3])
        ended = s3flow("run", job)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        for key_id, secret in (("s3flow", "s3flow-secret"), (one[2], other[3])):
            ended = s3flow("run", self.job(one[1], key_id=key_id, secret=secret), "--run-dir", self.dir / f"run-{key_id}")
            self.assertEqual(ended.returncode, 77, ended.stderr)
        self.assertRegex(self.first_line(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET), rf"listening on \S+, access key ID {KEY_ID}\n")

    def test_half_of_the_credentials_is_a_mistake(self):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            ended = s3flow("serve", self.dir / "store", **{name: "half"})
            self.assertEqual(ended.returncode, 64)
            self.assertIn("belong together", ended.stderr)


class Terminal(TestCase):
    def test_a_bar_on_a_terminal_and_lines_elsewhere(self):
        for i in range(50):
            self.write(f"data/f{i}", b"x")
        faults = self.write("faults.yaml", "faults:\n  - {attempts: all, action: delay, delay: 20ms}\n")
        with Serve(self.dir / "store", "--faults", faults) as server:
            job = self.job(server.endpoint, extra="upload: {concurrency: 1}")
            master, slave = os.openpty()
            process = subprocess.Popen([S3FLOW, "run", str(job), "--set", "report.progress=auto"], stdout=subprocess.DEVNULL,
                                       stderr=slave, env=clean_environment())
            os.close(slave)
            shown = b""
            while True:
                try:
                    shown += os.read(master, 65536)
                except OSError:
                    break
            os.close(master)
            self.assertEqual(process.wait(), 0)
        self.assertRegex(shown, rb"\r\x1b\[K\[#*\.*\] \d+ of 50 \| \d+/s, .*/s \| 1 in flight \| 0 retries \| 0 failed \| \d+ s left")
        self.assertTrue(shown.endswith(b"\r\x1b[K"), "the bar was not wiped at the end")


class Signals(TestCase):
    """The endpoint holds every request, so a signal always comes while requests are in flight."""

    def start(self, server):
        for i in range(200):
            self.write(f"data/f{i}", b"x" * 1000)
        extra = "upload: {concurrency: 8}"
        process = subprocess.Popen([S3FLOW, "run", str(self.job(server.endpoint, extra=extra)), "-v"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=clean_environment())
        started = 0
        while started < 8:
            line = process.stderr.readline()
            self.assertTrue(line, f"the run ended after {started} starts")
            started += line.startswith("start ")
        return process

    def faults(self, text):
        return self.write("faults.yaml", f"faults:\n  - {{operation: PutObject, attempts: all, {text}}}\n")

    def test_drain(self):
        for number, status in [(signal.SIGINT, 130), (signal.SIGTERM, 75), (signal.SIGUSR1, 75)]:
            with self.subTest(number), Serve(self.dir / f"store{number}", "--faults", self.faults("action: delay, delay: 500ms")) as server:
                process = self.start(server)
                process.send_signal(number)
                out, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, status, err)
                self.assertIn("stopping: got SIG", err)
                summary = json.loads((self.dir / "run/summary.json").read_text())
                self.assertGreaterEqual(summary["uploaded"], 8, "requests in flight were not finished")
                self.assertLess(summary["found"], 200)
                self.assertFalse(summary["complete"])
                self.assertIn("stopped early", out)
            os.rename(self.dir / "run", self.dir / f"run{number}")

    def test_the_second_signal_stops_at_once(self):
        with Serve(self.dir / "store", "--faults", self.faults("action: no_answer")) as server:
            process = self.start(server)
            process.send_signal(signal.SIGINT)
            while "stopping" not in process.stderr.readline():
                pass
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 130)
            self.assertEqual(json.loads((self.dir / "run/summary.json").read_text())["cancelled"], 8)

    def test_after_a_kill_the_journal_has_what_was_acknowledged(self):
        with Serve(self.dir / "store", "--faults", self.faults("action: delay, delay: 20ms")) as server:
            process = self.start(server)
            while (self.dir / "run/journal.jsonl").read_bytes().count(b"\n") < 20:
                time.sleep(0.005)
            process.kill()
            process.communicate()
            lines = read_journal(self.dir / "run")
            self.assertGreaterEqual(len(lines), 19)
            self.assertTrue(all(line["outcome"] == "uploaded" for line in lines))


if __name__ == "__main__":
    unittest.main()
