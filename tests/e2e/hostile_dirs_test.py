"""Run and plan directories that hold what s3flow did not put there: refused with a message that names the path and
what to do, or harmless. Nothing outside is touched, and nothing hangs."""
import functools
import json
import os
import pathlib
import resource
import shutil
import socket
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SANITIZE, SECRET, Serve, TestCase, clean_environment, read_records, s3flow, seeded_random

ROOT = os.geteuid() == 0
STRANGER = 12345  # a user ID that nobody has
HUGE = 1_500_000_000
FOREIGN = "".join(json.dumps({"event": i, "text": "of another program"}) + "\n" for i in range(1000))
ROUNDS = int(os.environ.get("S3FLOW_SWAPS", "40"))
as_root = unittest.skipUnless(ROOT, "only root may give files to another user")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sealed(**record):
    """A line with a CRC, as journals have them."""
    text = json.dumps(record, separators=(",", ":"))[:-1]
    return f'{text},"crc":"{crc32c(text.encode()):08x}"}}\n'


def sparse(path, bytes, before=b""):
    path.write_bytes(before)
    os.truncate(path, len(before) + bytes)


class Hostile(TestCase):
    """A job with three files, and things of somebody else that must stay as they are."""

    def setUp(self):
        super().setUp()
        for i in range(3):
            self.write(f"data/{i}", f"content {i}")
        self.run_dir = self.dir / "run"
        self.journal = self.run_dir / "journal.jsonl"
        self.victim = self.write("theirs/file", "not s3flow's\n" * 10)
        self.empty = self.write("theirs/empty")
        for path in [self.victim, self.empty, self.dir / "theirs"]:
            os.utime(path, ns=(10**18, 10**18))
        self.before = self.theirs()

    def theirs(self):
        paths = [self.dir / "theirs", *sorted((self.dir / "theirs").rglob("*"))]
        return [(str(path), path.lstat().st_mtime_ns, path.lstat().st_mode, path.read_bytes() if path.is_file() else None) for path in paths]

    def tearDown(self):
        self.assertEqual(self.theirs(), self.before, "something outside was touched")

    def reset(self):
        """A run directory with the journal of a run that has ended; returns the journal's text."""
        shutil.rmtree(self.run_dir, ignore_errors=True)
        ended = self.s3flow("run", self.job_file)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return self.journal.read_bytes()

    def serve(self):
        server = Serve(self.dir / "store", "--discard").__enter__()
        self.addCleanup(server.__exit__)
        self.job_file = self.job(server.endpoint)
        return server

    def s3flow(self, *arguments, **environment):
        """What waits for a FIFO's writer waits until here."""
        return s3flow(*arguments, timeout=60, **environment)

    def assert_refused(self, ended, *words, status=74):
        said = ended.stdout + ended.stderr
        self.assertEqual(ended.returncode, status, said)
        for word in words:
            self.assertIn(str(word), said)
        self.assertEqual(len([line for line in ended.stderr.splitlines() if not line.startswith("note")]), 1, "one message")

    def assert_fine(self, ended):
        self.assertEqual(ended.returncode, 0, ended.stderr)
        results = {r["path"]: r["outcome"] for r in read_records(self.run_dir) if r["record"] == "result"}
        self.assertEqual(results, {str(self.dir / f"data/{i}"): "uploaded" for i in range(3)})


def a_link(to, path):
    path.symlink_to(to)


def a_socket(path):
    where = os.open(path.parent, os.O_PATH)  # a long path is no address
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"/proc/self/fd/{where}/{path.name}")
    os.close(where)


def a_device(path):
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        raise unittest.SkipTest("no devices may be made here")


def a_directory(path):
    path.mkdir()
    (path / "theirs").write_text("kept")


class HostileRunDirs(Hostile):
    def kinds_that_are_no_files(self):
        """What to make at a path, and how it is called."""
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
                self.assertTrue(os.path.lexists(path), "it stays")

    def test_a_journal_that_is_no_file(self):
        def prepare():
            self.reset()
            self.journal.unlink()

        def check(words):
            for command in (["run", self.job_file], ["run", self.job_file, "--resume"], ["rehearse", self.job_file],
                            ["run", self.job_file, "--dry-run"]):
                self.assert_refused(self.s3flow(*command), self.journal, words, "remove it, or choose another directory")
            ended = self.s3flow("clean", self.run_dir)
            self.assertIn(ended.returncode, (66, 74), ended.stderr)  # 66: a link that leads nowhere
        self.each_kind(self.journal, prepare, check)

    def test_a_journal_with_a_second_name(self):
        for victim, words in [(self.victim, "is not a journal of s3flow"), (self.empty, "has a second name")]:
            with self.subTest(victim):
                self.reset()
                self.journal.unlink()
                (self.run_dir / "summary.json").unlink()
                os.link(victim, self.journal)
                self.assert_refused(self.s3flow("run", self.job_file), self.journal, words)
                self.assertEqual(self.s3flow("clean", self.run_dir).returncode, 74)
                self.journal.unlink()

    def test_a_journal_of_another_program(self):
        contents = {"a thousand lines": FOREIGN.encode(), "one line": b'{"event":1}\n', "half a line": b'{"event', "text": b"hello",
                    "binary": os.urandom(100_000), "newlines": b"\n" * 1000, "a damaged run": b'{"record":"run","session":1,"crc":"00000000"}\n',
                    "half a run and more": b'{"record":"run","ses\nand more'}
        for name, content in contents.items():
            with self.subTest(name):
                self.reset()
                self.journal.write_bytes(content)
                for command in (["run", self.job_file, "--resume", "--allow-changed-job"], ["clean", self.run_dir], ["rehearse", self.job_file]):
                    self.assert_refused(self.s3flow(*command), f"{self.journal} is not a journal of s3flow: choose another run directory")
                    self.assertEqual(self.journal.read_bytes(), content, "not a byte of it is lost")

    def test_a_line_without_an_end(self):
        limit = None if SANITIZE else lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        run = self.reset().splitlines(keepends=True)[0]
        for name, before in [("alone", b""), ("of a run", run[:-20]), ("after an intact line", run), ("amid a line", run + b'{"record":"res')]:
            for command in (["run", self.job_file], ["clean", self.run_dir]):
                with self.subTest(name):
                    sparse(self.journal, HUGE, before)
                    ended = subprocess.run([S3FLOW, *command], capture_output=True, text=True, timeout=60, env=clean_environment(), preexec_fn=limit)
                    self.assert_refused(ended, self.journal, "this line has more than 16 MiB")
                    self.assertEqual(self.journal.stat().st_size, HUGE + len(before))

    def test_what_a_crash_leaves_is_gone_on_with(self):
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

    def test_what_no_crash_leaves_is_refused(self):
        whole = self.reset()
        lines = whole.splitlines(keepends=True)
        torn = lines[1][:20]
        for name, content in [("two torn lines", lines[0] + torn + b"\n" + torn), ("two torn lines with their ends", lines[0] + (torn + b"\n") * 2),
                              ("a torn line amid others", lines[0] + torn + b"\n" + lines[2]), ("an empty line", lines[0] + b"\n" + lines[1]),
                              ("lines of another program", b"".join(lines[:1]) + FOREIGN.encode())]:
            with self.subTest(name):
                self.journal.write_bytes(content)
                self.assert_refused(self.s3flow("run", self.job_file, "--resume"), f"{self.journal}:2: this line is damaged, and others follow", "head -n 1")
                self.assertEqual(self.journal.read_bytes(), content)
        newer = whole + sealed(record="merkle", root="00").encode()
        self.journal.write_bytes(newer)
        self.assert_refused(self.s3flow("run", self.job_file, "--resume"), f"{self.journal}:{len(lines) + 1}: this line is of another version")
        self.assertEqual(self.journal.read_bytes(), newer)

    def test_what_is_cut_off_goes_nowhere_else(self):
        whole = self.reset()
        self.journal.write_bytes(whole + b'{"torn')
        (self.run_dir / "journal.jsonl.torn").symlink_to(self.victim)
        self.assert_refused(self.s3flow("run", self.job_file, "--resume"), "journal.jsonl.torn is a symbolic link")
        self.assertEqual(self.journal.read_bytes(), whole + b'{"torn')

    def test_locks_that_are_no_directory(self):
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

    def test_a_lock_that_is_no_file(self):
        lock = self.run_dir / "locks/7"
        self.each_kind(lock, self.reset, lambda words: self.assert_refused(self.s3flow("run", self.job_file, "--resume"), lock, words, "remove it"))

    def test_locks_of_another_program_stay(self):
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

    def test_a_summary_that_is_no_file(self):
        summary = self.run_dir / "summary.json"

        def prepare():
            self.reset()
            summary.unlink()
        self.each_kind(summary, prepare, lambda words: self.assert_refused(self.s3flow("run", self.job_file, "--resume"), summary, words, "remove it"))

    def test_a_summary_of_another_program(self):
        self.run_dir.mkdir(mode=0o755)
        (self.run_dir / "summary.json").write_text("theirs")
        self.assert_refused(self.s3flow("run", self.job_file), "summary.json exists, but there is no journal: choose another run directory")
        self.assertEqual((self.run_dir / "summary.json").read_text(), "theirs")
        self.assertFalse(self.journal.exists())

    def test_what_stands_where_the_new_summary_is_written(self):
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

    def test_a_directory_that_others_may_write_to(self):
        for mode in (0o777, 0o775, 0o757, 0o1777, 0o2775):
            for prepare in (self.reset, lambda: (shutil.rmtree(self.run_dir), self.run_dir.mkdir())):
                prepare()
                self.run_dir.chmod(mode)
                commands = [["run", self.job_file, "--resume"], ["rehearse", self.job_file], ["run", self.job_file, "--dry-run"]]
                for command in commands + [["clean", self.run_dir]] * self.journal.exists():
                    with self.subTest(f"{mode:o} {command[0]}"):
                        self.assert_refused(self.s3flow(*command), f"{self.run_dir} may be written to by other users (mode {mode:04o}): chmod -R go-w {self.run_dir}", "--trust-dir")
                self.assert_fine(self.s3flow("run", self.job_file, "--resume", "--trust-dir"))
                self.assertEqual(self.s3flow("clean", self.run_dir, "--trust-dir").returncode, 0)
        self.run_dir.chmod(0o755)
        for name in ("journal.jsonl", "summary.json", "locks"):
            self.reset()
            (self.run_dir / name).chmod(0o777)
            self.assert_refused(self.s3flow("run", self.job_file, "--resume"), self.run_dir / name, "may be written to by other users", "chmod")
            self.assert_fine(self.s3flow("run", self.job_file, "--resume", "--trust-dir"))

    @as_root
    def test_a_directory_of_another_user(self):
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
        # The owner is trusted then, and no third one.
        os.chown(self.journal, STRANGER + 1, -1)
        self.assert_refused(self.s3flow("run", self.job_file, "--resume", "--trust-dir"), self.journal, f"belongs to another user (uid {STRANGER + 1})")

    def test_a_run_directory_may_be_a_link(self):
        (self.dir / "elsewhere").mkdir(mode=0o755)
        self.run_dir.symlink_to("elsewhere")
        self.assert_fine(self.s3flow("run", self.job_file))
        (self.dir / "elsewhere").chmod(0o777)
        self.assert_refused(self.s3flow("run", self.job_file, "--resume"), self.run_dir, "may be written to by other users")

    def test_a_run_directory_that_is_none(self):
        for make in (os.mkfifo, a_socket, a_device, lambda path: path.write_text("theirs"), lambda path: path.symlink_to(self.victim)):
            with self.subTest(make):
                make(self.run_dir)
                self.assert_refused(self.s3flow("run", self.job_file), self.run_dir, "Not a directory")
                self.run_dir.unlink()

    def test_what_is_made_is_for_its_owner(self):
        previous = os.umask(0)
        self.addCleanup(os.umask, previous)
        self.reset()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [self.run_dir, *self.run_dir.iterdir()]}
        self.assertEqual(modes, {"run": 0o755, "journal.jsonl": 0o600, "summary.json": 0o644, "locks": 0o755})
        self.assert_fine(self.s3flow("run", self.job_file, "--resume"))

    def test_a_directory_that_is_swapped_while_it_is_used(self):
        faults = self.write("faults.yaml", "faults: [{operation: PutObject, action: delay, delay: 1s, attempts: all}]")
        moved = self.dir / "moved"
        with Serve(self.dir / "slow", "--faults", faults) as server:
            job = self.job(server.endpoint, extra="upload: {concurrency: 1}")
            process = subprocess.Popen([S3FLOW, "run", job], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment())
            while not self.journal.exists():
                time.sleep(0.01)
            self.run_dir.rename(moved)
            self.run_dir.symlink_to(self.dir / "theirs")
            self.assertFalse((moved / "summary.json").exists(), "too late to say anything")
            _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(json.loads((moved / "summary.json").read_text())["uploaded"], 3)
        self.assertIn("released", (moved / "locks/1").read_text())

    def test_links_that_are_put_there_while_it_runs(self):
        """By somebody who may: at any moment nothing is followed."""
        random = seeded_random()
        names = ["journal.jsonl", "summary.json", "summary.json.new", "journal.jsonl.torn", "locks/1", "locks/2", "locks"]
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
                        continue  # this test follows no link either
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

    def test_a_trace_that_is_no_file(self):
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


class HostilePlans(Hostile):
    def setUp(self):
        super().setUp()
        self.plan = self.dir / "plan"
        self.serve()

    def planned(self):
        shutil.rmtree(self.plan, ignore_errors=True)
        ended = self.s3flow("plan", self.job_file, "--shards", "2", "--out", self.plan)
        self.assertEqual(ended.returncode, 0, ended.stderr)

    def shard(self, number=0, *arguments):
        return self.s3flow("run", "--plan", self.plan, "--shard", f"{number}/2", *arguments)

    def each_kind(self, name, check):
        """Things that are no files of ours, in the place of a plan's file."""
        fifo = self.dir / "fifo"
        fifo.exists() or os.mkfifo(fifo)
        kinds = [(functools.partial(a_link, self.victim), "is a symbolic link"), (functools.partial(a_link, fifo), "is a symbolic link"),
                 (os.mkfifo, "is a FIFO"), (a_directory, "is a directory"), (a_socket, "is a socket"), (a_device, "is a device")]
        for make, words in kinds:
            with self.subTest(f"{name} {words}"):
                self.planned()
                path = self.plan / name
                path.unlink()
                make(path)
                check(path, words)

    def test_files_of_a_plan_that_are_none(self):
        def check(path, words):
            # A manifest is what the run has for a source.
            self.assert_refused(self.shard(), path, words, "remove it", status=66 if "manifests" in str(path) else 74)
            self.assert_refused(self.s3flow("finish", self.plan), path, words, "remove it")
        for name in ("plan.json", "job.yaml", "manifests/00000"):
            self.each_kind(name, check)

    def test_a_link_to_the_plan_itself_is_one_too(self):
        for name in ("plan.json", "job.yaml", "manifests", "manifests/00000"):
            with self.subTest(name):
                self.planned()
                (self.plan / name).rename(self.dir / "moved")
                (self.plan / name).symlink_to(self.dir / "moved")
                self.assert_refused(self.shard(), self.plan / name, "is a symbolic link", status=66 if "manifests" in name else 74)
                shutil.rmtree(self.dir / "moved", ignore_errors=True)
                (self.dir / "moved").unlink(missing_ok=True)

    def test_texts_of_another_program(self):
        for name, text in [("plan.json", FOREIGN), ("plan.json", "{}"), ("plan.json", "[" * 100_000), ("plan.json", "\0" * 1000)]:
            self.planned()
            (self.plan / name).write_text(text)
            self.assert_refused(self.shard(), self.plan / name)
            self.assert_refused(self.s3flow("finish", self.plan), self.plan / name)
        for bytes, words in [(HUGE, "has more than")]:
            for name in ("plan.json", "job.yaml"):
                self.planned()
                sparse(self.plan / name, bytes)
                self.assert_refused(self.shard(), self.plan / name, words)
        self.planned()
        sparse(self.plan / "manifests/00000", HUGE)
        self.assert_refused(self.shard(), "manifests/00000:1: this line has more than 16 MiB", status=66)

    def test_what_others_may_write_to(self):
        for name in (".", "plan.json", "job.yaml"):
            for mode in (0o777, 0o775):
                with self.subTest(f"{name} {mode:o}"):
                    self.planned()
                    (self.plan / name).chmod(mode)
                    path = os.path.normpath(self.plan / name)
                    for ended in (self.shard(), self.s3flow("finish", self.plan)):
                        self.assert_refused(ended, path, f"may be written to by other users (mode {mode:04o}): chmod", "--trust-dir")
                    for i in range(2):
                        self.assertEqual(self.shard(i, "--trust-dir").returncode, 0)
                    self.assertEqual(self.s3flow("finish", self.plan, "--trust-dir").returncode, 0)
        for name in ("shards", "shards/00001", "shards/00001/journal.jsonl", "manifests", "manifests/00001"):
            with self.subTest(name):
                self.planned()
                for i in range(2):
                    self.assertEqual(self.shard(i).returncode, 0)
                (self.plan / name).chmod(0o777)
                self.assert_refused(self.s3flow("finish", self.plan), self.plan / name, "may be written to by other users")
                self.assertEqual(self.s3flow("finish", self.plan, "--trust-dir").returncode, 0)

    @as_root
    def test_what_another_user_owns(self):
        for name in (".", "plan.json", "job.yaml"):
            with self.subTest(name):
                self.planned()
                os.chown(self.plan / name, STRANGER, -1)
                for ended in (self.shard(), self.s3flow("finish", self.plan)):
                    self.assert_refused(ended, os.path.normpath(self.plan / name), f"belongs to another user (uid {STRANGER})", "--trust-dir")
        for name in ("shards", "shards/00001", "shards/00001/journal.jsonl", "manifests/00001"):
            self.planned()
            for i in range(2):
                self.assertEqual(self.shard(i).returncode, 0)
            os.chown(self.plan / name, STRANGER, -1)
            self.assert_refused(self.s3flow("finish", self.plan), self.plan / name, "belongs to another user")

    def test_shards_that_are_elsewhere(self):
        """What is believed of a shard stands in the plan's directory."""
        self.planned()
        for i in range(2):
            self.assertEqual(self.shard(i).returncode, 0)
        for name in ("shards", "shards/00001"):
            (self.plan / name).rename(self.dir / "moved")
            (self.plan / name).symlink_to(self.dir / "moved")
            self.assert_refused(self.s3flow("finish", self.plan), self.plan / name, "is a symbolic link")
            (self.plan / name).unlink()
            (self.dir / "moved").rename(self.plan / name)
        journal = self.plan / "shards/00001/journal.jsonl"
        journal.unlink()
        os.mkfifo(journal)
        self.assert_refused(self.s3flow("finish", self.plan), journal, "is a FIFO")

    def test_the_census_touches_nothing(self):
        running = self.plan / "running"
        for make in (functools.partial(a_link, self.dir / "theirs"), os.mkfifo, lambda path: path.write_text("theirs")):
            self.planned()
            make(running)
            self.assertEqual(self.shard().returncode, 0)
            self.assertTrue(os.path.lexists(running))
        for make in (functools.partial(a_link, self.victim), functools.partial(a_link, self.dir / "theirs/none"), os.mkfifo,
                     functools.partial(os.link, self.victim)):
            self.planned()
            running.mkdir()
            make(running / "00000")
            self.assertEqual(self.shard().returncode, 0)

    def test_plan_replaces_nothing_of_others(self):
        def directory(name):
            return lambda: self.write(f"plan/{name}/sub/theirs", "kept") and self.write(f"plan/{name}/0", "kept")
        made = {"job.yaml": lambda: self.write("plan/job.yaml", "kept"), "summary.json": lambda: self.write("plan/summary.json", "kept"),
                "manifests": directory("manifests"), "spool": directory("spool"), "shards": directory("shards"),
                "a link": lambda: (self.plan.mkdir(), (self.plan / "spool").symlink_to(self.dir / "theirs")),
                "a link as job file": lambda: (self.plan.mkdir(), (self.plan / "job.yaml").symlink_to(self.victim))}
        for name, make in made.items():
            with self.subTest(name):
                shutil.rmtree(self.plan, ignore_errors=True)
                make()
                before = {path: path.read_bytes() for path in self.plan.rglob("*") if path.is_file()}
                for _ in range(2):  # what the first has left makes no plan of it
                    ended = self.s3flow("plan", self.job_file, "--shards", "2", "--out", self.plan)
                    self.assert_refused(ended, self.plan, "choose another directory")
                self.assertEqual({path: path.read_bytes() for path in before}, before)

    def test_a_plan_that_did_not_end_is_made_anew(self):
        self.planned()
        (self.plan / "plan.json").unlink()
        (self.plan / "spool").mkdir()
        (self.plan / "spool/17").write_text("left by a killed process")
        self.assertEqual(self.s3flow("plan", self.job_file, "--shards", "2", "--out", self.plan).returncode, 0)
        self.assertFalse((self.plan / "spool").exists())
        for i in range(2):
            self.assertEqual(self.shard(i).returncode, 0)
        self.assertEqual(self.s3flow("finish", self.plan).returncode, 0)

    def test_a_plan_is_for_its_owner(self):
        previous = os.umask(0)
        self.addCleanup(os.umask, previous)
        self.planned()
        for name, mode in [(".", 0o755), ("plan.json", 0o600), ("job.yaml", 0o600), ("journal.jsonl", 0o600), ("shards", 0o755), ("manifests", 0o755)]:
            self.assertEqual(stat.S_IMODE((self.plan / name).stat().st_mode), mode, name)
        for i in range(2):
            self.assertEqual(self.shard(i).returncode, 0)
        self.assertEqual(self.s3flow("finish", self.plan).returncode, 0)


class Bait(Hostile):
    """A directory whose records name the job file of somebody who would like to be sent our credentials."""

    def setUp(self):
        super().setUp()
        self.asked = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.asked.close)
        self.endpoint = f"http://127.0.0.1:{self.asked.getsockname()[1]}"
        self.evil = self.write("evil/job.yaml", f"""
source: [{{path: {self.dir}/data}}]
destination: {{bucket: bucket, endpoint: '{self.endpoint}'}}
object: {{metadata: {{loot: '${{LOOT:-none}}'}}}}
""")
        self.mine = dict(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET)
        self.run_dir = self.dir / "bait"

    def bait(self, job_file):
        """A run directory whose run has left an upload in the store."""
        shown = self.s3flow("check", job_file, **self.mine).stdout
        plan = self.dir / "probe"
        shutil.rmtree(plan, ignore_errors=True)
        ended = self.s3flow("plan", job_file, "--shards", "1", "--out", plan, **self.mine)
        self.assertEqual(ended.returncode, 0, ended.stderr + shown)
        run = json.loads((plan / "journal.jsonl").read_text().splitlines()[0])
        del run["crc"]
        shutil.rmtree(self.run_dir, ignore_errors=True)
        self.write("bait/journal.jsonl", sealed(**run) + sealed(record="creating", token="t", key="k", time=int(time.time())))
        self.run_dir.chmod(0o755)

    def was_asked(self):
        self.asked.settimeout(0)
        try:
            self.asked.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def assert_nobody_asked(self, ended, *words):
        self.assertFalse(self.was_asked(), "a request was sent there")
        self.assertEqual(ended.returncode, 74, ended.stdout + ended.stderr)
        for word in words:
            self.assertIn(str(word), ended.stderr)

    def clean(self, *arguments):
        process = subprocess.Popen([S3FLOW, "clean", self.run_dir, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=clean_environment(**self.mine))
        # Who asks gets no answer.
        self.asked.settimeout(0.1)
        try:
            while process.poll() is None:
                try:
                    connection = self.asked.accept()[0]
                except TimeoutError:
                    continue
                connection.close()
                process.kill()
                process.communicate()
                return None
        finally:
            process.kill()
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def test_a_bait_works_on_those_who_trust_it(self):
        """Else the tests below would say nothing."""
        self.bait(self.evil)
        self.assertIsNone(self.clean(), "the store is asked")
        self.run_dir.chmod(0o777)
        self.assertIsNone(self.clean("--trust-dir"))

    def test_a_directory_that_others_may_write_to(self):
        self.bait(self.evil)
        self.run_dir.chmod(0o777)
        self.assert_nobody_asked(self.clean(), self.run_dir, "chmod -R go-w", "--trust-dir")

    def test_a_job_file_that_others_may_write_to(self):
        self.bait(self.evil)
        self.evil.chmod(0o666)
        self.assert_nobody_asked(self.clean(), self.evil, "chmod go-w", "--job")
        self.assertIsNone(self.clean("--trust-dir"))
        self.assertIsNone(self.clean("--job", self.evil), "who names it means it")

    def test_a_job_file_that_is_none(self):
        self.bait(self.evil)
        self.evil.rename(self.dir / "evil/moved.yaml")
        self.evil.symlink_to("moved.yaml")
        self.assert_nobody_asked(self.clean(), self.evil, "is a symbolic link", "--job")
        self.evil.unlink()
        os.mkfifo(self.evil)
        self.assert_nobody_asked(self.clean(), self.evil, "is a FIFO", "--job")
        self.evil.unlink()
        ended = self.clean()
        self.assertEqual(ended.returncode, 66)
        self.assertIn("--job", ended.stderr)

    @as_root
    def test_what_another_user_owns(self):
        for path in (self.run_dir, self.run_dir / "journal.jsonl", self.evil):
            with self.subTest(path):
                self.bait(self.evil)
                os.chown(path, STRANGER, -1)
                self.assert_nobody_asked(self.clean(), path, f"belongs to another user (uid {STRANGER})")
                os.chown(self.evil, 0, -1)


if __name__ == "__main__":
    unittest.main()
