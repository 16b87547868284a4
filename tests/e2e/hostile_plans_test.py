"""Plan directories with things that s3flow did not put there. They are harmless, or refused with a message that names
the path and what to do. Nothing outside the directory is touched, and nothing hangs."""
import functools
import os
import shutil
import stat
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.hostile import FOREIGN, HUGE, Hostile, STRANGER, a_device, a_directory, a_link, a_socket, as_root, sparse


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
        """Replaces a file of a plan by each kind of thing in turn."""
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

    def test_files_of_a_plan_that_are_not_regular_files_are_refused(self):
        def check(path, words):
            # The manifest is the source of the run, so the status is 66.
            self.assert_refused(self.shard(), path, words, "remove it", status=66 if "manifests" in str(path) else 74)
            self.assert_refused(self.s3flow("finish", self.plan), path, words, "remove it")
        for name in ("plan.json", "job.yaml", "manifests/00000"):
            self.each_kind(name, check)

    def test_a_link_to_a_file_of_the_plan_itself_is_refused(self):
        for name in ("plan.json", "job.yaml", "manifests", "manifests/00000"):
            with self.subTest(name):
                self.planned()
                (self.plan / name).rename(self.dir / "moved")
                (self.plan / name).symlink_to(self.dir / "moved")
                self.assert_refused(self.shard(), self.plan / name, "is a symbolic link", status=66 if "manifests" in name else 74)
                shutil.rmtree(self.dir / "moved", ignore_errors=True)
                (self.dir / "moved").unlink(missing_ok=True)

    def test_a_plan_json_of_another_program_is_refused(self):
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
        self.assert_refused(self.shard(), "manifests/00000:1: this line is longer than 16 MiB", status=66)

    def test_a_plan_that_others_may_write_to_is_refused(self):
        for name in (".", "plan.json", "job.yaml"):
            for mode in (0o777, 0o775):
                with self.subTest(f"{name} {mode:o}"):
                    self.planned()
                    (self.plan / name).chmod(mode)
                    path = os.path.normpath(self.plan / name)
                    for ended in (self.shard(), self.s3flow("finish", self.plan)):
                        self.assert_refused(ended, path, f"may be written to by other users (mode {mode:04o}): run chmod", "--trust-dir")
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
    def test_files_of_another_user_are_refused(self):
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

    def test_finish_reads_no_shard_outside_the_plan(self):
        """A shard's records must be in the directory of the plan itself."""
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

    def test_the_count_of_running_shards_follows_no_link(self):
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

    def test_plan_replaces_no_file_of_another_program(self):
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
                for _ in range(2):  # the remains of the first command must not look like a plan
                    ended = self.s3flow("plan", self.job_file, "--shards", "2", "--out", self.plan)
                    # `plan` first looks for files of a finished plan (78). It finds a foreign spool only when it creates its own (74).
                    status = 74 if name in ("spool", "a link") else 78
                    self.assert_refused(ended, self.plan, "choose another directory", status=status)
                self.assertEqual({path: path.read_bytes() for path in before}, before)

    def test_an_unfinished_plan_is_made_again(self):
        self.planned()
        (self.plan / "plan.json").unlink()
        (self.plan / "spool").mkdir()
        (self.plan / "spool/17").write_text("left by a killed process")
        self.assertEqual(self.s3flow("plan", self.job_file, "--shards", "2", "--out", self.plan).returncode, 0)
        self.assertFalse((self.plan / "spool").exists())
        for i in range(2):
            self.assertEqual(self.shard(i).returncode, 0)
        self.assertEqual(self.s3flow("finish", self.plan).returncode, 0)

    def test_only_the_owner_can_read_a_plan(self):
        previous = os.umask(0)
        self.addCleanup(os.umask, previous)
        self.planned()
        for name, mode in [(".", 0o755), ("plan.json", 0o600), ("job.yaml", 0o600), ("journal.jsonl", 0o600), ("shards", 0o755), ("manifests", 0o755)]:
            self.assertEqual(stat.S_IMODE((self.plan / name).stat().st_mode), mode, name)
        for i in range(2):
            self.assertEqual(self.shard(i).returncode, 0)
        self.assertEqual(self.s3flow("finish", self.plan).returncode, 0)


if __name__ == "__main__":
    unittest.main()
