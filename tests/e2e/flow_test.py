"""How a run adapts to its store: outages, refusals, requests that hang, limits that change. No test measures time."""
import json
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, Serve, TestCase, clean_environment, read_journal, s3flow

FILES = 400


class Flow(TestCase):
    def files(self, count=FILES):
        for i in range(count):
            self.write(f"data/{i:05}", b"content %d" % i)

    def start(self, job, *arguments):
        process = subprocess.Popen([S3FLOW, "run", str(job), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=clean_environment())
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def wait_for_results(self, count):
        journal = self.dir / "run/journal.jsonl"
        while not journal.exists() or journal.read_bytes().count(b'"record":"result"') < count:
            time.sleep(0.01)

    def summary(self):
        return json.loads((self.dir / "run/summary.json").read_text())

    def test_an_outage_fails_no_file_and_costs_no_attempt(self):
        self.files()
        store = self.dir / "store"
        with Serve(store, "--latency", "20ms") as first:
            process = self.start(self.job(first.endpoint, extra="upload: {concurrency: 32}\nlimits: {connect_timeout: 1s}"))
            self.wait_for_results(50)
            first.kill()
            line = process.stderr.readline()
            while "the store does not answer" not in line:
                self.assertNotEqual(line, "", "the outage was not noticed")
                line = process.stderr.readline()
            # Long enough to use up all attempts of a request, if attempts were counted during an outage.
            time.sleep(2)
            self.assertIsNone(process.poll())
            with Serve(store, "--port", first.endpoint.rsplit(":", 1)[1]) as second:
                _, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, err)
            self.assertIn("the store answers again", err)
        self.assertEqual(self.summary()["uploaded"], FILES)
        self.assertLessEqual(max(line["attempts"] for line in read_journal(self.dir / "run")), 4)
        self.assertGreater(second.stats["requests"].get("PutObject", 0), 0)

    def test_an_endless_outage_stops_the_run_which_can_be_resumed(self):
        self.files()
        with Serve(self.dir / "store", "--latency", "20ms") as server:
            job = self.job(server.endpoint, extra="upload: {concurrency: 32}\nlimits: {outage: 500ms}")
            process = self.start(job)
            self.wait_for_results(50)
            server.kill()
            _, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 75, err)
            self.assertIn("the store has not answered for", err)
        self.assertEqual(self.summary()["failed"], 0)

    def test_a_store_that_throttles_gets_fewer_requests(self):
        self.files(1500)
        with Serve(self.dir / "store", "--requests-per-second", "300") as server:
            ended = s3flow("run", self.job(server.endpoint))
            self.assertEqual(ended.returncode, 0, ended.stderr)
        summary = self.summary()
        self.assertEqual((summary["uploaded"], summary["failed"]), (1500, 0))
        self.assertGreater(server.stats["slowed_down"], 0, "the store refused nothing")

    def test_requests_that_hang_are_sent_again(self):
        self.files()
        faults = self.write("faults.yaml", "faults: [{operation: PutObject, action: no_answer, attempts: 1, every: 100}]")
        with Serve(self.dir / "store", "--faults", faults) as server:
            # No other timeout ends such requests within the time of this test.
            ended = s3flow("run", self.job(server.endpoint, extra="limits: {stall_window: 1h}"), timeout=100)
            self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(server.stats["faults_injected"], FILES // 100)
        self.assertGreaterEqual(server.stats["requests"]["PutObject"], FILES + FILES // 100)
        self.assertEqual({line["attempts"] for line in read_journal(self.dir / "run")}, {1}, "a request that hangs must not count as an attempt")

    def test_limits_change_during_a_run_on_sighup(self):
        self.files()
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint, extra="limits: {requests_per_second: 5}")
            process = self.start(job)
            self.wait_for_results(3)
            good = job.read_text()
            job.write_text(good.replace("requests_per_second: 5", "requests_per_second: many"))
            process.send_signal(signal.SIGHUP)
            line = process.stderr.readline()
            while "the rate limits are not changed" not in line:
                self.assertNotEqual(line, "")
                line = process.stderr.readline()
            self.assertIsNone(process.poll())
            job.write_text(good.replace("requests_per_second: 5", "requests_per_second: 0"))
            process.send_signal(signal.SIGHUP)
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, err)
            self.assertIn("limits.requests_per_second is unlimited", err)
        self.assertEqual(self.summary()["uploaded"], FILES)


if __name__ == "__main__":
    unittest.main()
