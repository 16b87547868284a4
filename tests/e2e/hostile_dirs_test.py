"""Run directories with things that s3flow did not put there. They are harmless, or refused with a message that names
the path and what to do. Nothing outside the directory is touched, and nothing hangs."""
import functools
import json
import os
import resource
import shutil
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, SANITIZE, Serve, clean_environment, seeded_random
from support.hostile import FOREIGN, HUGE, Hostile, STRANGER, a_device, a_directory, a_link, a_socket, as_root, sealed, sparse

ROUNDS = int(os.environ.get("S3FLOW_SWAPS", "40"))


class HostileRunDirs(Hostile):
    def kinds_that_are_no_files(self):
        """Returns name -> (function that makes it at a path, its name in messages)."""
        return {"a link to a file": (functools.partial(a_link, self.victim), "is a symbolic link"),
                "a link to an empty file": (functools.partial(a_link, self.empty), "is a symbolic link"),
                "a link to a FIFO": (functools.partial(a_link, self.fifo), "is a symbolic link"),
                "a link that leads nowhere": (functools.partial(a_link, self.dir / "theirs/none"), "is a symbolic link"),
                "a FIFO": (os.mkfifo, "is a FIFO"),
                "a directory": (a_directory, "is a directory"),
                "a socket": (a_socket, "is a socket"),
                "a device": (a_device, "is a device")}

    def setUp(self):
        super().setUp()
        self.fifo = self.dir / "fifo"
        os.mkfifo(self.fifo)
        self.serve()

    def each_kind(self, path, prepare, check):
        for name, (make, words) in self.kinds_that_are_no_files().items():
            with self.subTest(f"{path} is {name}"):
                prepare()
                make(path)
                check(words)
                self.assertTrue(os.path.lexists(path), "it must not be removed")

    def test_a_journal_that_is_not_a_regular_file_is_refused(self):
        def prepare():
            self.reset()
            self.journal.unlink()

        def check(words):
            for command in (["run", self.job_file], ["run", self.job_file, "--resume"], ["rehearse", self.job_file],
                            ["run", self.job_file, "--dry-run"]):
                self.assert_refused(self.s3flow(*command), self.journal, words, "remove it, or choose another directory")
            ended = self.s3flow("clean", self.run_dir)
            self.assertIn(ended.returncode, (66, 74), ended.stderr)  # 66: for a link that leads nowhere
        self.each_kind(self.journal, prepare, check)

    def test_a_journal_with_a_hard_link_is_refused(self):
        for victim, words in [(self.victim, "is not a journal of s3flow"), (self.empty, "has a second name")]:
            with self.subTest(victim):
                self.reset()
                self.journal.unlink()
                (self.run_dir / "summary.json").unlink()
                os.link(victim, self.journal)
                self.assert_refused(self.s3flow("run", self.job_file), self.journal, words)
                self.assertEqual(self.s3flow("clean", self.run_dir).returncode, 74)
                self.journal.unlink()

    def test_a_journal_of_another_program_is_refused_and_kept(self):
        contents = {"a thousand lines": FOREIGN.encode(), "one line": b'{"event":1}\n', "half a line": b'{"event', "text": b"hello",
                    "binary": os.urandom(100_000), "newlines": b"\n" * 1000, "a damaged run": b'{"record":"run","session":1,"crc":"00000000"}\n',
                    "half a run and more": b'{"record":"run","ses\nand more'}
        for name, content in contents.items():
            with self.subTest(name):
                self.reset()
                self.journal.write_bytes(content)
                for command in (["run", self.job_file, "--resume", "--allow-changed-job"], ["clean", self.run_dir], ["rehearse", self.job_file]):
                    self.assert_refused(self.s3flow(*command), f"{self.journal} is not a journal of s3flow: choose another run directory")
                    self.assertEqual(self.journal.read_bytes(), content, "the file must not change")

    def test_an_endless_line_is_refused_in_bounded_memory(self):
        limit = None if SANITIZE else lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        run = self.reset().splitlines(keepends=True)[0]
        for name, before in [("alone", b""), ("of a run", run[:-20]), ("after an intact line", run), ("amid a line", run + b'{"record":"res')]:
            for command in (["run", self.job_file], ["clean", self.run_dir]):
                with self.subTest(name):
                    sparse(self.journal, HUGE, before)
                    ended = subprocess.run([S3FLOW, *command], capture_output=True, text=True, timeout=60, env=clean_environment(), preexec_fn=limit)
                    self.assert_refused(ended, self.journal, "this line is longer than 16 MiB")
                    self.assertEqual(self.journal.stat().st_size, HUGE + len(before))

    def test_a_journal_as_a_crash_leaves_it_is_resumed(self):
        whole = self.reset()
        lines = whole.splitlines(keepends=True)
        half = lines[2][:len(lines[2]) // 2]
        tails = {"nothing": b"", "half a line": half, "zeros": b"\0" * 5000, "half a line and zeros": half + b"\0" * 5000,
                 "a line with a hole": half + b"\0" * 10 + b'"}\n'}
        for name, tail in tails.items():
            with self.subTest(name):
                self.reset()
                self.journal.write_bytes(b"".join(lines[:2]) + tail)
                self.assert_fine(self.s3flow("run", self.job_file))
                kept = self.run_dir / "journal.jsonl.torn"
                self.assertEqual(kept.read_bytes() if kept.exists() else b"", tail + (b"\n" if tail and tail[-1:] != b"\n" else b""))
        for name, first in [("empty", b""), ("a byte", lines[0][:1]), ("half", lines[0][:100]), ("all but its end", lines[0][:-1]),
                            ("zeros", b"\0" * 4096), ("half and zeros", lines[0][:100] + b"\0" * 100)]:
            with self.subTest(f"the first line is {name}"):
                self.reset()
                self.journal.write_bytes(first)
                (self.run_dir / "summary.json").unlink()
                self.assert_fine(self.s3flow("run", self.job_file))

    def test_a_journal_with_more_damage_than_a_crash_makes_is_refused(self):
        whole = self.reset()
        lines = whole.splitlines(keepends=True)
        torn = lines[1][:20]
        for name, content in [("two torn lines", lines[0] + torn + b"\n" + torn), ("two torn lines with their ends", lines[0] + (torn + b"\n") * 2),
                              ("a torn line amid others", lines[0] + torn + b"\n" + lines[2]), ("an empty line", lines[0] + b"\n" + lines[1]),
                              ("lines of another program", b"".join(lines[:1]) + FOREIGN.encode())]:
            with self.subTest(name):
                self.journal.write_bytes(content)
                self.assert_refused(self.s3flow("run", self.job_file, "--resume"), f"{self.journal}:2: this line is damaged, and more lines follow", "head -n 1")
                self.assertEqual(self.journal.read_bytes(), content)
        newer = whole + sealed(record="merkle", root="00").encode()
        self.journal.write_bytes(newer)
        self.assert_refused(self.s3flow("run", self.job_file, "--resume"), f"{self.journal}:{len(lines) + 1}: this line is of another version")
        self.assertEqual(self.journal.read_bytes(), newer)

    def test_a_torn_line_is_not_written_through_a_link(self):
        whole = self.reset()
        self.journal.write_bytes(whole + b'{"torn')
        (self.run_dir / "journal.jsonl.torn").symlink_to(self.victim)
        self.assert_refused(self.s3flow("run", self.job_file, "--resume"), "journal.jsonl.torn is a symbolic link")
        self.assertEqual(self.journal.read_bytes(), whole + b'{"torn')

    def test_locks_that_are_not_a_directory_are_refused(self):
        locks = self.run_dir / "locks"

        def prepare():
            self.reset()
            shutil.rmtree(locks)
        made = self.kinds_that_are_no_files()
        del made["a directory"]
        made["a link to a directory"] = (functools.partial(a_link, self.dir / "theirs"), "is a symbolic link")
        made["a file"] = (lambda path: path.write_text("theirs"), "is a regular file")
        for name, (make, words) in made.items():
            with self.subTest(name):
                prepare()
                make(locks)
                for command in (["run", self.job_file, "--resume"], ["clean", self.run_dir]):
                    self.assert_refused(self.s3flow(*command), locks, words, "remove it, or choose another directory")

    def test_a_lock_that_is_not_a_regular_file_is_refused(self):
        lock = self.run_dir / "locks/7"
        self.each_kind(lock, self.reset, lambda words: self.assert_refused(self.s3flow("run", self.job_file, "--resume"), lock, words, "remove it"))

    def test_locks_of_another_program_are_kept(self):
        self.reset()
        locks = self.run_dir / "locks"
        for i in range(2, 30):
            (locks / str(i)).write_text(f"of another program: {i}\n")
            os.utime(locks / str(i), (1, 1))
        (locks / str(2**64 - 1)).write_text("the last of all\n")
        self.assert_fine(self.s3flow("run", self.job_file, "--resume"))
        for i in range(2, 30):
            self.assertEqual((locks / str(i)).read_text(), f"of another program: {i}\n")
        self.assertEqual((locks / str(2**64 - 1)).read_text(), "the last of all\n")

    def test_a_report_that_is_not_a_regular_file_is_refused(self):
        for name in ("summary.json", "status.json", "metrics.prom"):
            report = self.run_dir / name

            def prepare():
                self.reset()
                report.unlink()
            self.each_kind(report, prepare, lambda words: self.assert_refused(self.s3flow("run", self.job_file, "--resume"), report, words, "remove it"))

    def test_a_summary_of_another_program_is_refused_and_kept(self):
        self.run_dir.mkdir(mode=0o755)
        (self.run_dir / "summary.json").write_text("theirs")
        self.assert_refused(self.s3flow("run", self.job_file), "summary.json exists, but there is no journal: choose another run directory", status=78)
        self.assertEqual((self.run_dir / "summary.json").read_text(), "theirs")
        self.assertFalse(self.journal.exists())

    def test_anything_at_the_path_of_the_new_summary_is_replaced_and_never_followed(self):
        new = self.run_dir / "summary.json.new"
        for name, (make, _) in self.kinds_that_are_no_files().items():
            with self.subTest(name):
                self.reset()
                make(new)
                ended = self.s3flow("run", self.job_file, "--resume")
                if name == "a directory":
                    self.assert_refused(ended, "cannot write the summary", new)
                else:
                    self.assert_fine(ended)
        self.reset()
        os.link(self.victim, new)
        self.assert_fine(self.s3flow("run", self.job_file, "--resume"))

    def test_a_directory_that_others_may_write_to_is_refused(self):
        for mode in (0o777, 0o775, 0o757, 0o1777, 0o2775):
            for prepare in (self.reset, lambda: (shutil.rmtree(self.run_dir), self.run_dir.mkdir())):
                prepare()
                self.run_dir.chmod(mode)
                commands = [["run", self.job_file, "--resume"], ["rehearse", self.job_file], ["run", self.job_file, "--dry-run"]]
                for command in commands + [["clean", self.run_dir]] * self.journal.exists():
                    with self.subTest(f"{mode:o} {command[0]}"):
                        self.assert_refused(self.s3flow(*command), f"{self.run_dir} may be written to by other users (mode {mode:04o}): run chmod -R go-w {self.run_dir}", "--trust-dir")
                self.assert_fine(self.s3flow("run", self.job_file, "--resume", "--trust-dir"))
                self.assertEqual(self.s3flow("clean", self.run_dir, "--trust-dir").returncode, 0)
        self.run_dir.chmod(0o755)
        for name in ("journal.jsonl", "summary.json", "locks"):
            self.reset()
            (self.run_dir / name).chmod(0o777)
            self.assert_refused(self.s3flow("run", self.job_file, "--resume"), self.run_dir / name, "may be written to by other users", "chmod")
            self.assert_fine(self.s3flow("run", self.job_file, "--resume", "--trust-dir"))

    @as_root
    def test_a_directory_of_another_user_is_refused(self):
        for what in (".", "journal.jsonl", "summary.json", "locks", "locks/1"):
            with self.subTest(what):
                self.reset()
                os.chown(self.run_dir / what, STRANGER, -1)
                ended = self.s3flow("run", self.job_file, "--resume")
                self.assert_refused(ended, os.path.normpath(self.run_dir / what), f"belongs to another user (uid {STRANGER})", "--trust-dir")
        self.reset()
        for path in [self.run_dir, *self.run_dir.rglob("*")]:
            os.chown(path, STRANGER, -1)
        self.assert_refused(self.s3flow("clean", self.run_dir), self.run_dir, "belongs to another user")
        self.assertEqual(self.s3flow("clean", self.run_dir, "--trust-dir").returncode, 0)
        self.assert_fine(self.s3flow("run", self.job_file, "--resume", "--trust-dir"))
        # --trust-dir trusts the owner of the directory, and no third user.
        os.chown(self.journal, STRANGER + 1, -1)
        self.assert_refused(self.s3flow("run", self.job_file, "--resume", "--trust-dir"), self.journal, f"belongs to another user (uid {STRANGER + 1})")

    def test_a_run_directory_may_be_a_link(self):
        (self.dir / "elsewhere").mkdir(mode=0o755)
        self.run_dir.symlink_to("elsewhere")
        self.assert_fine(self.s3flow("run", self.job_file))
        (self.dir / "elsewhere").chmod(0o777)
        self.assert_refused(self.s3flow("run", self.job_file, "--resume"), self.run_dir, "may be written to by other users")

    def test_a_run_directory_that_is_not_a_directory_is_refused(self):
        for make in (os.mkfifo, a_socket, a_device, lambda path: path.write_text("theirs"), lambda path: path.symlink_to(self.victim)):
            with self.subTest(make):
                make(self.run_dir)
                self.assert_refused(self.s3flow("run", self.job_file), self.run_dir, "Not a directory")
                self.run_dir.unlink()

    def test_only_the_owner_can_write_to_a_new_run_directory(self):
        previous = os.umask(0)
        self.addCleanup(os.umask, previous)
        self.reset()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [self.run_dir, *self.run_dir.iterdir()]}
        self.assertEqual(modes, {"run": 0o755, "journal.jsonl": 0o600, "summary.json": 0o644, "status.json": 0o644, "metrics.prom": 0o644, "series.jsonl": 0o644, "locks": 0o755})
        self.assert_fine(self.s3flow("run", self.job_file, "--resume"))

    def test_a_directory_that_is_swapped_during_a_run_stays_in_use(self):
        faults = self.write("faults.yaml", "faults: [{operation: PutObject, action: delay, delay: 1s, attempts: all}]")
        moved = self.dir / "moved"
        with Serve(self.dir / "slow", "--faults", faults) as server:
            job = self.job(server.endpoint, extra="upload: {concurrency: 1}")
            process = subprocess.Popen([S3FLOW, "run", job], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment())
            while not self.journal.exists():
                time.sleep(0.01)
            self.run_dir.rename(moved)
            self.run_dir.symlink_to(self.dir / "theirs")
            self.assertFalse((moved / "summary.json").exists(), "the run ended before the swap, so nothing was tested")
            _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(json.loads((moved / "summary.json").read_text())["uploaded"], 3)
        self.assertIn("released", (moved / "locks/1").read_text())

    def test_links_that_appear_during_a_run_are_never_followed(self):
        """Another user who may write to the directory replaces its files by links at random moments."""
        random = seeded_random()
        names = ["journal.jsonl", "summary.json", "summary.json.new", "status.json", "status.json.new", "metrics.prom.new", "journal.jsonl.torn", "locks/1", "locks/2", "locks"]
        faults = self.write("faults.yaml", "faults: [{operation: PutObject, action: delay, delay: 5ms, attempts: all}]")
        swapped = 0
        with Serve(self.dir / "slow", "--faults", faults) as server:
            job = self.job(server.endpoint, extra="upload: {concurrency: 1}")
            for _ in range(ROUNDS):
                shutil.rmtree(self.run_dir, ignore_errors=True)
                self.run_dir.mkdir()
                process = subprocess.Popen([S3FLOW, "run", job, "--trust-dir"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
                while process.poll() is None:
                    path = self.run_dir / random.choice(names)
                    if path.parent.is_symlink():
                        continue  # the test itself must not follow a link
                    try:
                        path.rename(self.dir / f"away-{random.random()}")
                    except OSError:
                        pass
                    try:
                        path.symlink_to(random.choice([self.victim, self.empty, self.dir / "theirs", self.dir / "theirs/none"]))
                        swapped += 1
                    except OSError:
                        pass
                process.communicate()
                self.assertIn(process.returncode, (0, 70, 74, 75))
                self.assertEqual(self.theirs(), self.before)
        self.assertGreater(swapped, ROUNDS)

    def test_a_trace_that_is_not_a_regular_file_is_refused(self):
        trace = self.dir / "trace"
        self.reset()

        def clear():
            if trace.is_dir() and not trace.is_symlink():
                shutil.rmtree(trace)
            trace.unlink(missing_ok=True)

        def check(words):
            ended = self.s3flow("run", self.job_file, "--resume", "--trace-http", trace)
            self.assert_refused(ended, "cannot write the trace", trace, words)
        self.each_kind(trace, clear, check)
        clear()
        os.link(self.victim, trace)
        self.assert_refused(self.s3flow("run", self.job_file, "--resume", "--trace-http", trace), "has a second name")
        trace.unlink()
        shutil.rmtree(self.run_dir)
        ended = self.s3flow("run", self.job_file, "--trace-http", "/dev/stderr")
        self.assertIn("PUT http://", ended.stderr)
        self.assert_fine(ended)


if __name__ == "__main__":
    unittest.main()
