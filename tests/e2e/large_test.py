"""Large files and streams through the real binary, against the embedded endpoint."""
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, Serve, TestCase, clean_environment, read_journal, s3flow, sha256

PARTS = "upload: {part_size: 5MiB, multipart_threshold: 5MiB, concurrency: 8}"


class Large(TestCase):
    def stored(self, key):
        """Returns the SHA-256 of an object, read from the directory of the endpoint."""
        import base64
        import json
        for meta in (self.dir / "store/bucket").glob("*.meta"):
            described = json.loads(meta.read_text())
            if base64.b64decode(described["key"]).decode() == key:
                return sha256(b"".join((self.dir / "store/bucket" / name).read_bytes() for name, _ in described["data"]))
        return None

    def test_a_rehearsal_survives_faults_on_every_operation(self):
        for i in range(3):
            self.write(f"data/large{i}", os.urandom((17 << 20) + i))
        self.write("data/small", b"small")
        faults = "faults:\n"
        for operation in ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject"):
            faults += f"  - {{operation: {operation}, action: status, status: 503, code: SlowDown}}\n"
            faults += f"  - {{operation: {operation}, attempts: 2, action: reset}}\n"
        faults += "  - {operation: CompleteMultipartUpload, attempts: 3, action: lost_answer}\n"
        faults += "  - {operation: UploadPart, attempts: 3-5, action: flip_bit}\n"
        ended = s3flow("rehearse", self.job("http://unused", extra=PARTS), "--faults", self.write("faults.yaml", faults),
                       "--set", "upload.event_loops=3", "--set", "upload.threads=8")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("read back: 4 objects equal, 0 not", ended.stdout)
        self.assertNotIn(" 0 faults injected", ended.stdout)
        self.assertNotIn("left in the store", ended.stderr)

    def stream_job(self, endpoint, more=""):
        job = self.job(endpoint, extra=PARTS)
        job.write_text(job.read_text().replace(f"- path: {self.dir / 'data'}", f'- {{path: "-", stream: true, key: in.bin{more}}}'))
        return job

    def test_standard_input_becomes_an_object(self):
        data = os.urandom(12_345_678)
        with Serve(self.dir / "store") as server:
            ended = subprocess.run([S3FLOW, "run", str(self.stream_job(server.endpoint))], input=data, capture_output=True,
                                   env=clean_environment(), timeout=120)
            self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(self.stored("in.bin"), sha256(data))
        line, = read_journal(self.dir / "run")
        self.assertEqual((line["path"], line["parts"], line["size"], line["stream"]), ("-", 3, len(data), True))

    def test_a_stream_shorter_than_its_size_makes_no_object(self):
        with Serve(self.dir / "store") as server:
            job = self.stream_job(server.endpoint, more=", size: 20MB")
            ended = subprocess.run([S3FLOW, "run", str(job)], input=os.urandom(12_345_678), capture_output=True, text=False,
                                   env=clean_environment(), timeout=120)
            self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertIn(b"ended after 12345678 of 20000000 bytes", ended.stderr)
        self.assertIsNone(self.stored("in.bin"))
        self.assertEqual(server.stats["requests"]["AbortMultipartUpload"], 1)

    def test_a_stream_that_is_interrupted_makes_no_object(self):
        with Serve(self.dir / "store") as server:
            process = subprocess.Popen([S3FLOW, "run", str(self.stream_job(server.endpoint)), "--set", "report.log=objects"],
                                       stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
            process.stdin.write(os.urandom(6 << 20))
            process.stdin.flush()
            while b"start" not in process.stderr.readline():  # until the upload is created
                self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            process.stdin.close()
            error = process.stderr.read()
            process.stderr.close()
            self.assertEqual(process.wait(timeout=60), 130, error)
        self.assertIsNone(self.stored("in.bin"))
        self.assertEqual(server.stats["requests"]["AbortMultipartUpload"], 1)

    def test_parts_larger_than_the_memory_are_a_clear_error(self):
        path = self.write("data/huge")
        os.truncate(path, 200 << 30)
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.job(server.endpoint, extra="upload: {part_size: 5MiB}\nlimits: {memory: 16MiB}"))
            self.assertEqual(ended.returncode, 1)
            self.assertIn("but limits.memory allows only", ended.stderr)
        self.assertEqual(server.stats["requests"], {})


if __name__ == "__main__":
    unittest.main()
