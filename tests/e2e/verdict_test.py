"""Where the time of a run went: each verdict, provoked; series.jsonl; the latencies in summary.json."""
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, Serve, TestCase, clean_environment, make_certificates, s3flow
from support.listener import Listener

SHIM = os.environ["S3FLOW_IO_FAULTS"]
KIB, MIB = 1 << 10, 1 << 20


def until(condition):
    """Waits until the condition is true. The test's time limit ends a wait in vain."""
    while not condition():
        time.sleep(0.02)


class VerdictCase(TestCase):
    def files(self, count, size=1000):
        for i in range(count):
            self.write(f"data/f{i}", os.urandom(size))

    def series(self):
        path = self.dir / "run/series.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def summary(self):
        return json.loads((self.dir / "run/summary.json").read_text())

    def check(self, limit, *words):
        """Checks the verdict, and that the account of the slots is complete."""
        summary = self.summary()
        verdict, slots = summary["verdict"], summary["slot_seconds"]
        self.assertEqual(verdict["limit"], limit, f"{verdict['text']}\n{slots}")
        for word in words:
            self.assertIn(word, verdict["text"])
        in_series = {}
        for line in self.series():
            for state, seconds in line["slots"].items():
                in_series[state] = in_series.get(state, 0) + seconds
        self.assertAlmostEqual(sum(in_series.values()), sum(slots.values()), delta=0.01 * sum(slots.values()) + 0.01)
        return summary

    def run_job(self, server, extra):
        """Runs the job to its end, and returns what it wrote to stdout."""
        ended = s3flow("run", self.job(getattr(server, "endpoint", server), extra=extra))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout

    def serve(self, *arguments, faults=None):
        if faults:
            arguments += "--faults", self.write("faults.yaml", f"faults: [{faults}]")
        return Serve(self.dir / "store", *arguments)

    def start(self, job, **environment):
        process = subprocess.Popen([S3FLOW, "run", str(job)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=clean_environment(**environment))
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def hold(self, server, fault, directory, extra=""):
        """Runs the job while one system call below `directory` does not return until the run has taken two samples."""
        mark = self.dir / "mark"
        process = self.start(self.job(server.endpoint, extra=extra), LD_PRELOAD=SHIM, S3FLOW_FAULT=f"{fault}:wait",
                             S3FLOW_FAULT_DIR=str(self.dir / directory), S3FLOW_FAULT_MARK=str(mark))
        until(lambda: mark.exists() or process.poll() is not None)
        self.assertTrue(mark.exists(), "the run ended before the call that the test holds")
        seen = len(self.series())
        until(lambda: len(self.series()) >= seen + 2)
        mark.unlink()
        out, err = process.communicate()
        self.assertEqual(process.returncode, 0, err)
        return out


class StoreTest(VerdictCase):
    def test_a_store_that_responds_late(self):
        self.files(300)
        with self.serve("--latency", "50ms") as server:
            out = self.run_job(server, "")
        summary = self.check("store", "Limited by the store: ", "(p50 ", "of at most 1024 in flight")
        self.assertIn(summary["verdict"]["text"] + "\n", out)

    def test_too_few_slots_for_a_store_with_a_latency(self):
        self.files(40)
        with self.serve("--latency", "50ms") as server:
            self.run_job(server, "upload: {concurrency: 4}")
        self.check("concurrency", "Limited by upload.concurrency: all 4 slots in use")

    def test_a_slow_network(self):
        self.files(2, 40 * MIB)  # far more than the kernel buffers
        with self.serve("--bandwidth", "24MiB") as server:
            self.run_job(server, "upload: {concurrency: 2, part_size: 64MiB}")
        self.check("network", "Limited by the network, or by a store that reads slowly: ")

    def test_an_outage(self):
        self.files(20)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = self.start(self.job(f"http://127.0.0.1:{port}"))
        until(lambda: len(self.series()) >= 2)
        with self.serve("--port", port):
            _, err = process.communicate()
        self.assertEqual(process.returncode, 0, err)
        self.check("outage", "Limited by an outage of the store: ")

    def test_throttling(self):
        self.files(60)
        with self.serve("--requests-per-second", "20") as server:
            self.run_job(server, "")
        self.check("throttling", "Limited by throttling: ")

    def test_retries(self):
        self.files(60)
        with self.serve(faults="{operation: PutObject, action: status, status: 400, code: RequestTimeout, attempts: 1-2}") as server:
            job = self.job(server.endpoint)
            job.write_text(job.read_text().replace("base_delay: 5ms", "base_delay: 1s").replace("cap: 50ms", "cap: 2s"))
            ended = s3flow("run", job)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.check("retries", "Limited by retries: ")


class SlowHandshakes(Listener):
    """A TLS server that makes one connection at a time, each after a delay, for one request."""

    def __init__(self, directory):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(directory / "server.crt", directory / "server.key")
        super().__init__(self.respond)
        self.endpoint = f"https://{self.address}"

    def respond(self, connection):
        time.sleep(0.05)
        with self.context.wrap_socket(connection, server_side=True) as tls:
            received = b""
            while b"\r\n\r\n" not in received or not received.endswith(b"x"):
                received += tls.recv(1 << 16)
            tls.sendall(b"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class ConnectingTest(VerdictCase):
    def test_slow_handshakes(self):
        make_certificates(self.dir)
        for i in range(20):
            self.write(f"data/f{i}", "x")
        with SlowHandshakes(self.dir) as server:
            job = self.job(server.endpoint).read_text().replace("destination:", f"destination:\n  ca_file: {self.dir}/ca.crt")
            self.write("job.yaml", job)
            ended = s3flow("run", self.dir / "job.yaml")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.check("connecting", "Limited by connecting: ")


class OwnLimitsTest(VerdictCase):
    def test_bandwidth(self):
        self.files(20, 100 * KIB)
        with self.serve() as server:
            self.run_job(server, "limits: {bandwidth: 1MiB}")
        self.check("bandwidth", "Limited by limits.bandwidth: ")

    def test_requests_per_second(self):
        self.files(40)
        with self.serve() as server:
            self.run_job(server, "limits: {requests_per_second: 20}")
        self.check("request_rate", "Limited by limits.requests_per_second: ")

    def test_memory(self):
        self.files(30, 2 * MIB)
        with self.serve("--latency", "50ms") as server:
            self.run_job(server, "upload: {concurrency: 30, part_size: 5MiB}\nlimits: {memory: 10MiB}")
        self.check("memory", "Limited by limits.memory: ")

    def test_the_upload_that_parts_wait_for(self):
        self.files(1, 60 * MIB)
        with self.serve(faults="{operation: CreateMultipartUpload, action: delay, delay: 8s, attempts: all}") as server:
            self.run_job(server, "upload: {concurrency: 12, part_size: 5MiB, multipart_threshold: 8MiB}")
        self.check("siblings", "Limited by work that is shared: ")


class InputTest(VerdictCase):
    def test_a_walk_that_hangs(self):
        self.files(10)
        with self.serve() as server:
            self.hold(server, "getdents:1", "data")
        self.check("source", "Limited by the source: ")

    def test_a_stream_without_data(self):
        fifo = self.dir / "fifo"
        os.mkfifo(fifo)
        job = self.job("http://unused", source="fifo").read_text()
        with self.serve() as server:
            job = job.replace("http://unused", server.endpoint).replace(f"path: {fifo}", f"path: {fifo}\n    stream: true")
            process = self.start(self.write("job.yaml", job))
            with open(fifo, "wb") as stream:
                stream.write(b"x" * 1000)
                stream.flush()
                until(lambda: len(self.series()) >= 2)
            _, err = process.communicate()
        self.assertEqual(process.returncode, 0, err)
        self.check("source", "Limited by the source: ")

    def test_a_file_system_that_hangs(self):
        self.files(1)
        with self.serve() as server:
            self.hold(server, "read:1", "data")
        self.check("reading", "Limited by reading: ")

    def test_a_run_directory_that_hangs(self):
        self.files(1, 12 * MIB)
        (self.dir / "run").mkdir()
        with self.serve() as server:
            # The second sync is that of the record of the multipart upload.
            self.hold(server, "sync:2", "run", "upload: {concurrency: 1, part_size: 6MiB, multipart_threshold: 8MiB}")
        self.check("journal", "Limited by the run directory: ")

    def test_mixed_evidence(self):
        self.files(2)
        with self.serve(faults="{operation: PutObject, key: '**/f0', action: delay, delay: 2s, attempts: 1}") as server:
            self.hold(server, "read:2", "data", "upload: {concurrency: 2}")
        self.check("none", "No single limit: slot time went to ")


class RecordsTest(VerdictCase):
    def test_the_series_and_the_latencies(self):
        self.files(50)
        self.write("data/large", os.urandom(12 * MIB))
        with self.serve() as server:
            self.run_job(server, "upload: {part_size: 5MiB, multipart_threshold: 8MiB}")
        last = self.series()[-1]
        self.assertEqual(set(last), {"t", "done", "done_bytes", "failed", "retries", "in_flight", "slots"})
        self.assertEqual((last["done"], last["done_bytes"], last["failed"], last["in_flight"]), (51, 50_000 + 12 * MIB, 0, 0))
        summary = self.summary()
        self.assertLessEqual(set(last["slots"]), set(summary["slot_seconds"]))
        latency = {(entry["operation"], entry["size_class"]): entry for entry in summary["latency"]}
        self.assertEqual({key: entry["count"] for key, entry in latency.items()},
                         {("PutObject", "up to 64 KiB"): 50, ("UploadPart", "up to 16 MiB"): 3,
                          ("CreateMultipartUpload", "none"): 1, ("CompleteMultipartUpload", "up to 64 KiB"): 1})
        for entry in latency.values():
            ordered = [entry[name] for name in ("p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms")]
            self.assertEqual(ordered, sorted(ordered))
            self.assertGreater(ordered[0], 0)

    def test_a_resumed_run_begins_a_new_series(self):
        self.files(3)
        with self.serve() as server:
            self.run_job(server, "")
            ended = s3flow("run", self.dir / "job.yaml", "--resume")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(self.series()[-1]["done"], 0)

    def test_a_series_that_cannot_be_written_fails_nothing(self):
        self.files(3)
        (self.dir / "run/series.jsonl").mkdir(parents=True)
        with self.serve() as server:
            ended = s3flow("run", self.job(server.endpoint))
        self.assertEqual(ended.returncode, 74, "the run directory has an entry that no run has made")
        (self.dir / "run/series.jsonl").rmdir()
        victim = self.write("victim", "untouched")
        (self.dir / "run/series.jsonl").symlink_to(victim)
        with self.serve() as server:
            s3flow("run", self.job(server.endpoint))
        self.assertEqual(victim.read_text(), "untouched")

    def test_the_status_says_what_the_run_waits_for(self):
        self.files(3)
        with self.serve(faults="{operation: PutObject, action: delay, delay: 1h, attempts: 1}") as server:
            process = self.start(self.job(server.endpoint))
            status = self.dir / "run/status.json"
            until(lambda: status.exists() and json.loads(status.read_text())["waiting_for"] == "store")
            self.assertIn("limited by: store\n", s3flow("status", self.dir / "run").stdout)
            process.send_signal(signal.SIGKILL)
            process.communicate()


if __name__ == "__main__":
    unittest.main()
