"""if_none_match never replaces another writer's object, even if the store ignores the condition."""
import itertools
import subprocess
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SECRET, Serve, TestCase, clean_environment, read_journal, s3flow
from support.store_client import s3_client

PARTS = "upload: {part_size: 5MiB, multipart_threshold: 5MiB}\n"
STORES = {"keeps": [], "ignores on complete": ["--ignore-conditions", "complete"], "ignores": ["--ignore-conditions", "all"]}


class Conditions(TestCase):
    def setUp(self):
        super().setUp()
        self.write("data/small", b"ours")
        self.write("data/large", b"ours" * (3 << 20))
        self.write("data/new", b"ours")
        self.write("data/new-large", b"ours" * (3 << 20))

    def client(self, server):
        client = s3_client(server.endpoint, KEY_ID, SECRET)
        self.addCleanup(client.close)
        return client

    def faults(self, *rules):
        return ["--faults", self.write("faults.yaml", "faults:\n" + "".join(f"- {{{rule}}}\n" for rule in rules))]

    def body(self, client, key):
        return client.get_object(Bucket="bucket", Key=key)["Body"].read()

    def test_existing_objects_are_kept_in_every_store(self):
        conditions = ("object: {if_none_match: true}", "object: {rules: [{match: '**', if_none_match: true}]}", "resume: {skip: if_none_match}")
        for number, ((store, arguments), condition) in enumerate(itertools.product(STORES.items(), conditions)):
            with self.subTest(store=store, condition=condition), Serve(self.dir / f"store{number}", *arguments) as server:
                client = self.client(server)
                for key in ("small", "large"):
                    client.put_object(Bucket="bucket", Key=key, Body=b"theirs")
                ended = s3flow("run", self.job(server.endpoint, extra=PARTS + condition), "--run-dir", self.dir / f"run{number}")
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertIn("4 found: 2 uploaded, 2 skipped", ended.stdout)
                self.assertIn("if_none_match: a store of profile generic may ignore the condition", ended.stderr)
                for key in ("small", "large"):
                    self.assertEqual(self.body(client, key), b"theirs")
                for key in ("new", "new-large"):
                    self.assertEqual(self.body(client, key), (self.dir / f"data/{key}").read_bytes())
                self.assertNotIn("Uploads", client.list_multipart_uploads(Bucket="bucket"))

    def test_a_store_that_honours_conditions_gets_no_extra_request(self):
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.job(server.endpoint, source="data/new", extra="object: {if_none_match: true}"), "--set", "destination.profile=minio")
            self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(server.stats["requests"], {"PutObject": 1})

    def test_an_object_that_appears_during_the_upload_is_kept(self):
        """The other writer stores its object while our parts are being sent."""
        for store, arguments in STORES.items():
            with self.subTest(store), Serve(self.dir / store, *arguments, *self.faults("operation: UploadPart, action: delay, delay: 1s, attempts: all")) as server:
                client = self.client(server)
                job = self.job(server.endpoint, source="data/large", extra=PARTS + "object: {if_none_match: true}")
                process = subprocess.Popen([S3FLOW, "run", str(job), "--run-dir", str(self.dir / f"run {store}")], stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE, text=True, env=clean_environment())
                while "Uploads" not in client.list_multipart_uploads(Bucket="bucket"):
                    self.assertIsNone(process.poll())
                client.put_object(Bucket="bucket", Key="large", Body=b"theirs")
                out, err = process.communicate(timeout=120)
                self.assertEqual(process.returncode, 0, out + err)
                self.assertIn("0 uploaded, 1 skipped", out)
                self.assertEqual(self.body(client, "large"), b"theirs")
                self.assertNotIn("Uploads", client.list_multipart_uploads(Bucket="bucket"))

    CONFLICT = "action: status, status: 409, code: ConditionalRequestConflict"

    def test_a_conflict_is_retried_from_the_create_of_a_multipart_upload(self):
        with Serve(self.dir / "store", *self.faults(f"operation: PutObject, {self.CONFLICT}, attempts: 1-2",
                                                    f"operation: CompleteMultipartUpload, {self.CONFLICT}, attempts: 1-2")) as server:
            client = self.client(server)
            ended = s3flow("run", self.job(server.endpoint, extra=PARTS + "object: {if_none_match: true}"))
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertIn("4 found: 4 uploaded", ended.stdout)
            for path in (self.dir / "data").iterdir():
                self.assertEqual(self.body(client, path.name), path.read_bytes())
            self.assertNotIn("Uploads", client.list_multipart_uploads(Bucket="bucket"))
        requests = server.stats["requests"]
        self.assertEqual(server.stats["faults_injected"], 8)
        self.assertEqual((requests["PutObject"], requests["CreateMultipartUpload"], requests["CompleteMultipartUpload"], requests["AbortMultipartUpload"]), (6, 6, 6, 4))

    def test_endless_conflicts_fail_the_file_and_leave_no_upload(self):
        with Serve(self.dir / "store", *self.faults(f"operation: CompleteMultipartUpload, {self.CONFLICT}, attempts: all")) as server:
            client = self.client(server)
            job = self.job(server.endpoint, source="data/large", extra=PARTS + "object: {if_none_match: true}")
            ended = s3flow("run", job, "--set", "retry.max_attempts=3")
            self.assertEqual(ended.returncode, 1, ended.stderr)
            self.assertEqual([line["kind"] for line in read_journal(self.dir / "run")], ["conflict"])
            self.assertNotIn("Uploads", client.list_multipart_uploads(Bucket="bucket"))
            self.assertNotIn("Contents", client.list_objects_v2(Bucket="bucket"))
        self.assertEqual(server.stats["requests"]["CreateMultipartUpload"], 3)

    def test_an_object_whose_response_was_lost_is_recognised_as_ours(self):
        for store, arguments in STORES.items():
            with self.subTest(store), Serve(self.dir / store, *arguments, *self.faults("operation: CompleteMultipartUpload, action: lost_answer, attempts: 1",
                                                                                    "operation: PutObject, action: lost_answer, attempts: 1")) as server:
                ended = s3flow("run", self.job(server.endpoint, extra=PARTS + "object: {if_none_match: true}"), "--run-dir", self.dir / f"run {store}")
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertIn("4 found: 4 uploaded", ended.stdout)
            self.assertEqual(server.stats["faults_injected"], 4)

    def test_no_object_is_written_when_its_key_cannot_be_checked(self):
        with Serve(self.dir / "store", *self.faults("operation: HeadObject, action: status, status: 403, code: AccessDenied, attempts: all")) as server:
            client = self.client(server)
            ended = s3flow("run", self.job(server.endpoint, extra=PARTS + "object: {if_none_match: true}"))
            self.assertEqual(ended.returncode, 77, ended.stderr)
            self.assertIn("whether the key exists cannot be asked", ended.stderr)
            self.assertNotIn("Contents", client.list_objects_v2(Bucket="bucket"))
            self.assertNotIn("Uploads", client.list_multipart_uploads(Bucket="bucket"))

    def test_a_resumed_upload_checks_its_key_first(self):
        with Serve(self.dir / "store", "--ignore-conditions", "all", *self.faults("operation: UploadPart, action: delay, delay: 300ms, attempts: all")) as server:
            client = self.client(server)
            job = self.job(server.endpoint, source="data/large", extra=PARTS + "object: {if_none_match: true}")
            process = subprocess.Popen([S3FLOW, "run", str(job)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
            while "Uploads" not in client.list_multipart_uploads(Bucket="bucket"):
                self.assertIsNone(process.poll())
            process.kill()
            process.communicate()
            client.put_object(Bucket="bucket", Key="large", Body=b"theirs")
            ended = s3flow("run", job)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual(self.body(client, "large"), b"theirs")
            self.assertNotIn("Uploads", client.list_multipart_uploads(Bucket="bucket"))

    def test_finish_checks_the_key_before_it_completes_an_object(self):
        self.write("data/large", b"ours" * (10 << 20))
        for store, arguments in STORES.items():
            with self.subTest(store), Serve(self.dir / store, *arguments) as server:
                client = self.client(server)
                job = self.job(server.endpoint, source="data/large", extra=PARTS + "object: {if_none_match: true}")
                plan = self.dir / f"plan {store}"
                self.assertEqual(s3flow("plan", job, "--shards", "2", "--out", plan).returncode, 0)
                for shard in ("0/2", "1/2"):
                    self.assertEqual(s3flow("run", "--plan", plan, "--shard", shard).returncode, 0)
                client.put_object(Bucket="bucket", Key="large", Body=b"theirs")
                ended = s3flow("finish", plan)
                self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
                self.assertIn("0 uploaded, 1 skipped", ended.stdout)
                self.assertEqual(self.body(client, "large"), b"theirs")
                self.assertNotIn("Uploads", client.list_multipart_uploads(Bucket="bucket"))


if __name__ == "__main__":
    unittest.main()
