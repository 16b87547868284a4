"""s3flow against a real S3 server, Ceph's gateway. What arrived is read back by a client that we did not write."""
import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from real.rgw import KEY_ID, SECRET, Rgw
from support.harness import S3FLOW, SANITIZE, TestCase, clean_environment, read_journal, s3flow, seeded_random, sha256
from support.store_client import s3_client

import botocore.exceptions

HOSTILE = ["sp ace", "+", "%41", "?x", "#y", "a&b=c", "new\nline", "tab\t", "quo\"te'", "..dots..", "a..b", "back\\slash",
           "{brace}", "<angle>", "pipe|", "`tick`", "^hat", "[br]", "~tilde", ":colon", ",;", "@at", "!bang", "$dollar", "*star",
           "(p)", "caf\u00e9", "cafe\u0301", "\U0001f600", "\u4f60\u597d", "-rf", "\x01ctl", "\x7fdel", " lead", "trail "]


class CephTest(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rgw = Rgw()
        cls.addClassCleanup(cls.rgw.stop)
        cls.s3 = s3_client(cls.rgw.endpoint, KEY_ID, SECRET)
        cls.addClassCleanup(cls.s3.close)

    def rgw_job(self, bucket, endpoint=None, extra="", secret=SECRET):
        return self.job(endpoint or self.rgw.endpoint, bucket=bucket, key_id=KEY_ID, secret=secret, extra=extra)

    def stored(self, bucket, prefix=""):
        """SHA-256 of every object, read back whole."""
        keys = [o["Key"] for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
                for o in page.get("Contents", [])]

        def digest(key):
            return key, sha256(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return dict(pool.map(digest, keys))

    def write_hostile_tree(self, count):
        """Files of 0 B to 5 MiB with hostile names; key below the root -> SHA-256."""
        generator = seeded_random()
        written = {}
        for i in range(count):
            limit = 5 << 20 if i % 100 == 0 else 200_000 if i % 10 == 0 else 16_000
            size = [0, 1, 5 << 20][i // 100] if i in (0, 100, 200) else generator.randrange(limit)
            name = f"{HOSTILE[i % len(HOSTILE)]}/{HOSTILE[i // 7 % len(HOSTILE)]}{i}"
            data = generator.randbytes(size)
            self.write(f"data/{name}", data)
            written[name] = sha256(data)
        return written

    def test_hostile_names_over_http_and_https(self):
        self.s3.create_bucket(Bucket="hostile")
        written = self.write_hostile_tree(2000)
        for prefix, endpoint, tls in [("plain/", self.rgw.endpoint, ""), ("/lead//double/", self.rgw.tls_endpoint, self.rgw.ca_file)]:
            job = self.rgw_job("hostile", endpoint)
            ended = s3flow("run", job, "--run-dir", self.dir / f"run{bool(tls)}", "--set", f"destination.prefix={prefix}",
                           "--set", f"destination.ca_file={tls}")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertIn("2000 found: 2000 uploaded", ended.stdout)
            self.assertEqual(self.stored("hostile", prefix), {prefix + name: digest for name, digest in written.items()})

    def test_names_that_are_no_utf8_arrive_or_are_reported(self):
        self.s3.create_bucket(Bucket="bytes")
        for name in (b"caf\xe9", b"\xff\xfe", b"cut\xe4\xbd", b"fine"):
            path = os.fsencode(self.dir) + b"/data/" + name
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(name)
        ended = s3flow("run", self.rgw_job("bytes"))
        lines = read_journal(self.dir / "run")
        self.assertEqual(len(lines), 4)
        uploaded = [line for line in lines if line["outcome"] == "uploaded"]
        failed = [line for line in lines if line["outcome"] == "failed"]
        self.assertEqual(len(uploaded) + len(failed), 4)
        self.assertEqual(ended.returncode, 1 if failed else 0, ended.stderr)
        for line in failed:
            self.assertIn("path_base64", line)
            self.assertTrue(line["message"] and line["http_status"] == 400, line)
        # The gateway's own count is the oracle: boto3 cannot name such keys.
        stats = json.loads(self.rgw.run("radosgw-admin", "bucket", "stats", "--bucket=bytes"))
        self.assertEqual(stats["usage"]["rgw.main"]["num_objects"], len(uploaded))
        self.assertEqual(self.s3.get_object(Bucket="bytes", Key="fine")["Body"].read(), b"fine")

    def test_ten_thousand_small_files_in_little_memory(self):
        self.s3.create_bucket(Bucket="small")
        written = {}
        count = 2000 if SANITIZE else 10_000  # reading back is what takes the time
        for i in range(count):
            data = os.urandom(4096)
            self.write(f"data/{i % 100}/{i}", data)
            written[f"{i % 100}/{i}"] = sha256(data)
        ended = s3flow("run", self.rgw_job("small", extra="upload: {concurrency: 256}"))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn(f"{count} found: {count} uploaded, 0 skipped, 0 failed, 0 cancelled", ended.stdout)
        peak = json.loads((self.dir / "run/summary.json").read_text())["peak_memory_bytes"]
        print(f"peak memory: {peak / 2**20:.1f} MiB")
        if not SANITIZE:
            self.assertTrue(0 < peak < 64 << 20, f"{peak} bytes resident")
        self.assertEqual(self.stored("small"), written)

    def stored_digest(self, bucket, key, **arguments):
        """SHA-256 of one object, read piece by piece."""
        digest = hashlib.sha256()
        for piece in self.s3.get_object(Bucket=bucket, Key=key, **arguments)["Body"].iter_chunks(1 << 20):
            digest.update(piece)
        return digest.hexdigest()

    def no_uploads_are_left(self, bucket):
        self.assertNotIn("Uploads", self.s3.list_multipart_uploads(Bucket=bucket))

    def write_large(self, name, size):
        """A file of pseudo-random bytes; its SHA-256."""
        path, digest = self.write(name), hashlib.sha256()
        block = os.urandom(1 << 20)
        with open(path, "wb") as file:
            for i in range(-(-size // len(block))):
                piece = (i.to_bytes(8, "little") + block[8:])[:size - i * len(block)]
                file.write(piece)
                digest.update(piece)
        return digest.hexdigest()

    def test_large_and_small_files_within_the_budget(self):
        """S3FLOW_LARGE_BYTES=2147483648 makes it the run that bench/memory does against the endpoint."""
        self.s3.create_bucket(Bucket="large")
        size = int(os.environ.get("S3FLOW_LARGE_BYTES", 60 << 20))
        count = 5000 if size > 1 << 30 else 100 if SANITIZE else 1000
        written = {f"large{i}": self.write_large(f"data/large{i}", size + i) for i in range(3)}
        for i in range(count):
            data = os.urandom(4096)
            self.write(f"data/small/{i}", data)
            written[f"small/{i}"] = sha256(data)
        ended = s3flow("run", self.rgw_job("large", extra="limits: {memory: 64MiB}\nupload: {concurrency: 64}"))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn(f"{count + 3} found: {count + 3} uploaded", ended.stdout)
        self.assertEqual({key: self.stored_digest("large", key) for key in written}, written)
        self.no_uploads_are_left("large")
        peak = json.loads((self.dir / "run/summary.json").read_text())["peak_memory_bytes"]
        print(f"peak memory: {peak / 2**20:.1f} MiB")
        if not SANITIZE:
            self.assertLess(peak, 112 << 20)

    def test_every_payload_mode_that_ceph_takes(self):
        self.s3.create_bucket(Bucket="modes")
        written = {"large": self.write_large("data/large", 12 << 20), "small": sha256(self.write("data/small", b"small").read_bytes())}
        for payload in ("sha256", "unsigned", "streaming"):
            for checksum in ("none", "md5", "crc32c", "crc64nvme", "sha256"):
                if (payload, checksum) == ("unsigned", "none"):
                    continue  # refused over http
                with self.subTest(f"{payload} {checksum}"):
                    job = self.rgw_job("modes", extra="upload: {part_size: 5MiB, multipart_threshold: 5MiB}\n"
                                       f"integrity: {{payload: {payload}, checksum: {checksum}, verify: head}}")
                    ended = s3flow("run", job, "--run-dir", self.dir / f"run-{payload}-{checksum}",
                                   "--set", f"destination.prefix={payload}/{checksum}/")
                    self.assertEqual(ended.returncode, 0, ended.stderr)
                    for name, digest in written.items():
                        self.assertEqual(self.stored_digest("modes", f"{payload}/{checksum}/{name}"), digest)

    def test_trailers_are_refused_with_the_option_named(self):
        self.s3.create_bucket(Bucket="trailers")
        self.write("data/small", b"small")
        ended = s3flow("run", self.rgw_job("trailers", extra="integrity: {payload: streaming, checksum: crc32c, checksum_as: trailer}"))
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertIn("integrity.checksum_as", ended.stderr)

    def test_awscli_reads_back_what_the_job_said(self):
        self.s3.create_bucket(Bucket="properties", ObjectLockEnabledForBucket=True)
        self.write("data/page.html", b"<p>")
        self.write("data/sub/data.bin", b"bin")
        self.write("data/customer", b"secret")
        self.write_large("data/large.bin", 12 << 20)
        os.chmod(self.dir / "data/page.html", 0o640)
        customer_key = bytes(range(32))
        job = self.rgw_job("properties", extra=f"""
upload: {{part_size: 5MiB, multipart_threshold: 5MiB}}
object:
  cache_control: max-age=60
  metadata: {{Colour: blue, run: "42"}}
  tags: {{team: "a b&c", cost: "7"}}
  encryption: kms
  kms_key_id: testkey-1
  posix: true
  rules:
    - {{match: "*.bin", content_type: application/x-bin, storage_class: STANDARD_IA, metadata: {{colour: red}}}}
    - {{match: "sub/**", content_disposition: attachment, legal_hold: true, lock_mode: governance, lock_until: "2027-01-31T00:00:00Z"}}
    - {{match: customer, encryption: default, kms_key_id: "", customer_key: "{base64.b64encode(customer_key).decode()}"}}
""")
        ended = s3flow("run", job)
        self.assertEqual(ended.returncode, 0, ended.stderr)

        def aws(operation, key, *arguments):
            out = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.rgw.endpoint, "s3api", operation, "--bucket", "properties",
                                  "--key", key, "--output", "json", *arguments], capture_output=True, text=True, timeout=60,
                                 env=clean_environment(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET, AWS_DEFAULT_REGION="us-east-1"))
            self.assertEqual(out.returncode, 0, out.stderr)
            return json.loads(out.stdout)
        page = aws("head-object", "page.html")
        stat = (self.dir / "data/page.html").stat()
        self.assertEqual(page["ContentType"], "text/html")
        self.assertEqual(page["CacheControl"], "max-age=60")
        self.assertEqual((page["ServerSideEncryption"], page["SSEKMSKeyId"]), ("aws:kms", "testkey-1"))
        self.assertEqual(page["Metadata"]["colour"], "blue")
        self.assertEqual({name: page["Metadata"][name] for name in page["Metadata"] if name.startswith("file-") and name != "file-atime"},
                         {"file-owner": str(stat.st_uid), "file-group": str(stat.st_gid), "file-permissions": "0100640",
                          "file-mtime": f"{stat.st_mtime_ns}ns"})
        for name in ("large.bin", "sub/data.bin"):
            head = aws("head-object", name)
            self.assertEqual((head["ContentType"], head["StorageClass"], head["Metadata"]["colour"], head["Metadata"]["run"]),
                             ("application/x-bin", "STANDARD_IA", "red", "42"))
            self.assertEqual(head["ServerSideEncryption"], "aws:kms")
            tags = {tag["Key"]: tag["Value"] for tag in aws("get-object-tagging", name)["TagSet"]}
            self.assertEqual(tags, {"team": "a b&c", "cost": "7"})
        self.assertRegex(aws("head-object", "large.bin")["Metadata"]["s3flow-upload"], "^[0-9a-f]{32}$")
        self.assertEqual(aws("head-object", "sub/data.bin")["ContentDisposition"], "attachment")
        self.assertEqual(aws("get-object-retention", "sub/data.bin")["Retention"]["Mode"], "GOVERNANCE")
        self.assertEqual(aws("get-object-legal-hold", "sub/data.bin")["LegalHold"]["Status"], "ON")
        key_file = self.write("key", customer_key)
        head = aws("head-object", "customer", "--sse-customer-algorithm", "AES256", "--sse-customer-key", f"fileb://{key_file}")
        self.assertEqual(head["SSECustomerAlgorithm"], "AES256")
        self.assertEqual(self.stored_digest("properties", "large.bin"), sha256((self.dir / "data/large.bin").read_bytes()))

    def test_if_none_match_keeps_what_is_there(self):
        self.s3.create_bucket(Bucket="condition")
        self.s3.put_object(Bucket="condition", Key="old", Body=b"theirs")
        self.write("data/old", b"ours")
        self.write("data/new", b"ours")
        ended = s3flow("run", self.rgw_job("condition", extra="object: {if_none_match: true}"))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("1 uploaded, 1 skipped", ended.stdout)
        self.assertEqual(self.stored("condition"), {"old": sha256(b"theirs"), "new": sha256(b"ours")})

    def test_if_none_match_keeps_large_objects_that_come_while_ours_are_sent(self):
        """Ceph 16 ignores the condition of a completion. Of 50 keys half are there, half come when our upload has begun."""
        self.s3.create_bucket(Bucket="late")
        names = [f"large{i:02}" for i in range(50)]
        for name in names:
            self.write(f"data/{name}", os.urandom(6 << 20))
        for name in names[::2]:
            self.s3.put_object(Bucket="late", Key=name, Body=b"theirs")
        job = self.rgw_job("late", extra="object: {if_none_match: true}\nlimits: {bandwidth: 30MiB}\n"
                           "upload: {part_size: 5MiB, multipart_threshold: 5MiB, concurrency: 60}")
        process = subprocess.Popen([S3FLOW, "run", str(job)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=clean_environment())
        late = set(names[1::2])
        while late and process.poll() is None:
            uploads = self.s3.list_multipart_uploads(Bucket="late").get("Uploads", [])
            for name in late & {upload["Key"] for upload in uploads}:
                self.s3.put_object(Bucket="late", Key=name, Body=b"theirs")
                late.remove(name)
        out, err = process.communicate(timeout=300)
        self.assertEqual((process.returncode, late), (0, set()), out + err)
        self.assertIn("0 uploaded, 50 skipped", out)
        self.assertIn("may ignore the condition", err)
        self.assertEqual(self.stored("late"), {name: sha256(b"theirs") for name in names})
        self.no_uploads_are_left("late")

    def test_standard_input_as_an_object(self):
        self.s3.create_bucket(Bucket="stream")
        data = os.urandom(17 << 20)
        job = self.rgw_job("stream", extra="upload: {part_size: 5MiB}")
        job.write_text(job.read_text().replace(f"- path: {self.dir / 'data'}", '- {path: "-", stream: true, key: dump.bin}'))
        ended = subprocess.run([S3FLOW, "run", str(job)], input=data, capture_output=True, env=clean_environment(), timeout=120)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(self.stored("stream"), {"dump.bin": sha256(data)})
        self.assertEqual(read_journal(self.dir / "run")[0]["parts"], 4)
        self.no_uploads_are_left("stream")

    def test_a_server_killed_between_the_parts(self):
        self.s3.create_bucket(Bucket="killed")
        written = {f"large{i}": self.write_large(f"data/large{i}", 60 << 20) for i in range(3)}
        killed = []

        def restart():
            while not stop.is_set():
                for upload in self.s3.list_multipart_uploads(Bucket="killed", MaxUploads=1).get("Uploads", []):
                    try:
                        parts = len(self.s3.list_parts(Bucket="killed", Key=upload["Key"], UploadId=upload["UploadId"]).get("Parts", []))
                    except botocore.exceptions.ClientError:  # completed meanwhile
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
        self.assertTrue(killed, "the server was not killed between parts: nothing was tested")
        self.assertEqual({key: self.stored_digest("killed", key) for key in written}, written)
        # A Create whose answer the kill took away may have made an upload that nobody knows.
        uploads = self.s3.list_multipart_uploads(Bucket="killed").get("Uploads", [])
        self.assertEqual(sum(len(self.s3.list_parts(Bucket="killed", Key=u["Key"], UploadId=u["UploadId"]).get("Parts", [])) for u in uploads), 0)

    def test_wrong_secret_is_one_line_and_status_77(self):
        self.s3.create_bucket(Bucket="secret")
        for i in range(1000):
            self.write(f"data/{i}", b"x")
        ended = s3flow("run", self.rgw_job("secret", secret="wrong"))
        self.assertEqual(ended.returncode, 77)
        self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)
        self.assertIn("SignatureDoesNotMatch", ended.stderr)
        self.assertEqual(self.stored("secret"), {})

    def test_a_probe(self):
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

    def test_unknown_bucket(self):
        self.write("data/x", b"x")
        ended = s3flow("run", self.rgw_job("nowhere"))
        self.assertEqual(ended.returncode, 77)
        self.assertIn("the bucket does not exist", ended.stderr)
        self.assertIn("nowhere", ended.stderr)

    def test_a_certificate_that_does_not_verify(self):
        self.write("data/x", b"x")
        ended = s3flow("run", self.rgw_job("nowhere", self.rgw.tls_endpoint))
        self.assertEqual(ended.returncode, 77, ended.stderr)
        self.assertIn("certificate", ended.stderr)
        self.assertEqual(read_journal(self.dir / "run")[0]["attempts"], 1, "not retried")

    @unittest.skipIf(SANITIZE, "faketime is preloaded, which sanitizers do not take")
    def test_a_clock_that_is_off(self):
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
            # A correction is no attempt; nothing failed, so nothing was retried.
            self.assertEqual({line["attempts"] for line in read_journal(self.dir / f"run{offset}")}, {1})

    def test_a_server_killed_and_restarted_in_the_middle(self):
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
        self.assertLess(killed_at[0], 3000, "the server was killed after the work was done: nothing was tested")
        self.assertGreater(json.loads((self.dir / "run/summary.json").read_text())["retries"], 0)
        self.assertEqual(self.stored("restart"), written)

    def test_one_of_two_gateways_is_killed_and_comes_back(self):
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
        seen = []  # (results so far, requests that the second gateway has answered)

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
        self.assertEqual(len(seen), 3, "the gateway did not come back while the run went on: nothing was tested")
        before, back, end = seen
        print(f"results and requests of the second gateway: {before} before, {back} when it was back, {end} in all")
        self.assertGreater(before[1], before[0] / 4)
        self.assertGreater(end[1] - back[1], (end[0] - back[0]) / 4, "load did not return")
        self.assertRegex(ended.stderr, rf"note +endpoint {self.rgw.second_endpoint[7:]} fails: paused for a while")
        self.assertRegex(ended.stderr, rf"note +endpoint {self.rgw.second_endpoint[7:]} works again")
        self.assertEqual(self.stored("two"), written)


if __name__ == "__main__":
    unittest.main()
