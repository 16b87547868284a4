"""Unusual file systems: temporary errors, times that change although the content does not, entries without inode
numbers, short reads, kernels without sendfile. support/io_faults.c injects the results of system calls."""
import errno
import itertools
import os
import pathlib
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, SANITIZE, Serve, TestCase, clean_environment, read_journal, s3flow, sha256
from support.store_client import s3_client

SHIM = os.environ["S3FLOW_IO_FAULTS"]
UPLOAD = "upload: {concurrency: 8, part_size: 5MiB, multipart_threshold: 5MiB}"
EVER = -1
ALL = os.environ.get("S3FLOW_FAULTS") == "all"


def wait_for(test, condition):
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    test.fail("the condition did not become true")


class Files(TestCase):
    def setUp(self):
        super().setUp()
        self.runs = itertools.count()

    def file(self, name, data):
        return self.write(f"data/{name}", data)

    def serve(self):
        server = Serve(self.dir / "store").__enter__()
        self.addCleanup(server.__exit__)
        self.client = s3_client(server.endpoint)
        self.addCleanup(self.client.close)
        return server

    def start(self, server, fault="", extra=UPLOAD, source=""):
        """Starts a run with a bucket and a run directory of its own. `source` is added to the settings of its root."""
        number = next(self.runs)
        self.bucket, self.run_dir, self.mark = f"bucket-{number}", self.dir / f"run{number}", self.dir / f"mark{number}"
        self.client.create_bucket(Bucket=self.bucket)
        job = self.job(server.endpoint, bucket=self.bucket, extra=extra)
        text = job.read_text().replace(str(self.dir / "run"), str(self.run_dir))
        job.write_text(text.replace(f"{self.dir / 'data'}\n", f"{self.dir / 'data'}\n{source}"))
        injected = dict(LD_PRELOAD=SHIM, S3FLOW_FAULT=fault, S3FLOW_FAULT_DIR=str(self.dir / "data"), S3FLOW_FAULT_MARK=str(self.mark))
        return subprocess.Popen([S3FLOW, "run", str(job)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                env=clean_environment(**(injected if fault else {})), stdin=subprocess.DEVNULL)

    def run_with(self, *arguments, **named):
        """Returns the exit status, stderr, and whether the fault happened."""
        process = self.start(*arguments, **named)
        said = process.communicate(timeout=120)[1]
        return process.returncode, said, self.mark.exists()

    def stored(self):
        return {o["Key"]: sha256(self.client.get_object(Bucket=self.bucket, Key=o["Key"])["Body"].read())
                for o in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])}

    def on_disk(self):
        root = self.dir / "data"
        return {str(p.relative_to(root)): sha256(p.read_bytes()) for p in root.rglob("*") if p.is_file()}

    def check_store(self, context=None):
        self.assertEqual(self.stored(), self.on_disk(), context)
        self.assertEqual(self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []), [], context)


@unittest.skipIf(SANITIZE, "a sanitizer must be loaded before the preloaded library, and refuses to start")
class Answers(Files):
    def setUp(self):
        super().setUp()
        self.file("small", b"small")
        self.file("sub/whole", os.urandom(300_000))  # large enough to be sent from its file
        self.file("parts", os.urandom(6 << 20))

    PASSING = [errno.EINTR, errno.EAGAIN, errno.EBUSY, errno.ENOMEM, errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.ENOENT]

    def test_a_system_call_may_fail_once(self):
        """No file fails because of one ESTALE at any call, or because of another temporary error at one call of each
        kind."""
        server = self.serve()
        for call in ("open", "stat", "read", "getdents"):
            for number in range(1, 200) if ALL else (1, 2, 3, 5, 8, 13, 21, 34, 55, 89):
                status, said, happened = self.run_with(server, f"{call}:{number}:{errno.ESTALE}")
                self.assertEqual(status, 0, f"{call} {number}: {said}")
                if not happened:
                    break
                self.check_store(f"{call} {number}")
            self.assertGreater(number, 2, f"{call}: too few faults were tried")
            for error in self.PASSING[:8 if ALL else 2]:
                status, said, happened = self.run_with(server, f"{call}:2:{error}")
                self.assertEqual((status, happened), (0, True), f"{call} {errno.errorcode[error]}: {said}")
                self.check_store((call, errno.errorcode[error]))

    def test_an_error_that_stays_fails_the_file_after_some_tries(self):
        server = self.serve()
        for fault, reason in [(f"open:3:{errno.ESTALE}:{EVER}", "Stale file handle"), (f"read:1:{errno.EIO}:{EVER}", "Input/output error"),
                              (f"getdents:1:{errno.EIO}:{EVER}", "cannot read the directory: Input/output error"),
                              (f"open:3:{errno.EACCES}:{EVER}", "Permission denied")]:
            status, said, happened = self.run_with(server, fault)
            self.assertEqual((status, happened), (1, True), f"{fault}: {said}")
            self.assertIn(reason, said)
            self.assertEqual(self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []), [])

    def test_a_missing_permission_is_not_retried(self):
        status, said, happened = self.run_with(self.serve(), f"read:1:{errno.EACCES}")
        self.assertEqual((status, happened), (1, True), said)
        self.assertEqual([r["outcome"] for r in read_journal(self.run_dir)].count("failed"), 1)

    def test_when_sendfile_fails_the_bytes_are_copied(self):
        server = self.serve()
        for error in (errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EOVERFLOW, errno.EIO, errno.ESTALE):
            status, said, happened = self.run_with(server, f"sendfile:1:{error}:{EVER}")
            self.assertEqual((status, happened), (0, True), f"{errno.errorcode[error]}: {said}")
            self.check_store(errno.errorcode[error])
            self.assertTrue(all(r["attempts"] == 1 for r in read_journal(self.run_dir)), errno.errorcode[error])

    def test_short_reads_and_odd_directory_entries_change_nothing(self):
        """Reads of fewer bytes than requested, entries without inode number and type, entries that are listed twice,
        inode numbers that change."""
        server = self.serve()
        follows = "    follow_symlinks: true\n"
        for fault, sources in ((f"read:1:short:{EVER}", [""]), (f"getdents:1:anonymous:{EVER}", [""]), ("getdents:1:repeat", [""]),
                               ("stat:3:anonymous:5", [""]), (f"stat:1:anonymous:{EVER}", ["", follows])):
            for source in sources:
                status, said, happened = self.run_with(server, fault, source=source)
                self.assertEqual((status, happened), (0, True), f"{fault}: {said}")
                self.check_store(fault)


class Times(Files):
    """Files whose times or content change during the upload."""

    def test_hard_links_and_chmod_during_the_upload_fail_no_file(self):
        names = [f"f{i}" for i in range(200)]
        for i, name in enumerate(names):
            self.file(name, os.urandom(300_000 if i % 20 == 0 else 100 + i))
        self.file("large", os.urandom(11 << 20))
        paths = [self.dir / "data" / name for name in [*names, "large"]]
        os.mkdir(self.dir / "links")
        ended, rounds = threading.Event(), 0

        def disturb():
            nonlocal rounds
            while not ended.is_set():
                for path in paths:
                    link = self.dir / "links" / path.name
                    os.link(path, link)
                    os.chmod(path, 0o600 if rounds % 2 else 0o640)
                    os.unlink(link)
                rounds += 1

        server = self.serve()
        disturber = threading.Thread(target=disturb)
        disturber.start()
        try:
            status, said, _ = self.run_with(server, extra=UPLOAD + "\nintegrity: {changed_file_retries: 0}")
        finally:
            ended.set()
            disturber.join()
        self.assertGreater(rounds, 0)
        self.assertEqual(status, 0, said)
        self.check_store()

    def change_between_parts(self, change, source="", retries=2):
        """Changes the file after its first part is stored and while its second part is being read."""
        process = self.start(self.server, "sendmsg:3:wait", extra=UPLOAD.replace("8", "1", 1) + f"\nintegrity: {{changed_file_retries: {retries}}}",
                             source=source)
        wait_for(self, lambda: self.mark.exists() or process.poll() is not None)
        change()
        self.mark.unlink()  # fails if the run did not wait at the fault
        said = process.communicate(timeout=120)[1]
        return process.returncode, said

    @unittest.skipIf(SANITIZE, "a sanitizer must be loaded before the preloaded library, and refuses to start")
    def test_each_change_check_notices_the_changes_it_should(self):
        self.server = self.serve()
        old = b"o" * (6 << 20)
        new = b"n" + old[1:]

        def rewrite(keeps_mtime):
            def change():
                before = os.stat(self.path)
                with open(self.path, "r+b") as file:
                    file.write(b"n")
                if keeps_mtime:
                    os.utime(self.path, ns=(before.st_atime_ns, before.st_mtime_ns))
            return change

        def link():
            os.link(self.path, self.dir / "link")
            os.unlink(self.dir / "link")

        def replace():
            (self.dir / "other").write_bytes(new)
            os.rename(self.dir / "other", self.path)
        content, times, none = "", "    change_check: times\n", "    change_check: none\n"
        for name, change, source, expected in [
                ("chmod", lambda: os.chmod(self.path, 0o600), content, old),
                ("a hard link", link, content, old),
                ("an attribute", lambda: os.setxattr(self.path, "user.s3flow", b"x"), content, old),
                ("replaced by rename", replace, content, old),
                ("rewritten, mtime set back", rewrite(True), content, None),
                ("rewritten", rewrite(False), content, None),
                ("chmod, times", lambda: os.chmod(self.path, 0o600), times, old),
                ("rewritten, mtime set back, times", rewrite(True), times, old),
                ("rewritten, times", rewrite(False), times, None),
                ("rewritten, none", rewrite(False), none, old)]:
            with self.subTest(name):
                if name == "an attribute" and not self.takes_attributes():
                    self.skipTest("no extended attributes on this file system")
                self.path = self.file("parts", old)
                os.utime(self.path, ns=(0, 1_000_000_000))
                status, said = self.change_between_parts(change, source, retries=0)
                self.assertEqual(status, 1 if expected is None else 0, said)
                self.assertEqual(self.stored(), {} if expected is None else {"parts": sha256(expected)})
                self.assertEqual(self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []), [])

    def takes_attributes(self):
        try:
            os.setxattr(self.file("parts", b"x"), "user.s3flow", b"x")
        except OSError:
            return False
        return True

    def test_file_times_may_have_any_value(self):
        """Times before 1970 and after 2038, 2262 and 2446, as far as this file system stores them."""
        exact = {}
        for seconds in (-(2**63) // 10**9, -(2**31), -1, 0, 2**31, 2**32, 15032385535, 9223372036, 9223372037, 2**40, 2**62):
            for fraction in (0, 1, 999_999_999):
                path = self.file(f"t{seconds}.{fraction}", b"x")
                try:
                    subprocess.run(["touch", "-d", f"@{seconds}.{fraction:09}", path], check=True, capture_output=True)
                except subprocess.CalledProcessError:
                    continue
                kept = subprocess.run(["stat", "-c", "%.9Y", path], check=True, capture_output=True, text=True).stdout.strip()
                whole, _, part = kept.lstrip("-").partition(".")
                exact[path.name] = (-1 if kept.startswith("-") else 1) * (int(whole) * 10**9 + int(part))
        server = self.serve()
        for skip in ("never", "size_mtime"):
            extra = f"object: {{posix: true}}\nresume: {{skip: {skip}}}"
            status, said, _ = self.run_with(server, extra=extra)
            if skip == "size_mtime":
                break
            self.assertEqual(status, 0, said)
            for name, nanoseconds in exact.items():
                metadata = self.client.head_object(Bucket=self.bucket, Key=name)["Metadata"]
                self.assertEqual(metadata["file-mtime"], f"{nanoseconds}ns", name)
            recorded = {r["key"]: r.get("mtime_ns", 0) for r in read_journal(self.run_dir)}
            for name, nanoseconds in exact.items():
                self.assertEqual(recorded[name] % 2**64, nanoseconds % 2**64, name)
            first = self.bucket
        # The second run uploads to the bucket of the first.
        job = self.dir / "job.yaml"
        job.write_text(job.read_text().replace(self.bucket, first).replace(str(self.run_dir), str(self.dir / "again")))
        self.assertEqual(s3flow("run", job).returncode, 0)
        self.assertEqual({r["outcome"] for r in read_journal(self.dir / "again")}, {"skipped"})


class Names(Files):
    def test_long_names_and_paths_are_uploaded(self):
        """Names of 255 bytes, and a path that is too long for any system call."""
        root = self.dir / "data" / "/".join(["d" * 240] * 14)
        os.makedirs(root)
        at = os.open(root, os.O_RDONLY)
        for name in ("e" * 255, "f" * 255):
            os.mkdir(name, dir_fd=at)
            below = os.open(name, os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        file = os.open("g" * 255, os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=at)
        os.write(file, b"far down")
        os.close(file)
        os.close(at)
        server = self.serve()
        job = self.job(server.endpoint, source=str(pathlib.Path("data", *root.relative_to(self.dir / "data").parts)))
        ended = s3flow("run", job)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        key = "/".join(c * 255 for c in "efg")
        self.assertEqual(self.client.get_object(Bucket="bucket", Key=key)["Body"].read(), b"far down")

    def test_a_mount_below_the_root_is_walked(self):
        self.file("f", b"x")
        mounted = self.dir / "data" / "mounted"
        mounted.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "s3flow-test", mounted], capture_output=True).returncode != 0:
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", mounted], check=True)
        self.file("mounted/g", b"on another device")
        status, said, _ = self.run_with(self.serve())
        self.assertEqual(status, 0, said)
        self.check_store()

    @unittest.skipIf(SANITIZE, "a sanitizer must be loaded before the preloaded library, and refuses to start")
    def test_a_fifo_in_place_of_a_file_does_not_hang_a_rehearsal(self):
        """The endpoint, in the same process, delays its response until the file is replaced."""
        path, mark = self.file("f", b"content"), self.dir / "mark"
        process = subprocess.Popen([S3FLOW, "rehearse", str(self.job("http://127.0.0.1:1"))], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
                                   env=clean_environment(LD_PRELOAD=SHIM, S3FLOW_FAULT="sendmsg:2:wait", S3FLOW_FAULT_MARK=str(mark)))
        self.addCleanup(process.kill)
        wait_for(self, lambda: mark.exists() or process.poll() is not None)
        path.unlink()
        os.mkfifo(path)
        mark.unlink()
        said = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, 70, said)
        self.assertIn("differs from its file", said)


if __name__ == "__main__":
    unittest.main()
