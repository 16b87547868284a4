"""The quickstart uploads five files, two at a time; two of them are retried twice, as README shows."""
import re
import subprocess
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, TOP, TestCase, clean_environment


class Quickstart(TestCase):
    def test_five_files_arrive_and_two_of_them_are_retried_twice(self):
        ended = subprocess.run([str(TOP / "bench/quickstart"), "--no-setup"], capture_output=True, text=True, timeout=300,
                               env=clean_environment(S3FLOW=S3FLOW))
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        events = re.findall(r"^\S+ (start|retry|done) +\S*/(file\d)\.txt(.*)$", ended.stderr, re.M)
        files = [f"file{i}" for i in range(1, 6)]
        self.assertEqual(sorted(name for kind, name, _ in events if kind == "start"), files)
        self.assertEqual(sorted(name for kind, name, _ in events if kind == "done"), files)
        retried = sorted(name for kind, name, _ in events if kind == "retry")
        self.assertEqual(retried, ["file2", "file2", "file4", "file4"])
        for kind, name, rest in events:
            if kind == "retry":
                attempt, delay = re.search(r"attempt (\d) of 5 failed, next in (\d+) ms: network timeout", rest).groups()
                self.assertLessEqual(int(delay), 100 * 2 ** (int(attempt) - 1), "full jitter below base * 2^n")
            if kind == "done":
                self.assertIn("3 attempts" if name in ("file2", "file4") else "1 attempt", rest)
        self.assertIn("5 found: 5 uploaded, 0 skipped, 0 failed, 0 cancelled", ended.stdout)
        self.assertIn("at most 2 requests in flight, 4 faults injected", ended.stdout)
        self.assertIn("read back: 5 objects equal, 0 not", ended.stdout)


if __name__ == "__main__":
    unittest.main()
