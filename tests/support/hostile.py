"""A job beside files of another user, and the kinds of things that may replace a file: links, FIFOs, devices ..."""
import json
import os
import re
import shutil
import socket
import stat
import unittest

from support.harness import Serve, TestCase, read_records, s3flow

STRANGER = 12345  # an unused user ID
HUGE = 1_500_000_000  # bytes; more than a test process may have
FOREIGN = "".join(json.dumps({"event": i, "text": "of another program"}) + "\n" for i in range(1000))
as_root = unittest.skipUnless(os.geteuid() == 0, "only root may give files to another user")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sealed(**record):
    """Returns a line with a CRC, as in a journal."""
    text = json.dumps(record, separators=(",", ":"))[:-1]
    return f'{text},"crc":"{crc32c(text.encode()):08x}"}}\n'


def sparse(path, bytes, before=b""):
    path.write_bytes(before)
    os.truncate(path, len(before) + bytes)


class Hostile(TestCase):
    """A job with three files, and files of another user that must not change."""

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
        self.assertEqual(self.theirs(), self.before, "s3flow touched files of another user")

    def reset(self):
        """Makes a run directory with the journal of a finished run. Returns the journal's text."""
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
        """Runs s3flow. A process that waits for the writer of a FIFO fails after 60 s."""
        return s3flow(*arguments, timeout=60, **environment)

    def assert_refused(self, ended, *words, status=74):
        said = ended.stdout + ended.stderr
        self.assertEqual(ended.returncode, status, said)
        for word in words:
            self.assertIn(str(word), said)
        messages = [line for line in ended.stderr.splitlines() if not re.match(r"(\S+ )?note ", line)]  # with or without a time stamp
        self.assertEqual(len(messages), 1, "stderr must contain exactly one message besides notes")

    def assert_fine(self, ended):
        self.assertEqual(ended.returncode, 0, ended.stderr)
        results = {r["path"]: r["outcome"] for r in read_records(self.run_dir) if r["record"] == "result"}
        self.assertEqual(results, {str(self.dir / f"data/{i}"): "uploaded" for i in range(3)})


def a_link(to, path):
    path.symlink_to(to)


def a_socket(path):
    where = os.open(path.parent, os.O_PATH)  # the path may be too long for a socket address
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"/proc/self/fd/{where}/{path.name}")
    os.close(where)


def a_device(path):
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        raise unittest.SkipTest("this process may not create devices")


def a_directory(path):
    path.mkdir()
    (path / "theirs").write_text("kept")
