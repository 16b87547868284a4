"""Plans on a real Slurm cluster of simulated nodes, with a real Ceph gateway: arrays, steps, mpirun, requeues, a lost
node, and the scripts of config/examples/slurm."""
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from real.rgw import KEY_ID, SECRET, Rgw
from real.slurm import Slurm
from support.harness import SANITIZE, TOP, TestCase, read_journal, seeded_random, sha256
from support.store_client import s3_client

EXAMPLES = TOP / "config/examples/slurm"
# S3FLOW_SHARDS_FULL=1: 20,000 files and one of 4 GiB, which take too long for the suite.
FULL = os.environ.get("S3FLOW_SHARDS_FULL")
FILES, GIANT = (20_000, 4 << 30) if FULL else (200 if SANITIZE else 800, 120 << 20)
SHARDS, CONCURRENCY = 8, 4


class SlurmTest(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rgw = Rgw()
        cls.addClassCleanup(cls.rgw.stop)
        cls.slurm = Slurm(nodes=4, cpus=4)
        cls.addClassCleanup(cls.slurm.stop)
        cls.s3 = s3_client(cls.rgw.endpoint, KEY_ID, SECRET)
        cls.addClassCleanup(cls.s3.close)
        cls.random = seeded_random()

    def setUp(self):
        super().setUp()
        self.plan = self.dir / "plan"
        self.bucket = f"slurm{self.random.randrange(2**40)}"
        self.s3.create_bucket(Bucket=self.bucket)

    def make_files(self, count=FILES, giant=GIANT):
        """Writes the files. Returns key -> SHA-256."""
        written = {}
        for i in range(count):
            data = self.random.randbytes(self.random.randrange(8000))
            self.write(f"data/{i % 50}/{i}", data)
            written[f"{i % 50}/{i}"] = sha256(data)
        if giant:
            path, digest, block = self.write("data/giant"), hashlib.sha256(), self.random.randbytes(1 << 20)
            with open(path, "wb") as file:
                for i in range(giant >> 20):
                    piece = i.to_bytes(8, "little") + block[8:]
                    file.write(piece)
                    digest.update(piece)
            written["giant"] = digest.hexdigest()
        return written

    def planned(self, extra=""):
        upload = f"upload: {{concurrency: {CONCURRENCY}, part_size: 5MiB, multipart_threshold: 8MiB}}\n"
        job = self.job(self.rgw.endpoint, bucket=self.bucket, key_id=KEY_ID, secret=SECRET, extra=upload + extra)
        ended = self.slurm.run("s3flow", "plan", job, "--shards", SHARDS, "--out", self.plan)
        return ended.stdout

    def finish(self, status=0):
        ended = self.slurm.run("s3flow", "finish", self.plan, check=False)
        self.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        report = json.loads((self.plan / "summary.json").read_text())
        self.assertEqual(report["found"], report["uploaded"] + report["skipped"] + report["failed"] + report["left"])
        return report

    def stored(self):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]

        def digest_of(key):
            digest = hashlib.sha256()
            for piece in self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].iter_chunks(1 << 20):
                digest.update(piece)
            return digest.hexdigest()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return dict(zip(keys, pool.map(digest_of, keys)))

    def assert_whole(self, written):
        """Checks that finish, journals and store agree. Returns the shards that sent part ranges."""
        report = self.finish()
        self.assertEqual((report["found"], report["uploaded"], report["shards_to_run"]), (len(written), len(written), ""))
        self.assertEqual(self.stored(), written)
        self.assertNotIn("Uploads", self.s3.list_multipart_uploads(Bucket=self.bucket))
        results, senders = collections.Counter(), set()
        for shard in range(SHARDS):
            for line in read_journal(self.plan / f"shards/{shard:05}"):
                # "cancelled": a session was stopped, and a later one has uploaded the input.
                self.assertIn(line["outcome"], ("uploaded", "sent", "cancelled"))
                if line["outcome"] == "sent":
                    senders.add(shard)
                elif line["outcome"] == "uploaded":
                    results[line["key"]] += 1
        for line in read_journal(self.plan):
            results[line["key"]] += 1
        self.assertEqual(results, {key: 1 for key in written}, "each object has exactly one result")
        return senders

    def test_array_elements_share_files_and_parts(self):
        written = self.make_files()
        print(self.planned())
        shards = json.loads((self.plan / "plan.json").read_text())["shards"]
        mean = sum(shard["bytes"] for shard in shards) / SHARDS
        for shard in shards:
            self.assertLess(abs(shard["bytes"] - mean), 0.1 * mean, shards)
        job = self.slurm.submit("-W", f"--array=0-{SHARDS - 1}", EXAMPLES / "shard.sbatch", self.plan)
        senders = self.assert_whole(written)
        self.assertGreaterEqual(len(senders), 4, "too few elements sent parts of the large file")
        summary = json.loads((self.plan / "shards/00003/summary.json").read_text())
        self.assertEqual(summary["scheduler"]["SLURM_ARRAY_JOB_ID"], job)
        self.assertEqual(summary["scheduler"]["SLURM_ARRAY_TASK_ID"], "3")

    def test_srun_and_mpirun_give_each_process_its_shard(self):
        if not os.access("/usr/bin/mpirun", os.X_OK):
            raise RuntimeError("mpirun is missing: run tests/setup")
        mpirun = "mpirun --allow-run-as-root --oversubscribe -n 8"
        written = self.make_files() if FULL else self.make_files(count=80, giant=50 << 20)
        for name, command in [("srun", ["srun", "-n", "8"]), ("mpirun", mpirun.split()),
                              ("mpirun in sbatch", None)]:
            with self.subTest(name):
                self.plan = self.dir / f"plan {name}"
                self.planned()
                if command:
                    self.slurm.run(*command, "s3flow", "run", "--plan", self.plan, "--shard", "auto")
                else:
                    # Under mpirun all ranks inherit SLURM_PROCID=0 from the launcher.
                    script = self.write("mpi.sbatch", f"#!/bin/bash\n{mpirun} s3flow run --plan '{self.plan}' --shard auto\n")
                    self.slurm.submit("-W", "-n", "8", script)
                self.assert_whole(written)
        # Seven processes cannot run eight shards.
        ended = self.slurm.run("srun", "-n", "7", "s3flow", "run", "--plan", self.plan, "--shard", "auto", check=False)
        self.assertIn("SLURM_NTASKS=7 do not fit 8 shards", ended.stderr)

    def trace_script(self):
        """Writes a script like requeue.sbatch, with a trace for each session. If s3flow ends early, the script ends
        with 100, which requeues it."""
        return self.write("traced.sbatch", f"""#!/bin/bash
#SBATCH --requeue --open-mode=append
s3flow run --plan {self.plan} --shard auto --trace-http {self.dir}/trace-$SLURM_ARRAY_TASK_ID-${{SLURM_RESTART_COUNT:-0}} &
upload=$!
echo $upload > {self.dir}/pid-$SLURM_ARRAY_TASK_ID
trap 'kill -TERM $upload' TERM
wait $upload
status=$?
while kill -0 $upload 2>/dev/null; do wait $upload; status=$?; done
[ $status -eq 0 ] || exit 100
""")

    def sent(self):
        """Returns shard -> request with data -> number of sessions that sent it."""
        counts = collections.defaultdict(collections.Counter)
        for trace in self.dir.glob("trace-*"):
            names = re.findall(r" > PUT \S+?//?[^/\s]+/[^/\s]+/(\S+)$", trace.read_text(errors="replace"), re.M)
            counts[int(trace.name.split("-")[1])].update(set(names))
        return counts

    def test_shards_complete_after_kills_requeues_and_a_lost_node(self):
        written = self.make_files(count=400, giant=60 << 20)
        self.planned(extra="limits: {requests_per_second: 120}\n")  # for all shards together, so that the upload takes a while
        job = self.slurm.submit(f"--array=0-{SHARDS - 1}", self.trace_script())
        begun = self.dir / "pid-7"
        deadline = time.monotonic() + 60
        while not begun.exists() or not (self.plan / "shards/00007/journal.jsonl").exists():
            self.assertLess(time.monotonic(), deadline, self.slurm.run("squeue").stdout)
            time.sleep(0.1)
        time.sleep(1)
        hurt = []
        for shard in (0, 1):
            os.kill(int((self.dir / f"pid-{shard}").read_text()), 9)
            hurt.append(shard)
        self.slurm.run("scontrol", "requeue", f"{job}_2")
        hurt.append(2)
        where = self.slurm.run("squeue", "-h", "-r", "-o", "%K %N", "-t", "running", "-j", job).stdout.split("\n")
        on_node = collections.defaultdict(list)
        for line in where:
            if line.strip():
                shard, node = line.split()
                on_node[node].append(int(shard))
        node = next(node for node, shards in on_node.items() if set(shards) - set(hurt))
        hurt += on_node[node]
        self.slurm.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
        report = self.finish(75)
        self.assertTrue(report["left"] > 0, report)
        self.slurm.run("scontrol", "update", f"nodename={node}", "state=idle")
        self.slurm.wait(job)
        self.assert_whole(written)
        restarts = sum(1 for shard in set(hurt) if "SLURM_RESTART_COUNT" in
                       json.loads((self.plan / f"shards/{shard:05}/summary.json").read_text())["scheduler"])
        self.assertGreaterEqual(restarts, 3, "too few elements were requeued")
        for shard, requests in self.sent().items():
            twice = sum(count - 1 for count in requests.values())
            sessions = len(list(self.dir.glob(f"trace-{shard}-*")))
            self.assertLessEqual(twice, (sessions - 1) * CONCURRENCY, f"shard {shard} sent more again than was in flight")

    def status(self):
        """Asks for the state of all shards. Returns the document of --json."""
        ended = self.slurm.run("s3flow", "status", self.plan, "--json", check=False)
        return json.loads(ended.stdout)

    def test_status_shows_an_array_with_a_killed_element(self):
        written = self.make_files(count=240, giant=0)
        self.planned(extra="limits: {requests_per_second: 40}\n")  # for all shards together
        script = self.write("shard.sbatch", f"""#!/bin/bash
echo $BASHPID > {self.dir}/pid-$SLURM_ARRAY_TASK_ID
exec s3flow run --plan {self.plan} --shard auto
""")
        job = self.slurm.submit(f"--array=0-{SHARDS - 1}", script)
        deadline = time.monotonic() + 60
        while [run["state"] for run in self.status()["runs"]] != ["running"] * SHARDS:
            self.assertLess(time.monotonic(), deadline, self.status())
            time.sleep(0.2)
        os.kill(int((self.dir / "pid-3").read_text()), 9)
        while (shown := self.status())["runs"][3]["state"] == "running":
            self.assertLess(time.monotonic(), deadline, shown)
        self.assertEqual(shown["runs"][3]["state"], "lost")
        self.assertEqual(shown["shards_to_run"], "3")
        text = self.slurm.run("s3flow", "status", self.plan, check=False).stdout
        print(text)
        self.assertRegex(text, r"8 shards: 7 running, 1 lost\n")
        self.slurm.wait(job)
        shown = self.status()
        self.assertEqual([run["state"] for run in shown["runs"]], ["finished"] * 3 + ["lost"] + ["finished"] * 4)
        again = re.search(r"sbatch --array=(\S+) SCRIPT (\S+)", self.slurm.run("s3flow", "status", self.plan, check=False).stdout)
        self.assertEqual(again.groups(), ("3", str(self.plan)))
        self.slurm.submit("-W", f"--array={again[1]}", EXAMPLES / "shard.sbatch", again[2])
        shown = self.status()
        self.assertEqual((shown["shards_to_run"], shown["uploaded"]), ("", len(written)))
        self.assert_whole(written)

    def test_only_failed_elements_run_again(self):
        written = self.make_files(count=80, giant=0)
        self.planned()
        manifest = (self.plan / "manifests/00005").read_text().splitlines()
        path = pathlib.Path(json.loads(manifest[3])["path"])
        away = path.with_suffix(".away")
        path.rename(away)
        self.slurm.run("sbatch", "-W", "--array=0-2,4-7", EXAMPLES / "shard.sbatch", self.plan, check=False)
        report = self.finish(75)
        self.assertEqual((report["shards_not_run"], report["shards_with_failures"], report["shards_to_run"]), ([3], [5], "3,5"))
        before = {shard: (self.plan / f"shards/{shard:05}/journal.jsonl").read_bytes() for shard in (0, 4, 7)}
        away.rename(path)
        self.slurm.submit("-W", f"--array={report['shards_to_run']}", EXAMPLES / "shard.sbatch", self.plan)
        for shard, journal in before.items():
            self.assertEqual((self.plan / f"shards/{shard:05}/journal.jsonl").read_bytes(), journal)
        report = self.finish()
        self.assertEqual(report["uploaded"], len(written))
        self.assertEqual(self.stored(), written)

    def test_submit_sh_plans_uploads_and_finishes(self):
        written = self.make_files(count=80, giant=50 << 20)
        job = self.job(self.rgw.endpoint, bucket=self.bucket, key_id=KEY_ID, secret=SECRET,
                       extra="upload: {part_size: 5MiB, multipart_threshold: 8MiB}")
        last = self.slurm.run(EXAMPLES / "submit.sh", job, SHARDS, self.plan).stdout.strip()
        self.slurm.wait(last)
        self.assertEqual(self.slurm.states()[last], "COMPLETED")
        report = json.loads((self.plan / "summary.json").read_text())
        self.assertEqual((report["exit_status"], report["uploaded"]), (0, len(written)))
        self.assert_whole(written)

    def test_requeue_sbatch_requeues_itself_until_all_is_uploaded(self):
        written = self.make_files(count=240, giant=0)
        # Too slow for one time limit.
        self.planned(extra="limits: {requests_per_second: 64, time: 2s}\n")
        job = self.slurm.submit(f"--array=0-{SHARDS - 1}", EXAMPLES / "requeue.sbatch", self.plan)
        self.slurm.wait(job)
        self.assert_whole(written)
        sessions = [json.loads((self.plan / f"shards/{shard:05}/summary.json").read_text())["session"] for shard in range(SHARDS)]
        self.assertGreater(max(sessions), 1, "nothing was requeued")

    def test_srun_sbatch_uploads_all_shards_in_one_step(self):
        written = self.make_files(count=80, giant=50 << 20)
        self.planned()
        self.slurm.submit("-W", EXAMPLES / "srun.sbatch", self.plan)
        self.assert_whole(written)

    def test_stage_out_sbatch_uploads_the_scratch_of_each_node(self):
        self.write("data/unused")
        job = self.job(self.rgw.endpoint, bucket=self.bucket, key_id=KEY_ID, secret=SECRET)
        job.write_text(job.read_text().replace(str(self.dir / "data"), "${SCRATCH}")
                       .replace("destination:", 'destination:\n  prefix: "${SLURM_JOB_ID}/${SLURM_NODEID}/"'))
        number = self.slurm.submit("-W", EXAMPLES / "stage-out.sbatch", job, self.dir / "runs", SCRATCH=str(self.dir / "scratch"))
        found = {key: self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in self.stored()}
        self.assertEqual(found, {f"{number}/{node}/result": f"result of node {node}\n".encode() for node in (0, 1)})
        self.assertEqual(sorted(path.name for path in (self.dir / "runs").iterdir()), [f"{number}-0", f"{number}-1"])


if __name__ == "__main__":
    unittest.main()
