"""One job in several processes: plans, shards, finish, and what can go wrong between them."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, SANITIZE, Serve, TestCase, clean_environment, read_journal, read_records, s3flow, sha256
from support.store_client import s3_client

SHARDS, PART = 4, 5 << 20
CUT = "upload: {part_size: 5MiB, multipart_threshold: 5MiB}"


class Shards(TestCase):
    def setUp(self):
        super().setUp()
        self.plan = self.dir / "plan"
        self.files = {}
        for i in range(60):
            self.files[f"small/{i}"] = os.urandom(i * 37)
        self.files["giant"] = os.urandom((12 * PART) + 5)
        for name, data in self.files.items():
            self.write(f"data/{name}", data)

    def client(self, server):
        client = s3_client(server.endpoint)
        self.addCleanup(client.close)
        return client

    def assert_stored(self, server, files):
        client = self.client(server)
        stored = {}
        for page in client.get_paginator("list_objects_v2").paginate(Bucket="bucket"):
            for entry in page.get("Contents", []):
                stored[entry["Key"]] = sha256(client.get_object(Bucket="bucket", Key=entry["Key"])["Body"].read())
        self.assertEqual(stored, {key: sha256(data) for key, data in files.items()})
        self.assertNotIn("Uploads", client.list_multipart_uploads(Bucket="bucket"))

    def planned(self, server, extra=CUT, shards=SHARDS):
        ended = s3flow("plan", self.job(server.endpoint, extra=extra), "--shards", shards, "--out", self.plan)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended

    def shard(self, i, status=0, **environment):
        ended = s3flow("run", "--plan", self.plan, "--shard", f"{i}/{SHARDS}", **environment)
        self.assertEqual(ended.returncode, status, ended.stderr)
        return ended

    def finish(self, status, *arguments):
        ended = s3flow("finish", self.plan, *arguments)
        self.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        report = json.loads((self.plan / "summary.json").read_text())
        self.assertEqual(report["found"], report["uploaded"] + report["skipped"] + report["failed"] + report["left"])
        return ended, report

    def test_shards_run_in_any_order_and_finish_completes_them(self):
        os.symlink("giant", self.dir / "data/link")
        with Serve(self.dir / "store") as server:
            said = self.planned(server).stdout
            self.assertIn("62 inputs", said)
            self.assertIn("1 file is cut into 4 ranges", said)
            self.assertIn("job array 0-3", said)
            _, report = self.finish(75)
            self.assertEqual((report["left"], report["shards_to_run"]), (62, "0-3"))
            ended = s3flow("run", "--plan", self.plan, "--shard", "0/4", "--dry-run")
            self.assertRegex(ended.stdout, "requests, UploadPart: [34]\n")
            for i in (3, 0, 2):
                self.shard(i)
            _, report = self.finish(75)
            self.assertEqual((report["shards_to_run"], report["shards_not_run"]), ("1", [1]))
            self.assertNotIn("giant", [line["key"] for line in read_journal(self.plan)])
            self.shard(1)
            _, report = self.finish(0)
            self.assertEqual((report["uploaded"], report["skipped"], report["completed_now"], report["shards_to_run"]), (61, 1, 1, ""))
            self.assertEqual(report["uploaded_bytes"], sum(map(len, self.files.values())))
            self.assert_stored(server, self.files)
            # Runs everything a second time: nothing is uploaded.
            for i in range(SHARDS):
                ended = s3flow("run", "--plan", self.plan, "--shard", f"{i}/{SHARDS}")
                self.assertEqual(ended.returncode, 0, ended.stderr)
            _, report = self.finish(0)
            self.assertEqual((report["uploaded"], report["completed_now"]), (61, 0))
        requests = server.stats["requests"]
        self.assertEqual((requests["PutObject"], requests["UploadPart"], requests["CreateMultipartUpload"],
                          requests["CompleteMultipartUpload"]), (60, 13, 1, 1))
        sent = [line for i in range(SHARDS) for line in read_journal(self.plan / f"shards/{i:05}") if line["outcome"] == "sent"]
        ranges = sorted((line["first_part"], line["last_part"]) for line in sent)
        self.assertEqual(ranges, [(1, 3), (4, 6), (7, 9), (10, 13)])

    def test_shards_have_equal_bytes_requests_and_inputs(self):
        for i in range(300):
            self.write(f"data/more/{i}", os.urandom(i * i))
        with Serve(self.dir / "store", "--discard") as server:
            self.planned(server)
        shards = json.loads((self.plan / "plan.json").read_text())["shards"]
        for what, share in [("bytes", 1.1), ("requests", 1.1), ("inputs", 1.1)]:
            values = [shard[what] for shard in shards]
            self.assertLess(max(values), share * sum(values) / len(values), values)

    def test_shards_without_a_plan_divide_the_keys(self):
        del self.files["giant"]
        (self.dir / "data/giant").unlink()
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint)
            found = 0
            for i in range(3):
                ended = s3flow("run", job, "--shard", "auto/3", SLURM_ARRAY_TASK_ID=str(i))
                self.assertEqual(ended.returncode, 0, ended.stderr)
                summary = json.loads((self.dir / f"run/shards/{i:05}/summary.json").read_text())
                self.assertEqual((summary["shard"], summary["scheduler"]), (f"{i}/3", {"SLURM_ARRAY_TASK_ID": str(i)}))
                found += summary["found"]
            self.assertEqual(found, 60)
            self.assert_stored(server, self.files)
            other = s3flow("run", job, "--shard", "2/4")
            self.assertEqual(other.returncode, 78, other.stderr)
            self.assertIn("belongs to a run of shard 2/3, and this is shard 2/4", other.stderr)
        self.assertEqual(server.stats["requests"]["PutObject"], 60)

    def test_files_that_changed_since_the_plan_fail_and_new_ones_are_reported(self):
        with Serve(self.dir / "store") as server:
            self.planned(server)
            self.write("data/small/20", b"another content")
            self.write("data/new", b"not in the plan")
            (self.dir / "data/small/30").unlink()
            stat = os.stat(self.dir / "data/giant")
            os.utime(self.dir / "data/giant", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
            statuses = [s3flow("run", "--plan", self.plan, "--shard", f"{i}/{SHARDS}").returncode for i in range(SHARDS)]
            self.assertEqual(statuses, [1] * SHARDS, "each shard has a range of the changed file")
            ended, report = self.finish(1, "--check-source")
            self.assertEqual((report["failed"], report["left"], report["uploaded"]), (3, 0, 58))
            self.assertEqual((report["failures_by_kind"], report["appeared"]), ({"changed": 2 + SHARDS}, 1))
            self.assertIn(f"appeared: {self.dir / 'data/new'}", ended.stdout)
            self.assertIn("to run again: sbatch --array=0-3", ended.stdout)
            failed = {line["key"]: line["message"] for i in range(SHARDS) for line in read_journal(self.plan / f"shards/{i:05}")
                      if line["outcome"] == "failed"}
            self.assertIn("changed since it was planned", failed["small/20"])
            self.assertIn("vanished since it was planned", failed["small/30"])
            self.assertIn("changed since it was planned: its mtime differs", failed["giant"])
            # The files are restored, and the shards that failed run again.
            self.write("data/small/30", self.files["small/30"])
            os.utime(self.dir / "data/giant", ns=(stat.st_atime_ns, stat.st_mtime_ns))
            for i in range(SHARDS):
                s3flow("run", "--plan", self.plan, "--shard", f"{i}/{SHARDS}")
            _, report = self.finish(1)
            self.assertEqual((report["failed"], report["uploaded"], report["completed_now"]), (2, 59, 1))
            kept = {name: data for name, data in self.files.items() if name not in ("small/20", "small/30")}
            self.assert_stored(server, kept)

    def test_clean_aborts_the_upload_of_a_plan(self):
        with Serve(self.dir / "store") as server:
            self.planned(server)
            self.shard(0)
            client = self.client(server)
            self.assertEqual(len(client.list_multipart_uploads(Bucket="bucket")["Uploads"]), 1)
            self.assertEqual(s3flow("clean", self.plan / "shards/00000").returncode, 0)
            self.assertEqual(len(client.list_multipart_uploads(Bucket="bucket")["Uploads"]), 1, "the upload belongs to the plan, not to the shard")
            ended = s3flow("clean", self.plan)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertNotIn("Uploads", client.list_multipart_uploads(Bucket="bucket"))
            ended = self.shard(1, status=1)
            self.assertIn("NoSuchUpload", ended.stderr)
            ended, report = self.finish(75)
            self.assertIn("1 multipart upload of this plan was aborted", ended.stdout)
            self.assertEqual(report["failed"], 1)

    def test_finish_recognises_its_object_after_a_lost_response(self):
        lost = self.write("faults.yaml", "faults: [{operation: CompleteMultipartUpload, action: cut_body, after_bytes: 40}]")
        with Serve(self.dir / "store", "--faults", lost) as server:
            self.planned(server)
            for i in range(SHARDS):
                self.shard(i)
            self.finish(0)
            self.assert_stored(server, self.files)
        self.assertEqual(server.stats["faults_injected"], 1)

    def test_a_killed_finish_can_be_repeated(self):
        with Serve(self.dir / "store") as server:
            self.planned(server)
            for i in range(SHARDS):
                self.shard(i)
            self.finish(0)
            journal = self.plan / "journal.jsonl"
            lines = journal.read_text().splitlines(keepends=True)
            at = next(i for i, line in enumerate(lines) if '"record":"completing"' in line)
            for keep in (at + 1, at):  # as if killed after the completion, with and without the record before it
                journal.write_text("".join(lines[:keep]))
                _, report = self.finish(0)
                self.assertEqual((report["uploaded"], report["completed_now"]), (61, 1))
            self.assert_stored(server, self.files)
        self.assertEqual(server.stats["requests"]["CompleteMultipartUpload"], 1)

    def test_a_killed_shard_is_resumed(self):
        slow = self.write("faults.yaml", "faults: [{operation: UploadPart, action: delay, delay: 300ms, attempts: all}]")
        with Serve(self.dir / "store", "--faults", slow) as server:
            self.planned(server, extra="upload: {part_size: 5MiB, multipart_threshold: 5MiB, concurrency: 1}")
            process = subprocess.Popen([S3FLOW, "run", "--plan", self.plan, "--shard", f"3/{SHARDS}"], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, env=clean_environment())
            run_dir = self.plan / "shards/00003"
            while not (run_dir / "journal.jsonl").exists() or not any(r["record"] == "part" for r in read_records(run_dir)):
                self.assertIsNone(process.poll())
                time.sleep(0.01)
            _, report = self.finish(75)
            self.assertEqual(report["shards_running"], [3])
            process.kill()
            process.communicate()
            _, report = self.finish(75)
            self.assertEqual((report["shards_unfinished"], report["shards_not_run"]), ([3], [0, 1, 2]))
            for i in range(SHARDS):
                self.shard(i)
            self.finish(0)
            self.assert_stored(server, self.files)
            self.assertGreater(json.loads((run_dir / "summary.json").read_text())["reused_parts"], 0)
        self.assertLessEqual(server.stats["requests"]["UploadPart"], 13 + 1, "more was sent again than was in flight")

    def test_a_killed_plan_is_made_again_and_leaves_no_upload(self):
        with Serve(self.dir / "store") as server:
            self.planned(server)
            client = self.client(server)
            first = client.list_multipart_uploads(Bucket="bucket")["Uploads"][0]["UploadId"]
            again = s3flow("plan", self.dir / "job.yaml", "--shards", "2", "--out", self.plan)
            self.assertEqual(again.returncode, 78)
            self.assertIn("already contains a plan", again.stderr)
            (self.plan / "plan.json").unlink()  # as if `plan` had been killed before the end
            self.assertEqual(s3flow("run", "--plan", self.plan, "--shard", "0/4").returncode, 66)
            self.planned(server, shards=2)
            second = client.list_multipart_uploads(Bucket="bucket")["Uploads"]
            self.assertEqual(len(second), 1)
            self.assertNotEqual(second[0]["UploadId"], first)

    def test_a_stopped_plan_ends_at_its_drain_limit(self):
        slow = self.write("faults.yaml", "faults: [{operation: CreateMultipartUpload, action: no_answer, attempts: all}]")
        with Serve(self.dir / "store", "--faults", slow) as server:
            process = subprocess.Popen([S3FLOW, "plan", self.job(server.endpoint, extra=CUT + "\nlimits: {drain: 200ms}"), "--shards", "4", "--out", self.plan],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment())
            while not (self.plan / "journal.jsonl").exists() or not any(r["record"] == "creating" for r in read_records(self.plan)):
                self.assertIsNone(process.poll())
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 75, err)
            self.assertFalse((self.plan / "plan.json").exists())

    @unittest.skipIf(SANITIZE, "a sanitizer must be loaded before the preloaded library, and refuses to start")
    def test_finish_can_be_stopped_while_it_reads(self):
        with Serve(self.dir / "store", "--discard") as server:
            self.planned(server)
            mark = self.dir / "mark"
            process = subprocess.Popen([S3FLOW, "finish", self.plan], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment(
                LD_PRELOAD=os.environ["S3FLOW_IO_FAULTS"], S3FLOW_FAULT="open:1:wait", S3FLOW_FAULT_DIR=str(self.plan / "manifests"), S3FLOW_FAULT_MARK=str(mark)))
            while not mark.exists():
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            while "ShdPnd:\t0000000000000000\n" not in pathlib.Path(f"/proc/{process.pid}/status").read_text():
                time.sleep(0.01)
            mark.unlink()
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 75, err)
            self.assertIn("SIGTERM", err)
            self.assertFalse((self.plan / "summary.json").exists())

    def test_a_damaged_plan_is_refused_with_its_file(self):
        with Serve(self.dir / "store", "--discard") as server:
            self.planned(server)
            manifest = self.plan / "manifests/00001"
            text = manifest.read_text()
            for broken, said in [(text.replace("small", "smell", 1), "00001:2: this line is damaged"),
                                 (text[:text.rindex("\n", 0, -1) + 1], "inputs instead of"), ("", "inputs instead of")]:
                manifest.write_text(broken)
                ended = s3flow("run", "--plan", self.plan, "--shard", "1/4")
                self.assertEqual(ended.returncode, 66, ended.stderr)
                self.assertIn(said, ended.stderr)
                self.assertNotEqual(s3flow("finish", self.plan).returncode, 0)
            manifest.write_text(text)
            self.shard(1)
            os.rename(self.plan / "shards/00001", self.plan / "shards/00002")
            ended = s3flow("finish", self.plan)
            self.assertEqual(ended.returncode, 74, ended.stderr)
            self.assertIn("is of shard 1/4 of plan", ended.stderr)

    def test_jobs_and_commands_that_cannot_be_planned_are_refused(self):
        job = self.job("http://127.0.0.1:9")
        self.assertEqual(s3flow("plan", job, "--shards", "0", "--out", self.plan).returncode, 64)
        self.assertEqual(s3flow("plan", job, "--out", self.plan).returncode, 64)
        self.assertEqual(s3flow("plan", job, "--shards", "2", "--out", self.plan, "--bandwidth", "fast").returncode, 64)
        ended = s3flow("plan", job, "--shards", "2", "--out", self.plan, "--set", "source.0.stream=true")
        self.assertEqual(ended.returncode, 78, ended.stderr)
        self.assertIn("a stream cannot be planned", ended.stderr)
        self.assertEqual(s3flow("plan", job, "--shards", "2", "--out", self.plan, "--set", "source.0.path=/none").returncode, 66)
        self.assertFalse((self.plan / "plan.json").exists())
        for arguments in (["--plan", self.plan], ["--shard", "0/2"], [job, "--plan", self.plan, "--shard", "0/2"]):
            self.assertEqual(s3flow("run", *arguments).returncode, 64, arguments)
        self.assertEqual(s3flow("run", "--plan", self.plan, "--shard", "0/2").returncode, 66)
        self.assertEqual(s3flow("finish", self.plan).returncode, 66)

    def test_a_plan_means_the_same_in_every_directory_and_environment(self):
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint, source="data", extra="integrity: {checksum: \"${SUM:-md5}\"}")
            job.chmod(0o600)
            job.write_text(job.read_text().replace(str(self.dir / "data"), "./data"))
            ended = subprocess.run([S3FLOW, "plan", job, "--shards", "2", "--out", self.plan], cwd=self.dir, env=clean_environment(),
                                   capture_output=True, text=True)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual((self.plan / "job.yaml").stat().st_mode & 0o777, 0o600, "a job may hold credentials")
            job.unlink()
            other = s3flow("run", "--plan", self.plan, "--shard", "0/2", SUM="crc32c")
            self.assertEqual(other.returncode, 78)
            self.assertIn("integrity.checksum: was md5, is crc32c", other.stderr)
            for i in range(2):
                self.assertEqual(s3flow("run", "--plan", self.plan, "--shard", f"{i}/2").returncode, 0)
            self.finish(0, "--check-source")
            self.assert_stored(server, self.files)

    def test_a_plan_works_with_tags_checksums_and_verification(self):
        with Serve(self.dir / "store") as server:
            self.planned(server, extra=CUT + "\nintegrity: {payload: unsigned, checksum: crc64nvme, verify: head}\n"
                                             "object: {tags: {team: physics}, metadata: {run: '42'}}")
            for i in range(SHARDS):
                self.shard(i)
            self.finish(0)
            self.assert_stored(server, self.files)
            client = self.client(server)
            self.assertEqual(client.get_object_tagging(Bucket="bucket", Key="giant")["TagSet"], [{"Key": "team", "Value": "physics"}])
            self.assertEqual(client.head_object(Bucket="bucket", Key="giant")["Metadata"]["run"], "42")
            self.assertIn("crc64nvme_base64", read_journal(self.plan)[0])


if __name__ == "__main__":
    unittest.main()
