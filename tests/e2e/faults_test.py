"""The Nth write, sync, open, send or recv fails, or the process dies there, for N = 1, 2, 3, ... until a run has no fault
any more. Each run is then resumed: every object is in the store, was uploaded once, and nothing else is there."""
import collections
import errno
import os
import shutil
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import SANITIZE, TRANSPORT, Serve, TestCase, read_records, s3flow, sha256
from support.store_client import s3_client

SHIM = os.environ["S3FLOW_IO_FAULTS"]
ALL = os.environ.get("S3FLOW_FAULTS") == "all"  # the suite tests one error of each kind


@unittest.skipIf(SANITIZE, "a sanitizer must be loaded before the preloaded library, and refuses to start")
class NthCall(TestCase):
    def setUp(self):
        super().setUp()
        self.written = {}
        for i in range(2):
            self.file(f"small{i}", os.urandom(100 + i))
        self.file("large", os.urandom(6 << 20))

    def file(self, name, data):
        self.write(f"data/{name}", data)
        self.written[name] = sha256(data)

    def client(self, server):
        client = s3_client(server.endpoint)
        self.addCleanup(client.close)
        return client

    def run_with(self, server, bucket, fault):
        """Returns the completed process, and whether the fault happened."""
        mark = self.dir / "mark"
        mark.unlink(missing_ok=True)
        job = self.job(server.endpoint, bucket=bucket, extra="upload: {concurrency: 2, part_size: 5MiB, multipart_threshold: 5MiB}")
        preload = dict(LD_PRELOAD=SHIM, S3FLOW_FAULT=fault, S3FLOW_FAULT_DIR=str(self.dir / "run"), S3FLOW_FAULT_MARK=str(mark))
        ended = s3flow("run", job, "--resume", **(preload if fault else {}))
        return ended, mark.exists()

    def check_store(self, client, bucket, context):
        stored = {o["Key"]: sha256(client.get_object(Bucket=bucket, Key=o["Key"])["Body"].read())
                  for o in client.list_objects_v2(Bucket=bucket).get("Contents", [])}
        self.assertEqual(stored, self.written, context)
        self.assertEqual(client.list_multipart_uploads(Bucket=bucket).get("Uploads", []), [], f"{context}: orphans")
        uploaded = collections.Counter(r["key"] for r in read_records(self.dir / "run") if r["record"] == "result" and r["outcome"] == "uploaded")
        self.assertEqual(uploaded, collections.Counter(self.written.keys()), context)

    def enumerate(self, call, whats, ends):
        """Makes a run for each N until no fault happens. `ends`: the exit statuses that a fault may cause."""
        with Serve(self.dir / "store") as server:
            client = self.client(server)
            for what in whats:
                seen = collections.Counter()
                for number in range(1, 1000):
                    bucket = f"{call}-{str(what).lower()}-{number}"
                    client.create_bucket(Bucket=bucket)
                    shutil.rmtree(self.dir / "run", ignore_errors=True)
                    fault = f"{call}:{number}:{what}"
                    ended, happened = self.run_with(server, bucket, fault)
                    if not happened:
                        self.assertEqual(ended.returncode, 0, ended.stderr)
                        break
                    self.assertIn(ended.returncode, ends, f"{fault}: {ended.stderr}")
                    seen[ended.returncode] += 1
                    if ended.returncode != 0:
                        ended, _ = self.run_with(server, bucket, None)
                        self.assertEqual(ended.returncode, 0, f"after {fault}: {ended.stderr}")
                    self.check_store(client, bucket, fault)
                # Each line of the journal is one write, and no run is a success without it. The run may end with 0 when a
                # write to status.json, metrics.prom or series.jsonl fails, or the write that releases the lock.
                needed = {"write": len(read_records(self.dir / "run")), "open": 2}.get(call, 0) if 74 in ends else 0
                self.assertGreaterEqual(seen[74], needed, fault)
                self.assertGreater(number, 3, "too few faults were tried")

    def test_a_write_that_fails_loses_nothing(self):
        self.enumerate("write", [errno.ENOSPC, errno.EIO][:2 if ALL else 1], {74, 0})

    def test_a_sync_that_fails_loses_nothing(self):
        self.enumerate("sync", [errno.EIO, errno.EDQUOT][:2 if ALL else 1], {74})

    def test_an_open_that_fails_loses_nothing(self):
        self.enumerate("open", [errno.EMFILE], {74, 0})

    def test_a_run_killed_at_any_write_can_be_resumed(self):
        self.enumerate("write", ["before", "after"], {-9})

    def test_a_run_killed_at_any_sync_can_be_resumed(self):
        self.enumerate("sync", ["before", "after"][:2 if ALL else 1], {-9})

    def test_a_run_killed_at_any_request_can_be_resumed(self):
        self.enumerate("send", ["after", "before"][:2 if ALL else 1], {-9})

    def test_a_run_killed_at_any_response_can_be_resumed(self):
        self.enumerate("recv", ["after"], {-9})

    def test_a_socket_that_fails_loses_nothing(self):
        self.enumerate("send", [errno.ECONNRESET], {0})
        if ALL:
            self.enumerate("recv", [errno.ECONNRESET], {0})

    @unittest.skipIf(TRANSPORT == "libcurl", "libcurl does not use sendfile")
    def test_a_file_system_without_sendfile_is_uploaded(self):
        self.enumerate("sendfile", [errno.EINVAL], {0})
        if ALL:
            self.enumerate("sendfile", [errno.ECONNRESET], {0})


if __name__ == "__main__":
    unittest.main()
