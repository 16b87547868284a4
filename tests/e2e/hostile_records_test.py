"""Records that name the job file of an attacker: no request goes to his server, unless the user trusts the directory."""
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SECRET, clean_environment
from support.hostile import Hostile, STRANGER, as_root, sealed


class Bait(Hostile):
    """A directory whose records name a job file of an attacker, who wants our credentials to be sent to his server."""

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
        """Makes a run directory whose run left an upload in the store."""
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
        self.assertFalse(self.was_asked(), "a request was sent to the attacker")
        self.assertEqual(ended.returncode, 74, ended.stdout + ended.stderr)
        for word in words:
            self.assertIn(str(word), ended.stderr)

    def clean(self, *arguments):
        process = subprocess.Popen([S3FLOW, "clean", self.run_dir, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=clean_environment(**self.mine))
        # The server never responds: one connection is proof enough.
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

    def test_the_bait_works_on_users_who_trust_it(self):
        """Without this, the tests below would prove nothing."""
        self.bait(self.evil)
        self.assertIsNone(self.clean(), "the server must get a request")
        self.run_dir.chmod(0o777)
        self.assertIsNone(self.clean("--trust-dir"))

    def test_a_directory_that_others_may_write_to_is_refused(self):
        self.bait(self.evil)
        self.run_dir.chmod(0o777)
        self.assert_nobody_asked(self.clean(), self.run_dir, "chmod -R go-w", "--trust-dir")

    def test_a_recorded_job_file_that_others_may_write_to_is_refused(self):
        self.bait(self.evil)
        self.evil.chmod(0o666)
        self.assert_nobody_asked(self.clean(), self.evil, "chmod go-w", "--job")
        self.assertIsNone(self.clean("--trust-dir"))
        self.assertIsNone(self.clean("--job", self.evil), "a job file that the user names is trusted")

    def test_a_recorded_job_file_that_is_not_a_regular_file_is_refused(self):
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
    def test_files_of_another_user_are_refused(self):
        for path in (self.run_dir, self.run_dir / "journal.jsonl", self.evil):
            with self.subTest(path):
                self.bait(self.evil)
                os.chown(path, STRANGER, -1)
                self.assert_nobody_asked(self.clean(), path, f"belongs to another user (uid {STRANGER})")
                os.chown(self.evil, 0, -1)


if __name__ == "__main__":
    unittest.main()
