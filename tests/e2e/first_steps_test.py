"""The first minutes with s3flow, and the last: a job on standard input, init, help, clean --older-than."""
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import unittest

import jsonschema
import yaml

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SECRET, TOP, Serve, TestCase, clean_environment, read_journal, read_records, s3flow, sha256, without_asan_banner
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

    def test_a_job_and_a_list_of_names_cannot_both_be_standard_input(self):
        for key in ("files_from", "files_from0"):
            text = f"source:\n  - path: data\n    {key}: '-'\ndestination: {{bucket: bkt, endpoint: 'http://127.0.0.1:9'}}\n"
            for command in ("run", "check"):
                self.expect(piped(text, command, "-"), 78, f"<stdin>:3:{7 + len(key)}: source.{key}: the job file was read from this stream")

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


class Init(TestCase):
    def setUp(self):
        super().setUp()
        self.write("data/a", "content a")
        self.keys = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}

    def run_in(self, *arguments, **environment):
        ended = subprocess.run([S3FLOW, *map(str, arguments)], cwd=self.dir, capture_output=True, text=True, timeout=300,
                               env=clean_environment(**environment), stdin=subprocess.DEVNULL)
        ended.stderr = without_asan_banner(ended.stderr)
        return ended

    def expect(self, ended, status, *words):
        self.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        for word in words:
            self.assertIn(word, ended.stdout + ended.stderr)

    def assert_valid(self, text):
        schema = json.loads(s3flow("schema").stdout)
        jsonschema.validate(yaml.load(text, yaml.BaseLoader), schema)

    def test_from_nothing_to_the_first_object(self):
        with Serve(self.dir / "store") as server:
            ended = self.run_in("init", "data", "s3://bucket/run42", "--endpoint", server.endpoint, **self.keys)
            self.expect(ended, 0, "written: job.yaml", "bucket bucket, region us-east-1: objects can be written", "next: s3flow run job.yaml --dry-run")
            with contextlib.closing(s3_client(server.endpoint)) as client:
                self.assertEqual(client.list_objects_v2(Bucket="bucket").get("Contents", []), [], "the probe leaves nothing")
                commands = re.findall(r"^(?:next:|     ) (s3flow run .*?)(?: +#.*)?$", ended.stdout, re.M)
                self.assertEqual(len(commands), 2)
                for command in commands:
                    self.expect(self.run_in(*command.split()[1:], **self.keys), 0)
                self.assertEqual(client.get_object(Bucket="bucket", Key="run42/a")["Body"].read(), b"content a")
            self.expect(self.run_in("check", "job.yaml"), 0)
        self.assert_valid((self.dir / "job.yaml").read_text())

    def test_each_comment_that_names_a_key_can_be_made_a_setting(self):
        for extra in ([], ["--endpoint", "http://127.0.0.1:1", "--profile", "p", "--region", "eu-west-1"]):
            self.expect(self.run_in("init", "data", "s3://bucket", "--no-probe", "--force", *extra), 0)
            text = (self.dir / "job.yaml").read_text()
            self.assert_valid(text)
            changed, count = re.subn(r"(?m)^# ( *[a-z_]+:.*)$", r"\1", text)
            self.assertGreaterEqual(count, 7)
            self.write("all.yaml", changed)
            ended = self.run_in("check", "all.yaml")
            self.expect(ended, 0, "storage_class: STANDARD_IA", "time: 2h", 'include: ["*.dat"]')
            self.assert_valid(changed)

    def test_the_file_goes_to_a_pipe(self):
        with Serve(self.dir / "store") as server:
            written = self.run_in("init", "data", "s3://bucket/", "--endpoint", server.endpoint, "--output", "-", **self.keys)
            self.expect(written, 0)
            self.assertIn("store: ", written.stderr)
            ended = subprocess.run([S3FLOW, "run", "-"], input=written.stdout, cwd=self.dir, capture_output=True, text=True,
                                   env=clean_environment(**self.keys), timeout=300)
            self.expect(ended, 0, "1 uploaded")
        self.assertFalse((self.dir / "job.yaml").exists())

    def test_a_job_file_is_not_replaced(self):
        mine = self.write("job.yaml", "mine")
        self.expect(self.run_in("init", "data", "s3://bucket", "--no-probe"), 74, "job.yaml exists")
        self.assertEqual(mine.read_text(), "mine")
        self.expect(self.run_in("init", "data", "s3://bucket", "--no-probe", "--force"), 0)
        self.assertIn("bucket: bucket", mine.read_text())
        self.assertEqual(sorted(path.name for path in self.dir.iterdir()), ["data", "job.yaml"])

    def test_the_working_directory_without_the_job_file(self):
        with Serve(self.dir / "store") as server:
            home = self.dir / "data"
            ended = subprocess.run([S3FLOW, "init", "s3://bucket/x/", "--endpoint", server.endpoint], cwd=home, capture_output=True, text=True,
                                   env=clean_environment(**self.keys), stdin=subprocess.DEVNULL, timeout=300)
            self.expect(ended, 0)
            self.expect(subprocess.run([S3FLOW, "run", "job.yaml"], cwd=home, capture_output=True, text=True,
                                       env=clean_environment(**self.keys), timeout=300), 0, "1 uploaded")
            with contextlib.closing(s3_client(server.endpoint)) as client:
                self.assertEqual([entry["Key"] for entry in client.list_objects_v2(Bucket="bucket")["Contents"]], ["x/a"])

    def test_wrong_arguments(self):
        for arguments, status, words in [([], 64, "no destination: s3flow init [DIR] s3://BUCKET/PREFIX"), (["data"], 64, "'data' is no destination"),
                                         (["data", "bucket"], 64, "'bucket' is no destination"), (["data", "s3://"], 64, "destination.bucket"),
                                         (["data", "s3://no"], 64, "a bucket name must have 3 to 63 characters"), (["gone", "s3://bucket"], 66, "gone: No such file"),
                                         (["data", "s3://bucket", "--endpoint", "localhost"], 64, "has no scheme"),
                                         (["data", "s3://bucket", "--output", "no/such/dir.yaml"], 74, "No such file")]:
            self.expect(self.run_in("init", *arguments, "--no-probe"), status, words)
        self.assertEqual([path.name for path in self.dir.iterdir()], ["data"])

    def test_a_store_that_cannot_be_used_is_an_error_and_the_file_is_kept(self):
        with Serve(self.dir / "store") as server:
            for url, keys, words in [("s3://other/", self.keys, "NoSuchBucket"), ("s3://bucket/", {**self.keys, "AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch"),
                                     ("s3://bucket/", {}, "no credentials")]:
                ended = self.run_in("init", "data", url, "--endpoint", server.endpoint, "--force", **keys)
                self.expect(ended, 77, words, "written: job.yaml", "s3flow check job.yaml --probe")
                self.expect(self.run_in("check", "job.yaml"), 0)


class Help(TestCase):
    def test_commands_topics_and_keys(self):
        overview = s3flow("help")
        self.assertEqual(overview.returncode, 0)
        topics = re.findall(r"^  ([a-z-]+) ", overview.stdout.split("Topics of s3flow help:")[1], re.M)
        self.assertEqual(topics, ["job", "credentials", "filters", "resume", "exit-status", "environment"])
        for topic in topics:
            ended = s3flow("help", topic)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            self.assertGreater(len(ended.stdout), 300)
            self.assertLessEqual(max(map(len, ended.stdout.splitlines())), 110)
        self.assertEqual(s3flow("help", "run").stdout, s3flow("run", "--help").stdout)
        self.assertIn("upload.part_size: size, at least 5MiB, at most 5GiB; default 16MiB", s3flow("help", "upload.part_size").stdout)
        self.assertEqual(s3flow("help", "part_size").stdout, s3flow("help", "upload.part_size").stdout)
        self.assertIn("retry: max_attempts base_delay cap", s3flow("help", "retry").stdout)
        both = s3flow("help", "profile").stdout
        self.assertIn("destination.profile: ", both)
        self.assertIn("credentials.profile: ", both)

    def test_exit_statuses_are_those_of_the_readme(self):
        readme = (TOP / "README.md").read_text().split("## Exit statuses")[1].split("##")[0]
        wanted = sorted({int(number) for cell in re.findall(r"^\| ([0-9, ]+) \|", readme, re.M) for number in cell.split(",")})
        self.assertEqual(sorted(map(int, re.findall(r"^  (\d+) ", s3flow("help", "exit-status").stdout, re.M))), wanted)

    def test_similar_words(self):
        for arguments, words in [(["help", "chek"], "there is no help for 'chek'; did you mean 'check'?"), (["help", "resum"], "did you mean 'resume'?"),
                                 (["help", "part_siz"], "did you mean 'upload.part_size'?"), (["help", "xyzzy"], "there is no help for 'xyzzy' (s3flow help lists"),
                                 (["hlep"], "unknown command 'hlep'; did you mean 'help'?"), (["run", "j", "--progres", "bar"], "unknown option '--progres' of s3flow run; did you mean '--progress'?"),
                                 (["init", "--endpont", "http://h"], "did you mean '--endpoint'?"), (["--versoin"], "unknown option '--versoin' before the command; did you mean '--version'?")]:
            ended = s3flow(*arguments)
            self.assertEqual(ended.returncode, 64, arguments)
            self.assertIn(words, ended.stderr)


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
        for name, why in [("fresh", "ended 3 days ago"), ("with-a-report", "contains notes.txt, which is not a file of the run"), ("killed-later", "does not end with the end of a run"),
                          ("no-end", "its end is not recorded"), ("failed", "ended with exit status 1: run it again with --resume"), ("plan", "is a plan")]:
            self.assertRegex(text, f"(?m)^kept: {name}: .*{re.escape(why)}")
        self.assertIn("1 run directory removed, ", text)
        self.assertIn("; 6 kept; 3 entries are no run directory", text)
        self.assertEqual(self.left(), sorted(set(everything) - {"old"}))
        self.assertIn("removed: failed\n", self.clean("--failed-too"))
        self.assertEqual(self.left(), sorted(set(everything) - {"old", "failed"}))

    def test_shards_belong_to_their_plan(self):
        with Serve(self.dir / "store") as server:
            job, plan = self.job(server.endpoint), self.dir / "PLAN"
            options = ("--set", "report.run_dir=")
            self.assertEqual(s3flow("plan", job, "--shards", "2", "--out", plan, *options).returncode, 0)
            for shard in ("0", "1"):
                self.assertEqual(s3flow("run", "--plan", plan, "--shard", shard).returncode, 0)
            self.runs = plan / "shards"
            for name in self.left():
                self.age(name, 40)
            self.assertRegex(self.clean(), "(?m)^kept: .*is a shard: remove it with its plan")
            ended = s3flow("finish", plan)
            self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)

    def test_a_foreign_file_among_the_locks_is_kept(self):
        with Serve(self.dir / "store") as server:
            self.make(self.job(server.endpoint), "a")
        self.write("runs/a/locks/notes.txt", "mine")
        self.assertIn("contains locks/notes.txt, which is not a file of the run", self.clean())
        self.assertEqual((self.runs / "a/locks/notes.txt").read_text(), "mine")

    def test_a_run_whose_uploads_were_aborted_later_is_removed(self):
        faults = self.write("faults.yaml", "faults:\n  - {operation: UploadPart, action: status, status: 403, code: AccessDenied, attempts: all}\n"
                            "  - {operation: AbortMultipartUpload, action: status, status: 403, code: AccessDenied, attempts: 1-2}\n")
        self.write("data/large", bytes(6 << 20))
        with Serve(self.dir / "store", "--faults", faults) as server:
            job = self.job(server.endpoint)
            ended = self.make(job, "a", "--set", "upload.part_size=5MiB", "--set", "upload.multipart_threshold=5MiB")
            self.assertIn("1 multipart upload could not be aborted: run s3flow clean", ended.stdout)
            self.assertRegex(self.clean("--failed-too"), r"(?m)^kept: a: its multipart uploads could not be aborted: run s3flow clean .*/runs/a$")
            for aborted in ("1 multipart upload aborted", "0 multipart uploads aborted"):
                ended = s3flow("clean", self.runs / "a")
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertIn(aborted, ended.stdout)
        self.assertEqual((self.runs / "a/journal.jsonl").read_text().count('"complete":true'), 1)
        self.assertIn("removed: a\n", self.clean("--failed-too"))
        self.assertEqual(self.left(), [])

    def test_a_removal_that_was_killed_is_finished(self):
        with Serve(self.dir / "store") as server:
            self.make(self.job(server.endpoint), "a")
        (self.runs / "a/summary.json").unlink()
        (self.runs / "a").rename(self.runs / "a.s3flow-removing")
        self.write("runs/b.s3flow-removing/mine.txt", "mine")
        self.assertIn("removed: a.s3flow-removing\n", self.clean())
        self.assertEqual(self.left(), ["b.s3flow-removing"])

    def test_an_option_without_a_value_is_refused(self):
        for command in (("clean", self.dir, "--older-than", ""), ("init", "s3://bkt/x", "--endpoint", "")):
            ended = s3flow(*command)
            self.assertEqual(ended.returncode, 64, ended.stdout + ended.stderr)
            self.assertIn("has an empty value: give it one, or leave the option out", ended.stderr)

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
