"""Lists of names as a source: what is uploaded, what fails and why, resuming, plans, and the list of failed files."""
import json
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SANITIZE, SECRET, Serve, TestCase, clean_environment, read_journal, sha256
from support.store_client import s3_client

DENIED = "faults:\n- {operation: PutObject, key: %s, attempts: all, action: status, status: 403, code: AccessDenied}\n"
REPEATED = "the list names it more than once (its first mention counts)"
# Runs a command, and prints its peak memory in KiB. A process inherits the peak of its parent, so that the parent must be
# small.
MEASURE = """
import os, sys
_, _, usage = os.wait4(os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:]), 0)
print(usage.ru_maxrss)
"""


class Lists(TestCase):
    def setUp(self):
        super().setUp()
        self.contents = {}
        for i in range(10):
            self.add(f"sub{i % 3}/f{i}")

    def add(self, name):
        self.contents[name] = f"content of {name}".encode()
        self.write(f"data/{name}", self.contents[name])

    def serve(self, *arguments):
        server = Serve(self.dir / "store", *arguments)
        server.__enter__()
        self.addCleanup(server.__exit__, None, None, None)
        client = s3_client(server.endpoint, KEY_ID, SECRET)
        self.addCleanup(client.close)
        self.client = client
        self.job_file = self.job(server.endpoint)
        return server

    def s3flow(self, *arguments, status=0, cwd=None, **options):
        """Runs s3flow with the job, in `cwd` if it is given. `input`: the text of standard input."""
        command = [S3FLOW, *(str(self.job_file) if word == "JOB" else str(word) for word in arguments)]
        if "input" not in options:
            options["stdin"] = subprocess.DEVNULL
        ended = subprocess.run(command, capture_output=True, cwd=cwd, env=clean_environment(), timeout=120, **options)
        self.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        self.said = ended.stderr.decode()
        return ended.stdout.decode(errors="surrogateescape")

    def run_list(self, names, *arguments, status=0, separator="\n"):
        """Runs the job with these names as the list, in a run directory that is new unless an argument names one."""
        key = "files_from" if separator == "\n" else "files_from0"
        path = self.write("names", "".join(name + separator for name in names))
        return self.s3flow("run", "JOB", "--set", f"source.0.{key}={path}", *arguments, status=status)

    def keys(self):
        return {entry["Key"] for entry in self.client.list_objects_v2(Bucket="bucket").get("Contents", [])}

    def has_exactly(self, names):
        """The store has these objects and no others, and each has the bytes of its file."""
        self.assertEqual(self.keys(), set(names))
        for name in names:
            body = self.client.get_object(Bucket="bucket", Key=name)["Body"].read()
            self.assertEqual(sha256(body), sha256(self.contents[name]), name)

    def test_only_the_named_files_are_uploaded(self):
        self.serve()
        out = self.run_list(["sub1/f1", "./sub0/f0", "", f"{self.dir}/data/sub2/f2"])
        self.assertIn("3 found: 3 uploaded", out)
        self.has_exactly(["sub0/f0", "sub1/f1", "sub2/f2"])

    def test_names_that_end_with_nul(self):
        self.serve()
        self.add("new\nline")
        self.add("dos\r")
        self.assertIn("2 found: 2 uploaded", self.run_list(["new\nline", "dos\r"], separator="\0"))
        self.has_exactly(["new\nline", "dos\r"])

    def test_standard_input(self):
        self.serve()
        found = subprocess.run(["find", ".", "-type", "f", "-print0"], cwd=self.dir / "data", capture_output=True, check=True).stdout
        out = self.s3flow("run", "JOB", "--set", "source.0.files_from0=-", input=found)
        self.assertIn("10 found: 10 uploaded", out)
        self.has_exactly(self.contents)
        # A dry run reads it, too. An empty list is an empty source.
        out = self.s3flow("run", "JOB", "--dry-run", "--run-dir", self.dir / "new", "--set", "source.0.files_from=-", input=b"sub0/f0\n")
        self.assertIn("1 found: 1 would be uploaded", out)
        self.s3flow("run", "JOB", "--run-dir", self.dir / "new", "--set", "source.0.files_from=-", input=b"", status=66)
        self.assertIn("the source is empty", self.said)

    def test_unusable_names_fail_with_their_line(self):
        self.serve()
        os.symlink("/etc", self.dir / "data/way")
        out = self.run_list(["sub0/f0", "none", "sub0", "../run/journal.jsonl", "/etc/hostname", "way/hostname", "sub0/f3\r", "x" * 5000], status=1)
        self.assertIn("8 found: 1 uploaded, 0 skipped, 7 failed", out)
        self.has_exactly(["sub0/f0"])
        reasons = [record["message"] for record in read_journal(self.dir / "run") if record["outcome"] == "failed"]
        where = f"of {self.dir}/names)"
        for line, reason in ((2, "No such file"), (3, "is a directory"), (4, "'..'"), (5, "absolute"), (6, "symbolic link"), (7, "No such file"),
                             (8, "longer than 4095 bytes")):
            self.assertTrue(any(reason in text and f"(line {line} {where}" in text for text in reasons), (line, reasons))

    def test_a_repeated_name_is_uploaded_once(self):
        self.serve()
        out = self.run_list(["sub0/f0", "sub1/f1", "./sub0//f0", "sub0/f0"])
        self.assertIn("4 found: 2 uploaded, 2 skipped", out)
        self.has_exactly(["sub0/f0", "sub1/f1"])
        skipped = {record["key"]: (record["path"], record["reason"]) for record in read_journal(self.dir / "run") if record["outcome"] == "skipped"}
        self.assertEqual(skipped, {f"sub0/f0 (line {n} of {self.dir}/names)": (f"{self.dir}/data/sub0/f0", REPEATED) for n in (3, 4)})
        # Nothing is left to do in a second session, which counts the same.
        out = self.run_list(["sub0/f0", "sub1/f1", "./sub0//f0", "sub0/f0"], "--resume")
        self.assertIn("4 found: 2 uploaded, 2 skipped", out)
        summary = json.loads((self.dir / "run/summary.json").read_text())
        self.assertEqual(summary["this_session"]["found"], 0)

    def test_a_second_session_skips_what_the_journal_has(self):
        self.serve("--faults", self.write("faults.yaml", (DENIED % "sub1/f4").replace("all", "1")))
        names = sorted(self.contents)
        self.run_list([*names, "late"], status=1)
        self.assertEqual(len(self.keys()), 9)
        self.add("late")
        out = self.run_list([*names, "late"], "--resume")
        self.assertIn("11 found: 11 uploaded", out)
        self.assertEqual(json.loads((self.dir / "run/summary.json").read_text())["this_session"]["uploaded"], 2)
        self.has_exactly(self.contents)

    def test_the_list_of_failed_files_is_a_list(self):
        """The root relative and absolute; the working directories of both runs and of the report differ in the second case."""
        self.serve("--faults", self.write("faults.yaml", DENIED % "'sub1/*'"))
        self.add("sub1/new\nline")
        self.add("data/sub1/f1")  # below the root, too, the path of a failed file is a name
        absolute = self.job_file.read_text()
        failing = [name for name in self.contents if name.startswith("sub1/")]
        for root, cwd in (("data", self.dir), ("./data", self.dir), (".", self.dir / "data"), ("../data", self.dir / "store"),
                          (f"{self.dir}/data", "/"), (f"{self.dir}/data/", "/")):
            with self.subTest(root):
                run, again = (self.dir / f"runs/{root.replace('/', '_')}{n}" for n in (1, 2))
                self.job_file.write_text(absolute.replace(f"path: {self.dir}/data", f"path: {root}"))
                self.s3flow("run", "JOB", "--run-dir", run, cwd=cwd, status=1)
                listed = subprocess.run([S3FLOW, "report", run, "--format", "failed", "-0"], capture_output=True, cwd="/", check=True).stdout
                self.assertEqual(len(listed.split(b"\0")) - 1, len(failing))
                out = self.s3flow("run", "JOB", "--run-dir", again, "--set", "source.0.files_from0=-", "--dry-run", "-v", cwd=cwd, input=listed)
                self.assertIn(f"{len(failing)} found: {len(failing)} would be uploaded", out)
                with Serve(self.dir / f"store{len(str(run))}{root.count('/')}") as other:
                    self.s3flow("run", "JOB", "--run-dir", again, "--set", "source.0.files_from0=-", "--set", f"destination.endpoint={other.endpoint}",
                                cwd=cwd, input=listed)
                    client = s3_client(other.endpoint, KEY_ID, SECRET)
                    keys = {entry["Key"] for entry in client.list_objects_v2(Bucket="bucket").get("Contents", [])}
                    client.close()
                self.assertEqual(keys, set(failing))

    def test_a_list_that_cannot_be_read_is_no_success(self):
        self.serve()
        for name, what in (("none", "No such file"), ("data", "is a directory")):
            self.s3flow("run", "JOB", "--set", f"source.0.files_from={self.dir}/{name}", status=66)
            self.assertIn(what, self.said)
        self.write("single", "x")
        self.s3flow("run", "JOB", "--set", f"source.0.path={self.dir}/single", "--set", f"source.0.files_from={self.dir}/single", status=66)
        self.assertIn("must be the directory that the names are relative to", self.said)
        self.s3flow("run", "JOB", "--set", "source.0.files_from=-", status=66, preexec_fn=lambda: os.close(0))
        self.assertIn("standard input", self.said)

    def test_each_shard_reports_a_list_that_cannot_be_read(self):
        """Its key belongs to one shard, but names of all shards may be missing."""
        self.serve()
        for shard in ("0/2", "1/2"):
            self.s3flow("run", "JOB", "--set", "source.0.files_from=/proc/self/mem", "--shard", shard, "--run-dir", self.dir / shard[0], status=1)
            self.assertIn("cannot read the list /proc/self/mem", self.said)
            failed = self.s3flow("report", self.dir / shard[0], "--format", "failed")
            self.assertNotIn("/proc/self/mem", failed)

    def test_a_plan_of_a_list_that_cannot_be_read_is_no_success(self):
        self.serve()
        self.s3flow("plan", "JOB", "--shards", "1", "--out", self.dir / "PLAN", "--set", "source.0.files_from=/proc/self/mem",
                    "--set", "report.run_dir=", status=1)
        self.assertIn("the plan may lack inputs, because 1 directory or list could not be read:", self.said)
        self.assertIn("cannot read the list /proc/self/mem", self.said)

    def test_a_list_that_can_be_read_again_is_no_failure_of_the_run(self):
        self.serve()
        run, names = self.dir / "run", self.dir / "names"
        names.symlink_to("/proc/self/mem")
        self.s3flow("run", "JOB", "--run-dir", run, "--set", f"source.0.files_from={names}", status=1)
        self.assertIn("1 failed", self.s3flow("report", run))
        names.unlink()
        self.run_list(["sub0/f0"], "--run-dir", run, "--resume")
        text = self.s3flow("report", run)
        self.assertNotIn("cannot read the list", text)
        self.assertIn("1 uploaded, 0 skipped, 0 failed", text)

    def test_a_failed_input_stays_in_the_report_until_it_has_another_result(self):
        self.serve()
        run = self.dir / "run"
        self.run_list(["sub0/f0", "none"], "--run-dir", run, status=1)
        for names in (["sub1/f1"], []):  # the next lists lack the failed name, or are empty
            self.run_list(names, "--run-dir", run, "--resume", status=0 if names else 66)
            self.assertIn("1 failed", self.s3flow("report", run))
            self.assertIn("none", self.s3flow("report", run, "--format", "failed"))

    def test_the_command_that_resumes_says_what_it_needs_on_standard_input(self):
        self.serve()
        out = self.s3flow("run", "JOB", "--set", "source.0.files_from=-", input=b"sub0/f0\nnone\n", status=1)
        self.assertRegex(out, r"(?m)^to try the failed inputs again: s3flow run .* --resume \(with the same list on standard input\)$")
        out = self.run_list(["sub0/f0", "none"], "--run-dir", self.dir / "file", status=1)
        self.assertRegex(out, r"(?m)^to try the failed inputs again: .* --resume$")

    def test_caches_of_an_earlier_root_give_no_key_away(self):
        self.serve()
        self.add("same/f")
        self.write("earlier/same/f", "cached")
        self.write("earlier/same/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55")
        job = self.job_file.read_text()
        roots = f"source:\n  - {{path: {self.dir}/earlier, exclude_caches: true, allow_empty: true}}\n"
        self.job_file.write_text(job.replace("source:\n", roots, 1))
        self.s3flow("run", "JOB", "--run-dir", self.dir / "caches")
        self.has_exactly(self.contents)

    def test_a_list_that_grows_while_it_is_read_is_no_success(self):
        self.serve("--latency", "50ms")
        for i in range(3000):
            self.add(f"many/{i}")
        path = self.write("names", "".join(f"many/{i}\n" for i in range(3000)))
        process = subprocess.Popen([S3FLOW, "run", str(self.job_file), "--set", f"source.0.files_from={path}", "--set", "upload.concurrency=16"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(), text=True)
        while not (self.dir / "run/journal.jsonl").exists() or not read_journal_safely(self.dir / "run"):
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        with open(path, "a") as file:  # the walk is at most 1,024 names ahead
            file.write("many/1\n")
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, out + err)
        failed, = [record for record in read_journal(self.dir / "run") if record["outcome"] == "failed"]
        self.assertEqual(failed["path"], f"{self.dir}/data")
        self.assertIn("changed while it was read", failed["message"])

    def test_a_signal_ends_the_wait_for_names(self):
        self.serve()
        process = subprocess.Popen([S3FLOW, "run", str(self.job_file), "--set", "source.0.files_from=-"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
        process.stdin.write(b"sub0/f0\nsub1/f1")
        process.stdin.flush()
        while not (self.dir / "run/journal.jsonl").exists() or not read_journal_safely(self.dir / "run"):
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.wait(60)  # with standard input open: its end is the end of the list
        _, err = process.communicate()
        self.assertEqual(process.returncode, 130, err)
        summary = json.loads((self.dir / "run/summary.json").read_text())
        self.assertEqual((summary["uploaded"], summary["complete"]), (1, False))
        self.has_exactly(["sub0/f0"])  # the second name may have been cut

    def test_a_plan_has_the_names_of_the_list(self):
        self.serve()
        names = "sub0/f0\nsub1/f1\nsub2/f2\nnone\nsub0/f0\n"
        plan = self.dir / "PLAN"
        self.s3flow("plan", "JOB", "--shards", "2", "--out", plan, "--set", "source.0.files_from=-", "--set", "report.run_dir=", input=names.encode())
        outs = [self.s3flow("run", "--plan", plan, "--shard", f"{i}/2", status=status) for i, status in self.shards_with_failures(plan)]
        self.assertEqual(len(outs), 2)
        self.has_exactly(["sub0/f0", "sub1/f1", "sub2/f2"])
        self.assertIn("5 found: 3 uploaded, 1 skipped, 1 failed, 0 left", self.s3flow("finish", plan, status=1))
        self.s3flow("finish", plan, "--check-source", status=64)
        self.assertIn("standard input, which cannot be read again", self.said)

    def shards_with_failures(self, plan):
        """The number of each shard, and the exit status of its run: 1 if it has the missing name."""
        for i in range(2):
            text = next(path for path in (plan / "manifests").iterdir() if path.name.endswith(str(i))).read_text()
            yield i, int('"failed"' in text)

    def test_check_source_reads_the_list_again(self):
        self.serve()
        path = self.write("names", "sub0/f0\nsub1/f1\n")
        plan = self.dir / "PLAN"
        self.s3flow("plan", "JOB", "--shards", "1", "--out", plan, "--set", "source.0.files_from=names", "--set", "report.run_dir=", cwd=self.dir)
        self.s3flow("run", "--plan", plan, "--shard", "0/1")
        self.assertIn("0 inputs have appeared", self.s3flow("finish", plan, "--check-source"))
        path.write_text("sub0/f0\nsub1/f1\nsub2/f2\n")
        self.assertIn("1 input has appeared", self.s3flow("finish", plan, "--check-source"))

    @unittest.skipIf(SANITIZE, "sanitizers need memory of their own for each block")
    def test_memory_hardly_grows_with_the_list(self):
        """Names without files go the same way as others, up to their failed result."""
        self.serve()
        peaks = []
        for count in (10_000, 1_000_000):
            path = self.write("names", "".join(f"results/2026/run-{i}.dat\0" for i in range(count)))
            ended = subprocess.run([sys.executable, "-c", MEASURE, S3FLOW, "run", str(self.job_file), "--dry-run", "--set", f"source.0.files_from0={path}"],
                                   capture_output=True, env=clean_environment(), text=True, timeout=120)
            self.assertIn(f"would fail, local: {count}\n", ended.stdout)
            peaks.append(int(ended.stdout.splitlines()[-1]))
        print(f"peak memory: {peaks} KiB")
        self.assertLess(peaks[1] - peaks[0], 16 << 10)

    def test_globs_from_files(self):
        self.serve()
        self.write("wanted", "# wanted\nsub0/*\nsub1/**\n")
        self.write("unwanted", "f3\n\n*f6\r\n")
        options = ("--set", f"source.0.include_from={self.dir}/wanted", "--set", f"source.0.exclude_from={self.dir}/unwanted")
        self.assertIn("5 found: 5 uploaded", self.s3flow("run", "JOB", *options))
        self.has_exactly(["sub0/f0", "sub0/f9", "sub1/f1", "sub1/f4", "sub1/f7"])
        # They apply to the names of a list, and a plan and finish read them, too.
        self.assertIn("1 found: 1 uploaded", self.run_list(["sub0/f0", "sub0/f3", "sub2/f2"], *options, "--run-dir", self.dir / "listed"))
        plan = self.dir / "PLAN"
        self.s3flow("plan", "JOB", "--shards", "1", "--out", plan, "--set", "source.0.exclude_from=unwanted", "--set", "report.run_dir=", cwd=self.dir)
        self.s3flow("run", "--plan", plan, "--shard", "0/1")
        self.assertIn("0 inputs have appeared", self.s3flow("finish", plan, "--check-source"))
        self.s3flow("run", "JOB", "--run-dir", self.dir / "new", "--set", f"source.0.include_from={self.dir}/none", status=66)
        self.assertIn("include_from", self.said)
        (self.dir / "marked").write_bytes(b"\xef\xbb\xbfsub0/\r\nsub1/\r\nsub2/f2\r\n")  # as editors on Windows write it
        self.assertIn("2 found: 2 uploaded", self.s3flow("run", "JOB", "--run-dir", self.dir / "bom", "--set", f"source.0.exclude_from={self.dir}/marked"))
        os.mkfifo(self.dir / "fifo")
        self.s3flow("run", "JOB", "--run-dir", self.dir / "new", "--set", f"source.0.exclude_from={self.dir}/fifo", status=66)
        self.assertIn("is not a regular file", self.said)
        # What the globs leave out is no input, also when the list repeats it or names a directory.
        self.run_list(["sub0/f0", "sub0/f0", "sub0"], "--run-dir", self.dir / "out", "--set", f"source.0.exclude_from={self.dir}/marked", status=66)

    def test_filters(self):
        self.serve()
        day = 86400
        for name, age, size in (("fresh", 0, 5), ("old", 40 * day, 5), ("large", 0, 5000), ("empty", 0, 0)):
            self.contents[name] = b"x" * size
            path = self.write(f"data/{name}", self.contents[name])
            os.utime(path, (time.time() - age, time.time() - age))
        self.write("data/cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n")
        self.write("data/cache/x", "x")
        base = ("--set", "source.0.exclude=sub*/", "--set", "source.0.exclude_caches=true", "--set", "source.0.min_size=1B")
        self.assertIn("2 found: 2 uploaded", self.s3flow("run", "JOB", *base, "--set", "source.0.max_size=1KB"))
        self.has_exactly(["fresh", "old"])
        for limits, found in ((("newer_than=30d",), 2), (("older_than=30d",), 1), (("older_than=2001-01-01",), 0), (("newer_than=2001-01-01T00:00:00Z",), 3),
                              (("newer_than=50d", "older_than=39d"), 1)):
            out = self.s3flow("run", "JOB", *base, *(word for limit in limits for word in ("--set", f"source.0.{limit}")), "--run-dir", self.dir / limits[0],
                              "--dry-run")
            self.assertIn(f"{found} found", out, limits)
        self.s3flow("run", "JOB", "--set", "source.0.min_size=1GiB", "--run-dir", self.dir / "none", status=66)
        self.assertIn(f"the filters leave out 16 files of {self.dir}/data", self.said)

    def test_a_verbose_dry_run_lists_each_name(self):
        self.serve()
        self.write("data/odd\n\x1b[2Jname", "x")
        os.mkfifo(self.dir / "data/fifo")
        path = self.write("names", "sub0/f0\0fifo\0none\0odd\n\x1b[2Jname\0")
        out = self.s3flow("run", "JOB", "--dry-run", "-v", "--set", f"source.0.files_from0={path}")
        data = self.dir / "data"
        self.assertEqual(set(out.splitlines()[:4]), {
            f"would upload {data}/sub0/f0 to sub0/f0 (18 B)", f"would skip {data}/fifo: a FIFO",
            f"would fail {data}/none: No such file or directory (record 3 of {path})",
            f"would upload {data}/odd\\x0a\\x1b[2Jname to odd\\x0a\\x1b[2Jname (1 B)"})
        self.assertIn("4 found: 2 would be uploaded (19 B)", out)
        self.assertEqual(self.keys(), set())
        self.assertNotIn("would upload /", self.s3flow("run", "JOB", "--dry-run", "--set", f"source.0.files_from0={path}"))

    def test_two_roots_with_lists(self):
        self.serve()
        self.write("more/x", "x")
        self.write("first", "sub0/f0\n")
        self.write("second", "x\nsub0/f0\n")
        text = self.job_file.read_text().replace(
            f"  - path: {self.dir}/data",
            f"  - {{path: {self.dir}/data, files_from: {self.dir}/first}}\n  - {{path: {self.dir}/more, files_from: {self.dir}/second}}")
        self.job_file.write_text(text)
        self.assertIn("3 found: 2 uploaded, 0 skipped, 1 failed", self.s3flow("run", "JOB", status=1))
        self.assertEqual(self.keys(), {"sub0/f0", "x"})

    def test_resume_skip_with_standard_input(self):
        self.serve()
        names = "".join(f"{name}\n" for name in self.contents).encode()
        self.s3flow("run", "JOB", "--set", "source.0.files_from=-", input=names)
        out = self.s3flow("run", "JOB", "--set", "source.0.files_from=-", "--set", "resume.skip=checksum", "--run-dir", self.dir / "new", input=names)
        self.assertIn("10 found: 0 uploaded, 10 skipped", out)


def read_journal_safely(run_dir):
    """Returns the result records of a journal whose last line may not be complete."""
    lines = (run_dir / "journal.jsonl").read_bytes().split(b"\n")[:-1]
    return [line for line in lines if b'"record":"result"' in line]


if __name__ == "__main__":
    unittest.main()
