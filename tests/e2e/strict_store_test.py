"""Stores that refuse some of s3flow's headers, and credentials that may write but not read."""
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, SECRET, Serve, TestCase, read_journal, s3flow
from support.store_client import s3_client

# Headers that s3flow sends, but that no store needs.
OPTIONAL = ["x-amz-mp-object-size", "x-amz-checksum-mode", "x-amz-checksum-type"]
SETTINGS = """
upload: {concurrency: 2, part_size: 5MiB, multipart_threshold: 5MiB}
integrity: {checksum: crc64nvme, verify: head}
"""


class StrictStore(TestCase):
    def setUp(self):
        super().setUp()
        self.write("data/small", b"small")
        self.write("data/large", b"large" * (3 << 20))

    def upload(self, *refused):
        """Runs a job, checks that all objects are stored whole, and returns stderr and the counts of the endpoint."""
        options = [option for name in refused for option in ("--refuse-header", name)]
        with Serve(self.dir / "-".join(("store", *refused)), *options) as server:
            ended = s3flow("run", self.job(server.endpoint, extra=SETTINGS), "--run-dir", self.dir / "-".join(("run", *refused)))
            self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
            self.assertIn("2 found: 2 uploaded", ended.stdout)
        # boto3 sends some of these headers itself, so it reads from an endpoint that accepts all of them.
        with Serve(self.dir / "-".join(("store", *refused))) as taking_all:
            client = s3_client(taking_all.endpoint, KEY_ID, SECRET)
            self.addCleanup(client.close)
            for key in ("small", "large"):
                self.assertEqual(client.get_object(Bucket="bucket", Key=key)["Body"].read(), (self.dir / "data" / key).read_bytes())
        return ended.stderr, server.stats

    def test_headers_that_a_store_refuses_are_left_out(self):
        for refused in ([OPTIONAL[0]], [OPTIONAL[1]], [OPTIONAL[2]], OPTIONAL):
            with self.subTest(refused):
                stderr, stats = self.upload(*refused)
                # A header is left out once a request without it has succeeded: until then each of the two slots may send it.
                self.assertGreaterEqual(stats["refused_headers"], len(refused))
                self.assertLessEqual(stats["refused_headers"], 2 * len(refused))
                for name in refused:
                    self.assertRegex(stderr, f"the store does not accept .*{name}")

    def test_nothing_is_left_out_where_nothing_is_refused(self):
        stderr, stats = self.upload()
        self.assertEqual(stats["refused_headers"], 0)
        self.assertNotIn("does not accept", stderr)

    def test_a_header_that_decides_what_an_object_becomes_is_not_left_out(self):
        with Serve(self.dir / "store", "--refuse-header", "x-amz-storage-class") as server:
            ended = s3flow("run", self.job(server.endpoint, extra="object: {storage_class: STANDARD_IA}"))
            self.assertEqual(ended.returncode, 1, ended.stderr)
            self.assertIn("x-amz-storage-class", ended.stderr)
        self.assertEqual({record["outcome"] for record in read_journal(self.dir / "run")}, {"failed"})

    def test_the_probe_names_them(self):
        options = [option for name in OPTIONAL for option in ("--refuse-header", name)]
        with Serve(self.dir / "store", *options) as server:
            ended = s3flow("check", "--probe", self.job(server.endpoint, extra=SETTINGS))
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        row = [line for line in ended.stdout.splitlines() if line.startswith("headers ")]
        self.assertEqual(len(row), 1, ended.stdout)
        self.assertRegex(row[0], "^headers +refused .*x-amz-")
        for name in OPTIONAL:
            self.assertIn(name, row[0])


class WriteOnlyKey(TestCase):
    def test_skipping_says_what_a_key_must_be_allowed(self):
        self.write("data/a", b"a")
        denied = self.write("faults.yaml", "faults:\n" + "".join(
            f"- {{operation: {name}, action: status, status: 403, code: AccessDenied, attempts: all}}\n"
            for name in ("HeadObject", "ListObjectsV2")))
        for skip, extra, permission in (("size_mtime", "object: {posix: true}\n", "s3:GetObject"), ("size_mtime", "", "s3:ListBucket")):
            with self.subTest(permission), Serve(self.dir / f"store-{permission[3:]}", "--faults", denied) as server:
                job = self.job(server.endpoint, extra=f"{extra}resume: {{skip: {skip}}}\n")
                ended = s3flow("run", job, "--run-dir", self.dir / f"run-{permission[3:]}")
                self.assertNotEqual(ended.returncode, 0)
                for text in ("resume.skip", permission, "resume.skip to journal or never"):
                    self.assertIn(text, ended.stderr)
                ended = s3flow("run", job, "--run-dir", self.dir / f"run2-{permission[3:]}", "--set", "resume.skip=journal")
                self.assertEqual(ended.returncode, 0, ended.stderr)


if __name__ == "__main__":
    unittest.main()
