"""Every command and every job in README.md works as it is written there."""
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, TOP, Serve, TestCase, clean_environment, read_journal

BLOCK = re.compile(r"^```(sh|yaml)\n(.*?)^```$", re.M | re.S)
# The example keys of AWS's documentation, which README uses.
KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

# Replaces Slurm's sbatch: each element of the array runs here, with the variables that Slurm sets.
SBATCH = """#!/bin/bash
set -e
[[ $1 =~ ^--array=0-([0-9]+)$ ]]
last=${BASH_REMATCH[1]}
for i in $(seq 0 "$last"); do
  SLURM_JOB_ID=$((100 + i)) SLURM_ARRAY_JOB_ID=100 SLURM_ARRAY_TASK_ID=$i SLURM_ARRAY_TASK_MIN=0 \\
    SLURM_ARRAY_TASK_MAX=$last SLURM_ARRAY_TASK_COUNT=$((last + 1)) bash "${@:2}"
done
"""


def blocks(kind):
    return [text for found, text in BLOCK.findall((TOP / "README.md").read_text()) if found == kind]


class Readme(TestCase):
    def setUp(self):
        super().setUp()
        (self.dir / "bin").mkdir()
        (self.dir / "bin/s3flow").symlink_to(S3FLOW)
        self.write("bin/sbatch", SBATCH).chmod(0o755)
        (self.dir / "config").symlink_to(TOP / "config")
        for i in range(40):
            self.write(f"data/{i}.txt", str(i) * 100)

    def shell(self, text, **environment):
        path = f"{self.dir / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(["bash", "-euc", text], cwd=self.dir, capture_output=True, text=True, timeout=300,
                              stdin=subprocess.DEVNULL, env=clean_environment(PATH=path, **environment))

    def test_every_command_succeeds(self):
        with Serve(self.dir / "store", buckets=("my-results",), key_id=KEY_ID, secret=SECRET) as serve:
            # Replaces AWS: variables of the environment complete the job.
            aws = {"AWS_ENDPOINT_URL_S3": serve.endpoint}
            keys = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
            ran = []
            for block in blocks("sh"):
                first = block.splitlines()[0]
                if first.startswith("git clone"):
                    # The first line made this folder, and quickstart_test.py runs the second one.
                    self.assertTrue((TOP / block.splitlines()[1]).is_file())
                    continue
                own_keys = "export AWS_SECRET_ACCESS_KEY=" + SECRET in block
                ended = self.shell(block, **aws, **({} if own_keys else keys))
                self.assertEqual(ended.returncode, 0, block + ended.stdout + ended.stderr)
                ran += re.findall(r"^(?:s3flow|sbatch) ?(\w*)", block, re.M)
                if own_keys:
                    self.assertIn("40 found: 40 uploaded", ended.stdout)
        self.assertEqual(sorted(set(ran)), ["", "check", "clean", "finish", "init", "plan", "rehearse", "report", "run", "status"])
        self.assertEqual({r["outcome"] for r in read_journal(self.dir / "RUN")}, {"uploaded"})

    def test_every_job_is_valid(self):
        for text in blocks("yaml"):
            with self.subTest(text):
                job = text if "destination:" in text else text + "destination:\n  bucket: results\n"
                self.write("job.yaml", job)
                ended = self.shell("s3flow check job.yaml")
                self.assertEqual(ended.returncode, 0, ended.stderr)

    def test_every_link_has_a_target(self):
        text = (TOP / "README.md").read_text()
        links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
        self.assertGreater(len(links), 10)
        self.assertEqual([link for link in links if not (TOP / link).exists()], [])

    def test_the_figures_come_from_the_results(self):
        ended = subprocess.run([sys.executable, "-B", TOP / "bench/table.py", TOP / "bench/results", "--check"], cwd=TOP,
                               capture_output=True, text=True, timeout=60)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)


if __name__ == "__main__":
    unittest.main()
