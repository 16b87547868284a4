"""How s3flow treats the errors of a real S3 server, Ceph's gateway: refusals, a wrong clock, gateways that die."""
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from real.ceph import CephCase
from support.harness import S3FLOW, SANITIZE, clean_environment, read_journal, s3flow, sha256

import botocore.exceptions


class CephErrors(CephCase):
    def test_a_server_that_is_killed_between_two_parts_leaves_no_upload(self):
        self.s3.create_bucket(Bucket="killed")
        written = {f"large{i}": self.write_large(f"data/large{i}", 60 << 20) for i in range(3)}
        killed = []

        def restart():
            while not stop.is_set():
                for upload in self.s3.list_multipart_uploads(Bucket="killed", MaxUploads=1).get("Uploads", []):
                    try:
                        parts = len(self.s3.list_parts(Bucket="killed", Key=upload["Key"], UploadId=upload["UploadId"]).get("Parts", []))
                    except botocore.exceptions.ClientError:  # the upload was completed in the meantime
                        continue
                    if parts >= 2:
                        self.rgw.kill_gateway()
                        killed.append(parts)
                        self.rgw.start_gateway()
                        return
        stop = threading.Event()
        thread = threading.Thread(target=restart, daemon=True)
        thread.start()
        ended = s3flow("run", self.rgw_job("killed", extra="upload: {part_size: 5MiB, multipart_threshold: 5MiB, concurrency: 8}"),
                       "--set", "retry.base_delay=500ms", "--set", "retry.cap=5s")
        stop.set()
        thread.join(timeout=60)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertTrue(killed, "the server was not killed between two parts, so nothing was tested")
        self.assertEqual({key: self.stored_digest("killed", key) for key in written}, written)
        # A CreateMultipartUpload whose response was lost may have made an upload that s3flow does not know.
        uploads = self.s3.list_multipart_uploads(Bucket="killed").get("Uploads", [])
        self.assertEqual(sum(len(self.s3.list_parts(Bucket="killed", Key=u["Key"], UploadId=u["UploadId"]).get("Parts", [])) for u in uploads), 0)

    def test_a_wrong_secret_is_one_message_and_status_77(self):
        self.s3.create_bucket(Bucket="secret")
        for i in range(1000):
            self.write(f"data/{i}", b"x")
        ended = s3flow("run", self.rgw_job("secret", secret="wrong"))
        self.assertEqual(ended.returncode, 77)
        self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)
        self.assertIn("SignatureDoesNotMatch", ended.stderr)
        self.assertEqual(self.stored("secret"), {})

    def test_a_probe_describes_ceph(self):
        self.s3.create_bucket(Bucket="probed")
        self.write("data/x", b"x")
        for profile in ("auto", "ceph"):
            ended = s3flow("check", "--probe", self.rgw_job("probed"), "--set", f"destination.profile={profile}")
            self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
            print(f"\n{ended.stdout}")
            for row in ("put +works", "head +works", "multipart +works", "if_none_match +checked", "payload sha256 +checked",
                        "if_none_match parts +ignored", "payload streaming +works", "checksum md5 +checked", "clock +agrees", "delete +works"):
                self.assertRegex(ended.stdout, f"(?m)^{row}")
            self.assertEqual("destination.profile" in ended.stdout, profile == "auto", ended.stdout)
            self.assertEqual(self.stored("probed"), {}, "nothing is left")
            self.assertEqual(self.s3.list_multipart_uploads(Bucket="probed").get("Uploads", []), [])

    def test_an_unknown_bucket_is_status_77(self):
        self.write("data/x", b"x")
        ended = s3flow("run", self.rgw_job("nowhere"))
        self.assertEqual(ended.returncode, 77)
        self.assertIn("the bucket does not exist", ended.stderr)
        self.assertIn("nowhere", ended.stderr)

    def test_a_certificate_that_does_not_verify_is_not_retried(self):
        self.write("data/x", b"x")
        ended = s3flow("run", self.rgw_job("nowhere", self.rgw.tls_endpoint))
        self.assertEqual(ended.returncode, 77, ended.stderr)
        self.assertIn("certificate", ended.stderr)
        self.assertEqual(read_journal(self.dir / "run")[0]["attempts"], 1, "not retried")

    @unittest.skipIf(SANITIZE, "sanitizers do not allow faketime to be preloaded")
    def test_a_wrong_clock_is_corrected(self):
        self.s3.create_bucket(Bucket="clock")
        for i in range(100):
            self.write(f"data/{i}", b"x")
        for offset in ("-1h", "+1h", "-1d", "+1d"):
            ended = subprocess.run(["faketime", "--exclude-monotonic", "-f", offset, S3FLOW, "run", str(self.rgw_job("clock")),
                                    "--run-dir", str(self.dir / f"run{offset}")],
                                   capture_output=True, text=True, env=clean_environment(), timeout=60)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertIn("signed with the store's time", ended.stderr)
            self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)
            # A correction does not count as an attempt. Nothing failed, so nothing was retried.
            self.assertEqual({line["attempts"] for line in read_journal(self.dir / f"run{offset}")}, {1})

    def test_a_run_survives_a_server_that_is_killed_and_restarted(self):
        self.s3.create_bucket(Bucket="restart")
        written = {}
        for i in range(3000):
            data = os.urandom(random.randrange(8000))
            self.write(f"data/{i}", data)
            written[str(i)] = sha256(data)
        journal = self.dir / "run/journal.jsonl"
        killed_at = []

        def restart():
            while not journal.exists() or journal.read_bytes().count(b"\n") < 500:
                stop.wait(0.01)
            self.rgw.kill_gateway()
            killed_at.append(journal.read_bytes().count(b"\n"))
            self.rgw.start_gateway()
        stop = threading.Event()
        thread = threading.Thread(target=restart, daemon=True)
        thread.start()
        ended = s3flow("run", self.rgw_job("restart", extra="upload: {concurrency: 32}"),
                       "--set", "retry.base_delay=500ms", "--set", "retry.cap=5s")
        thread.join(timeout=60)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertLess(killed_at[0], 3000, "the server was killed after the work was done, so nothing was tested")
        self.assertGreater(json.loads((self.dir / "run/summary.json").read_text())["retries"], 0)
        self.assertEqual(self.stored("restart"), written)

    def test_load_returns_to_a_gateway_that_was_killed_and_came_back(self):
        self.s3.create_bucket(Bucket="two")
        self.rgw.start_gateway("t2")
        self.addCleanup(self.rgw.kill_gateway, "t2")
        written = {}
        for i in range(7_000):
            body = b"%d" % i
            self.write(f"data/{i // 1000}/{i}", body)
            written[f"{i // 1000}/{i}"] = sha256(body)
        for i in range(4):
            body = os.urandom(20 << 20)
            self.write(f"data/large{i}", body)
            written[f"large{i}"] = sha256(body)
        journal = self.dir / "run/journal.jsonl"
        log = self.rgw.top / "log/client.rgw.t2.log"
        seen = []  # (results so far, requests to which the second gateway has responded)

        def look():
            seen.append((journal.read_bytes().count(b"\n"), log.read_bytes().count(b'"PUT /two/')))

        def until(count):
            while not journal.exists() or journal.read_bytes().count(b"\n") < count:
                if stop.wait(0.01):
                    raise RuntimeError("the run ended too early")

        def restart():
            until(600)
            look()
            self.rgw.kill_gateway("t2")
            until(1200)
            self.rgw.start_gateway("t2")
            look()
        stop = threading.Event()
        thread = threading.Thread(target=restart, daemon=True)
        thread.start()
        job = self.rgw_job("two", extra="upload: {part_size: 5MiB, multipart_threshold: 5MiB, concurrency: 16}")
        job.write_text(job.read_text().replace(f"endpoint: {self.rgw.endpoint}", f"endpoints: [{self.rgw.endpoint}, {self.rgw.second_endpoint}]"))
        ended = s3flow("run", job)
        stop.set()
        thread.join(timeout=60)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        look()
        self.assertEqual(len(seen), 3, "the gateway did not come back during the run, so nothing was tested")
        before, back, end = seen
        print(f"results and requests of the second gateway: {before} before, {back} when it was back, {end} in all")
        self.assertGreater(before[1], before[0] / 4)
        self.assertGreater(end[1] - back[1], (end[0] - back[0]) / 4, "load did not return")
        self.assertRegex(ended.stderr, rf"note +endpoint {self.rgw.second_endpoint[7:]} fails: it gets no requests for a while")
        self.assertRegex(ended.stderr, rf"note +endpoint {self.rgw.second_endpoint[7:]} works again")
        self.assertEqual(self.stored("two"), written)


if __name__ == "__main__":
    unittest.main()
