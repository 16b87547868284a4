"""A recorded result is valid for one store, bucket and key only. Tests resume runs with a changed job, and
rehearsals."""
import base64
import itertools
import json
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SECRET, Serve, TestCase, clean_environment, read_records, s3flow
from support.store_client import s3_client

FILES = 12
MODES = {"plain": [], "resume": ["--resume"], "changed": ["--allow-changed-job"], "both": ["--resume", "--allow-changed-job"]}


class ChangedJobs(TestCase):
    @classmethod
    def setUpClass(cls):
        import tempfile
        holder = tempfile.TemporaryDirectory(prefix="s3flow-e2e-stores-")
        cls.addClassCleanup(holder.cleanup)
        cls.first, cls.second = (Serve(f"{holder.name}/{name}", buckets=("bucket", "other")) for name in ("first", "second"))
        for server in (cls.first, cls.second):
            cls.enterClassContext(server) if hasattr(cls, "enterClassContext") else server.__enter__()
            if not hasattr(cls, "enterClassContext"):
                cls.addClassCleanup(server.__exit__, None, None, None)
        cls.clients = {server.endpoint: s3_client(server.endpoint, KEY_ID, SECRET) for server in (cls.first, cls.second)}
        for client in cls.clients.values():
            cls.addClassCleanup(client.close)

    def setUp(self):
        super().setUp()
        for i in range(FILES):
            self.write(f"data/f{i:02}", f"content {i}")
        self.clear()

    def clear(self):
        for client in self.clients.values():
            for bucket in ("bucket", "other"):
                for entry in client.list_objects_v2(Bucket=bucket).get("Contents", []):
                    client.delete_object(Bucket=bucket, Key=entry["Key"])

    def keys(self, endpoint, bucket="bucket"):
        return {entry["Key"] for entry in self.clients[endpoint].list_objects_v2(Bucket=bucket).get("Contents", [])}

    def heads(self):
        client = self.clients[self.first.endpoint]
        return [client.head_object(Bucket="bucket", Key=key, ChecksumMode="ENABLED") for key in self.keys(self.first.endpoint)]

    def summary(self, run_dir="run"):
        return json.loads((self.dir / run_dir / "summary.json").read_text())

    def adds_up(self, summary):
        for part in (summary, summary["this_session"]):
            self.assertEqual(part["found"], part["uploaded"] + part["skipped"] + part["failed"] + part["cancelled"] + part["sent"], summary)

    # Change -> (settings, where every object must be if the command succeeds).
    MOVED = {
        "bucket": (["destination.bucket=other"], lambda self: (self.first.endpoint, "other", "")),
        "endpoint": (["destination.endpoint={second}"], lambda self: (self.second.endpoint, "bucket", "")),
        "prefix": (["destination.prefix=moved/"], lambda self: (self.first.endpoint, "bucket", "moved/")),
        "root prefix": (["source.0.prefix=moved/"], lambda self: (self.first.endpoint, "bucket", "moved/")),
        "bucket and prefix": (["destination.bucket=other", "destination.prefix=moved/"], lambda self: (self.first.endpoint, "other", "moved/")),
    }

    def test_with_a_changed_destination_all_objects_move_or_the_command_is_refused(self):
        names, accepted = {f"f{i:02}" for i in range(FILES)}, set()
        for (change, (settings, place)), (mode, flags), finished in itertools.product(self.MOVED.items(), MODES.items(), (True, False)):
            with self.subTest(change=change, mode=mode, finished=finished):
                self.clear()
                run_dir = self.dir / f"run-{change}-{mode}-{finished}"
                job = self.job(self.first.endpoint)
                self.assertEqual(s3flow("run", job, "--run-dir", run_dir).returncode, 0)
                if not finished:  # as if the session had been killed before its end
                    journal = run_dir / "journal.jsonl"
                    journal.write_text("".join(line for line in journal.read_text().splitlines(True) if '"record":"end"' not in line))
                sets = [argument for text in settings for argument in ("--set", text.format(second=self.second.endpoint))]
                ended = s3flow("run", job, "--run-dir", run_dir, *flags, *sets)
                if ended.returncode != 0:
                    self.assertIn(ended.returncode, (74, 78), ended.stderr)
                    self.assertRegex(ended.stderr, "choose another run directory|--allow-changed-job|--resume")
                    continue
                accepted.add((change, mode))
                endpoint, bucket, prefix = place(self)
                self.assertLessEqual({prefix + name for name in names}, self.keys(endpoint, bucket))
                summary = self.summary(run_dir.name)
                self.adds_up(summary)
                self.assertEqual((summary["found"], summary["uploaded"], summary["session"]), (FILES, FILES, 2))
                self.assertEqual(summary["this_session"]["uploaded"], FILES)
        # Some commands were accepted and some refused.
        self.assertIn(("prefix", "both"), accepted)
        self.assertFalse([cell for cell in accepted if "bucket" in cell[0] or "endpoint" in cell[0]])

    def test_a_refusal_names_no_option_that_would_not_help(self):
        self.assertEqual(s3flow("run", self.job(self.first.endpoint)).returncode, 0)
        ended = s3flow("run", self.job(self.first.endpoint), "--set", "destination.bucket=other")
        self.assertEqual(ended.returncode, 78)
        self.assertNotIn("--allow-changed-job", ended.stderr)
        self.assertIn(f"bucket bucket at {self.first.endpoint}", ended.stderr)
        self.assertIn("choose another run directory", ended.stderr)

    def test_a_run_is_resumed_with_another_way_to_the_same_store(self):
        job = self.job(self.first.endpoint)
        self.assertEqual(s3flow("run", job).returncode, 0)
        job.write_text(job.read_text().replace(f"  endpoint: {self.first.endpoint}", f"  endpoints: ['{self.first.endpoint}', '{self.second.endpoint}']"))
        ended = s3flow("run", job, "--resume", "--allow-changed-job")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(self.summary()["this_session"]["found"], 0)

    # Section, its value before, its value after, and whether the objects must be uploaded again.
    KEY = base64.b64encode(bytes(range(32))).decode()
    OTHER_KEY = base64.b64encode(bytes(range(1, 33))).decode()
    OBJECTS = [
        ("object", "{metadata: {a: b}}", "{metadata: {a: c}}", True),
        ("object", "{metadata: {a: b, c: d}}", "{metadata: {c: d, a: b}}", False),
        ("object", "{}", "{content_type: text/x-new}", True),
        ("object", "{content_type: text/x-old}", "{}", True),
        ("object", "{}", "{cache_control: no-store}", True),
        ("object", "{}", "{content_encoding: gzip}", True),
        ("object", "{}", "{content_disposition: attachment}", True),
        ("object", "{}", "{content_language: de}", True),
        ("object", "{}", "{expires: 'Thu, 01 Dec 2033 16:00:00 GMT'}", True),
        ("object", "{}", "{storage_class: STANDARD_IA}", True),
        ("object", "{}", "{acl: public-read}", True),
        ("object", "{}", "{website_redirect: /x}", True),
        ("object", "{}", "{tags: {a: b}}", True),
        ("object", "{}", "{encryption: s3}", True),
        ("object", "{encryption: kms, kms_key_id: a}", "{encryption: kms, kms_key_id: b}", True),
        ("object", f"{{customer_key: '{KEY}'}}", f"{{customer_key: '{OTHER_KEY}'}}", True),
        ("object", "{}", "{legal_hold: true}", True),
        ("object", "{}", "{lock_mode: governance, lock_until: '2033-01-31T00:00:00Z'}", True),
        ("object", "{}", "{posix: true}", True),
        ("object", "{}", "{mime_types: /dev/null}", True),
        ("object", "{}", "{rules: [{match: '*1', cache_control: no-store}]}", True),
        ("object", "{}", "{if_none_match: true}", False),
        ("integrity", "{checksum: md5}", "{checksum: none}", False),
        ("integrity", "{checksum: md5}", "{checksum: crc32c}", True),
        ("integrity", "{checksum: crc32c}", "{checksum: sha256}", True),
        ("integrity", "{payload: sha256}", "{payload: streaming}", False),
        ("integrity", "{verify: none}", "{verify: head}", False),
        ("integrity", "{changed_file_retries: 2}", "{changed_file_retries: 3}", False),
    ]

    def test_an_object_is_uploaded_again_when_its_properties_change(self):
        for row, (section, before, after, again) in enumerate(self.OBJECTS):
            with self.subTest(before=before, after=after):
                run_dir = self.dir / f"run{row}"
                self.clear()
                ended = s3flow("run", self.job(self.first.endpoint, extra=f"{section}: {before}"), "--run-dir", run_dir)
                self.assertEqual(ended.returncode, 0, ended.stderr)
                job = self.job(self.first.endpoint, extra=f"{section}: {after}")
                refused = s3flow("run", job, "--run-dir", run_dir, "--resume")
                if before != "{metadata: {a: b, c: d}}":  # another order of names is another text, but the same properties
                    self.assertEqual(refused.returncode, 78, refused.stderr)
                    self.assertIn("--allow-changed-job", refused.stderr)
                    self.assertNotIn(self.OTHER_KEY, refused.stderr)
                ended = s3flow("run", job, "--run-dir", run_dir, "--resume", "--allow-changed-job")
                self.assertEqual(ended.returncode, 0, ended.stderr)
                summary = self.summary(run_dir.name)
                self.adds_up(summary)
                self.assertEqual(summary["found"], FILES)
                self.assertEqual(summary["this_session"]["uploaded"], FILES if again else 0, summary)

    def test_objects_get_the_new_properties(self):
        self.assertEqual(s3flow("run", self.job(self.first.endpoint, extra="object: {metadata: {a: b}}")).returncode, 0)
        job = self.job(self.first.endpoint, extra="object: {metadata: {a: c}}\nintegrity: {checksum: crc32c}")
        self.assertEqual(s3flow("run", job, "--resume", "--allow-changed-job").returncode, 0)
        heads = self.heads()
        self.assertEqual(len(heads), FILES)
        for head in heads:
            self.assertEqual(head["Metadata"], {"a": "c"})
            self.assertTrue(head.get("ChecksumCRC32C"))

    def test_a_result_stops_counting_when_another_input_writes_its_key(self):
        """Uploads data/f00, then other/f00, then data/f00 again: the first result is no longer valid."""
        self.write("other/f00", "other content")
        job = self.job(self.first.endpoint, source="data/f00")
        self.assertEqual(s3flow("run", job).returncode, 0)
        for source in ("other/f00", "data/f00"):
            ended = s3flow("run", job, "--resume", "--allow-changed-job", "--set", f"source.0.path={self.dir / source}")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            stored = self.clients[self.first.endpoint].get_object(Bucket="bucket", Key="f00")["Body"].read()
            self.assertEqual(stored, (self.dir / source).read_bytes())
            self.assertEqual(self.summary()["found"], 1)

    def test_an_open_upload_with_old_properties_is_started_over(self):
        self.write("data/large", b"x" * (12 << 20))
        extra = "upload: {{part_size: 5MiB, multipart_threshold: 5MiB, concurrency: 1}}\nobject: {{metadata: {{a: {}}}}}"
        slow = self.write("faults.yaml", "faults: [{operation: UploadPart, action: delay, delay: 300ms, attempts: all}]")
        with Serve(self.dir / "store", "--faults", slow) as server:
            job = self.job(server.endpoint, source="data/large", extra=extra.format("old"))
            process = subprocess.Popen([S3FLOW, "run", job], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
            while not (self.dir / "run/journal.jsonl").exists() or not any(r["record"] == "part" for r in read_records(self.dir / "run")):
                time.sleep(0.02)
            process.kill()
            process.communicate()
            job = self.job(server.endpoint, source="data/large", extra=extra.format("new"))
            ended = s3flow("run", job, "--allow-changed-job")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            client = s3_client(server.endpoint, KEY_ID, SECRET)
            self.addCleanup(client.close)
            self.assertEqual(client.head_object(Bucket="bucket", Key="large")["Metadata"]["a"], "new")
            self.assertNotIn("Uploads", client.list_multipart_uploads(Bucket="bucket"))

    def test_a_rehearsal_and_a_run_do_not_share_a_directory(self):
        job = self.job(self.first.endpoint)
        for begin, then in itertools.product(("rehearse", "run"), repeat=2):
            for mode, flags in MODES.items():
                run_dir = self.dir / f"{begin}-{then}-{mode}"
                with self.subTest(begin=begin, then=then, mode=mode):
                    self.clear()
                    self.assertEqual(s3flow(begin, job, "--run-dir", run_dir).returncode, 0)
                    self.clear()
                    if then == "rehearse" and flags:
                        continue  # rehearse has no such options
                    ended = s3flow(then, job, "--run-dir", run_dir, *flags)
                    if (begin, then) == ("run", "run"):
                        continue
                    self.assertEqual(ended.returncode, 78, ended.stdout + ended.stderr)
                    self.assertIn("choose another run directory", ended.stderr)
                    self.assertEqual(self.keys(self.first.endpoint), set())
        ended = s3flow("run", job, "--dry-run", "--run-dir", self.dir / "rehearse-run-plain")
        self.assertEqual(ended.returncode, 78, ended.stdout)
        ended = s3flow("clean", self.dir / "rehearse-run-plain")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("nothing to clean", ended.stdout)

    def test_an_interrupted_rehearsal_does_not_offer_to_resume(self):
        process = subprocess.Popen([S3FLOW, "rehearse", self.job(self.first.endpoint), "--latency", "2s", "--set", "upload.concurrency=1"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment())
        while not (self.dir / "run/journal.jsonl").exists():
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, out + err)
        self.assertNotIn("--run-dir", out + err)
        self.assertIn("rehearse again", out)

    def test_a_plan_and_a_run_do_not_share_a_directory(self):
        job = self.job(self.first.endpoint)
        self.assertEqual(s3flow("plan", job, "--shards", "2", "--out", self.dir / "plan").returncode, 0)
        for command in (["run", job, "--run-dir", self.dir / "plan", "--resume", "--allow-changed-job"], ["rehearse", job, "--run-dir", self.dir / "plan"]):
            ended = s3flow(*command)
            self.assertEqual(ended.returncode, 78, ended.stdout + ended.stderr)
            self.assertIn("belongs to a plan", ended.stderr)
        self.assertEqual(s3flow("run", job).returncode, 0)
        ended = s3flow("plan", job, "--shards", "2", "--out", self.dir / "run")
        self.assertIn(ended.returncode, (74, 78), ended.stdout + ended.stderr)
        self.assertRegex(ended.stderr, "choose another (run )?directory")

    def test_each_input_is_counted_once_however_the_job_changed(self):
        job = self.job(self.first.endpoint)
        self.assertEqual(s3flow("run", job).returncode, 0)
        changes = [["destination.prefix=a/"], ["source.0.prefix=b/"], ["source.0.exclude=f0*"], []]
        inputs = [FILES, FILES, FILES - 10, FILES]
        for session, (settings, found) in enumerate(zip(changes, inputs), 2):
            sets = [argument for text in settings for argument in ("--set", text)]
            ended = s3flow("run", job, "--resume", "--allow-changed-job", *sets)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            summary = self.summary()
            self.adds_up(summary)
            self.assertEqual((summary["found"], summary["uploaded"], summary["session"]), (found, found, session), settings)
        self.assertEqual(self.summary()["this_session"]["uploaded"], 0, "all objects are still at their first keys")


if __name__ == "__main__":
    unittest.main()
