"""What s3flow uploads to a real S3 server, Ceph's gateway: names, sizes, payload modes, properties, conditions, streams. An
independent client reads it back."""
import base64
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from real.ceph import CephCase
from real.rgw import KEY_ID, SECRET
from support.harness import S3FLOW, SANITIZE, clean_environment, read_journal, s3flow, seeded_random, sha256

HOSTILE = ["sp ace", "+", "%41", "?x", "#y", "a&b=c", "new\nline", "tab\t", "quo\"te'", "..dots..", "a..b", "back\\slash",
           "{brace}", "<angle>", "pipe|", "`tick`", "^hat", "[br]", "~tilde", ":colon", ",;", "@at", "!bang", "$dollar", "*star",
           "(p)", "caf\u00e9", "cafe\u0301", "\U0001f600", "\u4f60\u597d", "-rf", "\x01ctl", "\x7fdel", " lead", "trail "]
LARGE_FILES = int(os.environ.get("S3FLOW_LARGE_FILES", "1"))


class CephObjects(CephCase):
    def write_hostile_tree(self, count):
        """Writes files of 0 B to 5 MiB with hostile names. Returns key below the root -> SHA-256."""
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

    def test_files_with_hostile_names_arrive_over_http_and_https(self):
        self.s3.create_bucket(Bucket="hostile")
        written = self.write_hostile_tree(2000)
        written |= {f"large {i}": self.write_large(f"data/large {i}", (12 << 20) + i) for i in range(LARGE_FILES)}
        for prefix, endpoint, tls in [("plain/", self.rgw.endpoint, ""), ("/lead//double/", self.rgw.tls_endpoint, self.rgw.ca_file)]:
            job = self.rgw_job("hostile", endpoint, "upload: {part_size: 5MiB, multipart_threshold: 5MiB}")
            ended = s3flow("run", job, "--run-dir", self.dir / f"run{bool(tls)}", "--set", f"destination.prefix={prefix}",
                           "--set", f"destination.ca_file={tls}")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertIn(f"{len(written)} found: {len(written)} uploaded", ended.stdout)
            self.assertEqual(self.stored("hostile", prefix), {prefix + name: digest for name, digest in written.items()})

    def test_names_that_are_not_utf8_arrive_or_are_reported(self):
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
        # boto3 cannot name such keys, so the gateway's own count is the oracle.
        stats = json.loads(self.rgw.run("radosgw-admin", "bucket", "stats", "--bucket=bytes"))
        self.assertEqual(stats["usage"]["rgw.main"]["num_objects"], len(uploaded))
        self.assertEqual(self.s3.get_object(Bucket="bytes", Key="fine")["Body"].read(), b"fine")

    def test_ten_thousand_small_files_in_little_memory(self):
        self.s3.create_bucket(Bucket="small")
        written = {}
        count = 2000 if SANITIZE else 10_000  # reading back takes most of the time
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

    def test_large_and_small_files_stay_within_the_memory_budget(self):
        """With S3FLOW_LARGE_BYTES=2147483648 this test makes the same run as bench/memory, which uses the embedded
        endpoint."""
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
        written = {"large": self.write_large("data/large", 12 << 20)}
        # Ceph rejects an empty body in aws-chunked framing.
        for name, data in (("small", b"small"), ("empty", b"")):
            written[name] = sha256(self.write(f"data/{name}", data).read_bytes())
        for payload in ("sha256", "unsigned", "streaming"):
            for checksum in ("none", "md5", "crc32c", "crc64nvme", "sha256"):
                if (payload, checksum) == ("unsigned", "none"):
                    continue  # refused over http by s3flow
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

    def test_awscli_reads_back_the_properties_of_the_job(self):
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

    def test_if_none_match_replaces_no_existing_object(self):
        self.s3.create_bucket(Bucket="condition")
        self.s3.put_object(Bucket="condition", Key="old", Body=b"theirs")
        self.write("data/old", b"ours")
        self.write("data/new", b"ours")
        ended = s3flow("run", self.rgw_job("condition", extra="object: {if_none_match: true}"))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("1 uploaded, 1 skipped", ended.stdout)
        self.assertEqual(self.stored("condition"), {"old": sha256(b"theirs"), "new": sha256(b"ours")})

    def test_if_none_match_replaces_no_large_object_that_comes_during_an_upload(self):
        """Ceph 16 ignores If-None-Match at a completion. Of 50 keys, half exist before, and half come after our upload began."""
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

    def test_standard_input_becomes_an_object(self):
        self.s3.create_bucket(Bucket="stream")
        data = os.urandom(17 << 20)
        job = self.rgw_job("stream", extra="upload: {part_size: 5MiB}")
        job.write_text(job.read_text().replace(f"- path: {self.dir / 'data'}", '- {path: "-", stream: true, key: dump.bin}'))
        ended = subprocess.run([S3FLOW, "run", str(job)], input=data, capture_output=True, env=clean_environment(), timeout=120)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(self.stored("stream"), {"dump.bin": sha256(data)})
        self.assertEqual(read_journal(self.dir / "run")[0]["parts"], 4)
        self.no_uploads_are_left("stream")


if __name__ == "__main__":
    unittest.main()
