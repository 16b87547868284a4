"""`s3flow check` refuses every file of tests/config/broken with status 78 at the right line and column."""
import re
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import TOP, TestCase, s3flow

BROKEN = TOP / "tests/config/broken"


def expectations():
    wanted = {}
    for line in (BROKEN / "EXPECTED").read_text().splitlines():
        if not line.startswith("#"):
            name, text = line.split(" ", 1)
            wanted.setdefault(name, []).append(text)
    return wanted


class BrokenJobs(TestCase):
    def test_each_broken_job_is_refused_at_the_right_place(self):
        wanted = expectations()
        files = sorted(BROKEN.glob("*.yaml"))
        self.assertEqual([f.name for f in files], sorted(wanted), "EXPECTED must name exactly the files that exist")
        self.assertGreaterEqual(len(files), 60)
        for file in files:
            with self.subTest(file.name):
                ended = s3flow("check", file)
                self.assertEqual(ended.returncode, 78, ended.stderr)
                self.assertEqual(ended.stdout, "")
                shown = [line.removeprefix(str(file) + ":") for line in ended.stderr.splitlines()]
                for text in wanted[file.name]:
                    match = re.match(r"(\d+:\d+) (.*)", text)
                    start = f"{match[1]}: {match[2]}" if match else None
                    found = any(line.startswith(start) if start else text in line for line in shown)
                    self.assertTrue(found, f"wanted {text!r} in {ended.stderr!r}")
                self.assertEqual(len(shown), len(wanted[file.name]), f"each mistake needs exactly one line: {ended.stderr!r}")

    def test_a_job_file_larger_than_a_mebibyte_is_refused(self):
        file = self.write("big.yaml", "# " + "x" * (1 << 20))
        ended = s3flow("check", file)
        self.assertEqual(ended.returncode, 78)
        self.assertIn(":1:1: the file has", ended.stderr)


if __name__ == "__main__":
    unittest.main()
