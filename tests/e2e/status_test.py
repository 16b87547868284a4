"""What others can see of a run: status.json, metrics.prom, `s3flow status`, summary.json, and the command at its end."""
import datetime
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

from prometheus_client import parser as prometheus
from prometheus_client.openmetrics import parser as openmetrics

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SECRET, Serve, TestCase, clean_environment, read_journal, s3flow

FILES = 12
HOUR = "faults: [{operation: PutObject, action: delay, delay: 1h, attempts: 1}]"


def until(condition):
    """Waits until the condition is true, and returns its value. If it never is, the test's time limit ends the wait."""
    while not (value := condition()):
        time.sleep(0.02)
    return value


class StatusCase(TestCase):
    def setUp(self):
        super().setUp()
        self.run_dir = self.dir / "run"
        for i in range(FILES):
            self.write(f"data/f{i}", "x" * 1000)

    def status_file(self, run_dir=None):
        return json.loads(((run_dir or self.run_dir) / "status.json").read_text())

    def metrics(self, run_dir=None):
        """Reads metrics.prom with two parsers, and checks that their results are equal. OpenMetrics's parser raises on every
        breach of the rules. Prometheus's parser reads what node_exporter and promtool read."""
        text = ((run_dir or self.run_dir) / "metrics.prom").read_text()
        self.assertEqual(re.findall(r"^# TYPE \S+ (?!gauge$)", text, re.M), [])
        strict, plain = ({sample.name + "".join(f",{v}" for k, v in sample.labels.items() if k in ("outcome", "state")): sample.value
                          for family in parse(text) for sample in family.samples}
                         for parse in (openmetrics.text_string_to_metric_families, prometheus.text_string_to_metric_families))
        self.assertEqual(strict, plain)
        return strict

    def status(self, *arguments, status=None):
        ended = s3flow("status", *(arguments or [self.run_dir]))
        if status is not None:
            self.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        return ended

    def json_status(self, *arguments):
        ended = self.status("--json", *(arguments or [self.run_dir]))
        report = json.loads(ended.stdout)
        self.assertEqual(report["exit_status"], ended.returncode)
        return report

    def start(self, *arguments):
        process = subprocess.Popen([S3FLOW, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment())
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def hanging_run(self):
        """Starts a run whose requests get no response, and waits until its status shows them."""
        server = Serve(self.dir / "slow", "--faults", self.write("faults.yaml", HOUR))
        server.__enter__()
        self.addCleanup(server.kill)
        process = self.start("run", self.job(server.endpoint, extra="upload: {concurrency: 4}\nlimits: {drain: 100ms}"))
        until(lambda: (self.run_dir / "status.json").exists() and self.status_file()["in_flight"] == 4 and self.status_file()["walk_ended"])
        return process


class OneRun(StatusCase):
    def test_files_and_command_agree_about_a_run_that_has_ended(self):
        self.write("data/link-to-nowhere").unlink()
        (self.dir / "data/link").symlink_to("f0")
        with Serve(self.dir / "store") as server:
            self.assertEqual(s3flow("run", self.job(server.endpoint)).returncode, 0)
        status = self.status_file()
        self.assertEqual((status["state"], status["uploaded"], status["skipped"], status["found"]), ("finished", FILES, 1, FILES + 1))
        self.assertEqual((status["bytes_done"], status["percent"], status["in_flight"], status["exit_status"]), (FILES * 1000, 100, 0, 0))
        self.assertEqual((status["host"], status["complete"], status["seconds_left"]), (socket.gethostname(), True, None))
        metrics = self.metrics()
        self.assertEqual((metrics["s3flow_inputs,uploaded"], metrics["s3flow_sent_bytes"], metrics["s3flow_exit_status"]), (FILES, FILES * 1000, 0))
        self.assertEqual((metrics["s3flow_state,finished"], metrics["s3flow_state,running"]), (1, 0))
        ended = self.status(status=0)
        self.assertIn(f"finished on {socket.gethostname()}", ended.stdout)
        self.assertIn(f"{FILES + 1} of {FILES + 1} inputs: {FILES} uploaded, 1 skipped, 0 failed", ended.stdout)
        self.assertEqual(sorted(os.listdir(self.run_dir)), ["journal.jsonl", "locks", "metrics.prom", "series.jsonl", "status.json", "summary.json"])

    def test_the_summary_says_when_where_and_what(self):
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint)
            job.write_text(job.read_text().replace("bucket: bucket", "bucket: bucket\n  prefix: some/"))
            self.assertEqual(s3flow("run", job).returncode, 0)
        summary = json.loads((self.run_dir / "summary.json").read_text())
        self.assertEqual((summary["host"], summary["job_file"], summary["endpoint"], summary["bucket"], summary["prefix"], summary["found_bytes"]),
                         (socket.gethostname(), str(job), server.endpoint, "bucket", "some/", FILES * 1000))
        times = [datetime.datetime.fromisoformat(summary[key].replace("Z", "+00:00")) for key in ("started", "ended")]
        self.assertLessEqual(times[0], times[1])
        self.assertLessEqual(abs((datetime.datetime.now(datetime.timezone.utc) - times[1]).total_seconds()), 600)

    def test_a_failed_input_is_in_the_status_and_the_metrics(self):
        faults = self.write("faults.yaml", "faults: [{operation: PutObject, key: f3, action: status, status: 400, code: InvalidArgument, attempts: all}]")
        with Serve(self.dir / "store", "--faults", faults) as server:
            self.assertEqual(s3flow("run", self.job(server.endpoint)).returncode, 1)
            self.assertEqual((self.status_file()["state"], self.status_file()["failed"]), ("failed", 1))
            self.assertIn(f"to try again: s3flow run JOB.yaml --run-dir {self.run_dir} --resume\n", self.status(status=1).stdout)
            self.assertEqual(self.metrics()["s3flow_inputs,failed"], 1)

    def test_a_running_run_and_what_becomes_of_it(self):
        process = self.hanging_run()
        report = self.json_status()
        run = report["runs"][0]
        self.assertEqual((report["exit_status"], run["state"], run["status"]["pid"]), (75, "running", process.pid))
        self.assertEqual((run["status"]["found"], run["status"]["concurrency"], run["status"]["seconds_left"]), (FILES, 4, None))
        self.assertEqual(self.metrics()["s3flow_in_flight_requests"], 4)
        self.assertIn("4 requests in flight of at most 4", self.status(status=75).stdout)
        process.kill()
        process.communicate()
        self.assertEqual(self.status_file()["state"], "running")  # nobody could write the end
        ended = self.status(status=75)
        self.assertIn("lost on", ended.stdout)
        self.assertIn(f"to resume: s3flow run JOB.yaml --run-dir {self.run_dir}\n", ended.stdout)
        self.assertEqual(self.json_status()["runs"][0]["process_holds_directory"], False)

    def test_a_long_run_knows_its_inputs_before_the_walk_has_found_them(self):
        """The walk is 1,024 inputs ahead, so at 20 requests a second it goes on for 100 s."""
        for i in range(3000):
            self.write(f"data/sub{i % 10}/g{i}", "y" * 1000)
        with Serve(self.dir / "store") as server:
            process = self.start("run", self.job(server.endpoint, extra="limits: {requests_per_second: 20, drain: 100ms}"))
            until(lambda: (self.run_dir / "metrics.prom").exists() and "s3flow_expected_inputs" in self.metrics())  # written after status.json
            status = self.status_file()
            self.assertEqual((status["walk_ended"], status["expected"], status["seconds_left_is_minimum"]), (False, 3000 + FILES, False))
            self.assertEqual(self.metrics()["s3flow_expected_inputs"], 3000 + FILES)
            self.assertIn(f"of about {3000 + FILES} inputs", self.status(status=75).stdout)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        self.assertIsNone(self.status_file()["expected"])

    def test_a_run_that_is_stopped_says_so(self):
        process = self.hanging_run()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75)
        self.assertEqual((self.status_file()["state"], self.status_file()["complete"]), ("stopped", False))
        self.assertIn("stopped on", self.status(status=75).stdout)

    def test_a_process_that_hangs_is_lost_but_still_holds_its_directory(self):
        process = self.hanging_run()
        process.send_signal(signal.SIGSTOP)
        old = time.time() - 1000
        os.utime(self.run_dir / "status.json", (old, old))
        run = self.json_status()["runs"][0]
        self.assertEqual((run["state"], run["process_holds_directory"]), ("lost", True))
        self.assertIn("the process hangs: end it", self.status(status=75).stdout)
        process.send_signal(signal.SIGCONT)
        until(lambda: self.json_status()["runs"][0]["state"] == "running")

    def test_an_outage_is_what_the_run_waits_for(self):
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint)
            server.kill()
        process = self.start("run", job)
        until(lambda: (self.run_dir / "status.json").exists() and self.status_file()["state"] == "waiting for the store")
        self.assertIn("the store does not answer", self.status_file()["waiting_for"])
        self.assertRegex(self.status(status=75).stdout, "waiting for the store on .*\n(.*\n)*waiting: the store does not answer")
        self.assertEqual(self.metrics()["s3flow_state,waiting for the store"], 1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)

    def test_watch_ends_with_the_run(self):
        process = self.hanging_run()
        watch = self.start("status", "--watch", "--json", self.run_dir)
        first = json.loads(watch.stdout.readline())
        self.assertEqual(first["runs"][0]["state"], "running")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        out, err = watch.communicate(timeout=60)
        self.assertEqual((watch.returncode, err), (75, ""))
        self.assertEqual(json.loads(out.splitlines()[-1])["runs"][0]["state"], "stopped")

    def test_a_status_that_cannot_be_written_is_one_note(self):
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint)
            self.run_dir.mkdir(mode=0o755)
            (self.run_dir / "status.json.new").mkdir()
            ended = s3flow("run", job)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(ended.stderr.count("status.json"), 1 + ended.stderr.count("status.json.new"), ended.stderr)
        self.assertIn("note    status.json and metrics.prom are out of date", ended.stderr)
        self.assertEqual(len(read_journal(self.run_dir)), FILES)

    def test_files_of_another_program_are_kept(self):
        self.run_dir.mkdir(mode=0o755)
        for name in ("status.json", "metrics.prom"):
            with self.subTest(name):
                (self.run_dir / name).write_text("theirs")
                ended = s3flow("run", self.job("http://127.0.0.1:9"))
                self.assertEqual(ended.returncode, 78)
                self.assertIn(f"{name} exists, but there is no journal", ended.stderr)
                self.assertEqual((self.run_dir / name).read_text(), "theirs")
                (self.run_dir / name).unlink()

    def test_directories_that_are_no_run_and_hostile_ones(self):
        self.assertIn("No such file", self.status(self.dir / "nowhere", status=66).stderr)
        self.assertIn("neither a run directory nor a plan", self.status(self.dir / "data", status=66).stderr)
        with Serve(self.dir / "store") as server:
            self.assertEqual(s3flow("run", self.job(server.endpoint)).returncode, 0)
        self.run_dir.chmod(0o777)
        self.assertIn("may be written to by other users", self.status(status=74).stderr)
        self.assertEqual(self.status("--trust-dir", self.run_dir).returncode, 0)
        self.run_dir.chmod(0o755)
        status = self.run_dir / "status.json"
        text = status.read_text()
        for name, make, words in [("a FIFO", lambda: os.mkfifo(status), "is a FIFO"), ("a link", lambda: status.symlink_to(self.write("s.json", text)), "is a symbolic link"),
                                  ("damaged", lambda: status.write_text(text[:50]), "is not a status"), ("huge", lambda: status.write_text(text + " " * 100_000), "more than"),
                                  ("another version", lambda: status.write_text(text.replace('"schema": 1', '"schema": 9')), "another version")]:
            with self.subTest(name):
                status.unlink()
                make()
                self.assertIn(words, self.status(status=74).stdout)
        status.unlink()
        status.write_text(text.replace(f'"host": "{socket.gethostname()}"', '"host": "\\u001b[2J\\u202eevil"'))
        self.assertNotIn("\x1b", self.status(status=0).stdout)
        self.assertNotIn("\u202e", self.status(status=0).stdout)
        self.assertEqual(self.json_status()["runs"][0]["status"]["host"], "\x1b[2J\u202eevil")

    def test_resume_and_clean_accept_the_files_of_a_dead_run(self):
        for i in range(4, FILES):
            (self.dir / f"data/f{i}").unlink()  # keeps 4 files: their first requests hang now, and later ones do not
        process = self.hanging_run()
        process.kill()
        process.communicate()
        ended = s3flow("clean", self.run_dir)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("lost on", self.status(status=75).stdout)
        ended = s3flow("run", self.dir / "job.yaml")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("finished on", self.status(status=0).stdout)
        self.assertEqual((self.status_file()["session"], self.status_file()["uploaded"]), (2, 4))


class Shards(StatusCase):
    def setUp(self):
        super().setUp()
        self.plan = self.dir / "plan"

    def planned(self, server, shards=3, extra=""):
        ended = s3flow("plan", self.job(server.endpoint, extra=extra), "--shards", shards, "--out", self.plan)
        self.assertEqual(ended.returncode, 0, ended.stderr)

    def shard(self, i, shards=3):
        return s3flow("run", "--plan", self.plan, "--shard", f"{i}/{shards}")

    def test_a_plan_from_its_first_shard_to_its_last(self):
        with Serve(self.dir / "store") as server:
            self.planned(server)
            self.assertIn("3 shards: 3 not run\n", self.status(self.plan, status=75).stdout)
            self.assertEqual(self.shard(1).returncode, 0)
            ended = self.status(self.plan, status=75)
            self.assertIn("3 shards: 1 finished, 2 not run\n33.3 % done, 3.9 KiB of 11.7 KiB\n", ended.stdout)
            self.assertIn(f"to run again: sbatch --array=0,2 SCRIPT {self.plan}\n", ended.stdout)
            for i in (0, 2):
                self.assertEqual(self.shard(i).returncode, 0)
            ended = self.status(self.plan, status=0)
            self.assertIn("100.0 % done", ended.stdout)
            self.assertNotIn("sbatch", ended.stdout)
            for i in range(3):
                self.metrics(self.plan / f"shards/{i:05}")
            watch = self.status("--watch", self.plan, status=0)
            self.assertIn("3 shards: 3 finished\n", watch.stdout)

    def test_split_objects_need_finish(self):
        self.write("data/giant", os.urandom(40 << 20))
        with Serve(self.dir / "store") as server:
            self.planned(server, extra="upload: {part_size: 5MiB, multipart_threshold: 5MiB}")
            for i in range(3):
                self.assertEqual(self.shard(i).returncode, 0)
                report = self.json_status(self.plan)
                self.assertEqual(report["runs"][i]["status"]["percent"], 100)
            self.assertEqual((report["exit_status"], report["needs_finish"], report["shards_to_run"]), (75, True, ""))
            self.assertIn(f"to complete the shared objects: s3flow finish {self.plan}\n", self.status(self.plan, status=75).stdout)
            self.assertEqual(s3flow("finish", self.plan).returncode, 0)
            self.assertEqual(self.json_status(self.plan)["exit_status"], 0)

    def test_a_killed_shard_is_lost_beside_one_that_runs(self):
        with Serve(self.dir / "store", "--faults", self.write("faults.yaml", HOUR)) as server:
            self.planned(server)
            processes = [self.start("run", "--plan", self.plan, "--shard", f"{i}/3") for i in (0, 1)]
            files = [self.plan / f"shards/{i:05}/status.json" for i in (0, 1)]
            until(lambda: all(f.exists() and json.loads(f.read_text())["in_flight"] > 0 for f in files))
            processes[1].kill()
            processes[1].communicate()
            report = self.json_status(self.plan)
            self.assertEqual([run["state"] for run in report["runs"]], ["running", "lost", "not run"])
            self.assertEqual((report["shards_lost"], report["shards_to_run"]), ([1], "1-2"))
            text = self.status(self.plan, status=75).stdout
            self.assertIn("3 shards: 1 running, 1 lost, 1 not run\n", text)
            processes[0].kill()
            processes[0].communicate()
            server.kill()

    def test_shards_without_a_plan(self):
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint)
            self.assertEqual(s3flow("run", job, "--shard", "0/2").returncode, 0)
            self.assertIn("2 shards: 1 finished, 1 not run\n", self.status(status=75).stdout)
            self.assertEqual(s3flow("run", job, "--shard", "1/2").returncode, 0)
            self.status(status=0)

    def test_a_shard_that_cannot_be_trusted_is_named(self):
        with Serve(self.dir / "store") as server:
            self.planned(server)
            self.assertEqual(self.shard(0).returncode, 0)
        (self.plan / "shards/00000").chmod(0o777)
        ended = self.status(self.plan, status=74)
        self.assertIn("1 unreadable", ended.stdout)
        self.assertIn(f"{self.plan}/shards/00000 may be written to by other users", ended.stdout)


class OnEnd(StatusCase):
    def setUp(self):
        super().setUp()
        self.hook = self.write("hook", f"#!/bin/sh\necho to-stdout; echo to-stderr >&2\nenv | grep ^S3FLOW_ | sort > {self.dir}/seen\n"
                                       "printf '%s|' \"$@\" > " + f"{self.dir}/arguments\n" + f"ls $S3FLOW_RUN_DIR >> {self.dir}/arguments\n"
                                       + f"{S3FLOW} status $S3FLOW_RUN_DIR > {self.dir}/status-in-hook\n")
        self.hook.chmod(0o755)

    def with_hook(self, endpoint, command=None, more=""):
        job = self.job(endpoint)
        job.write_text(job.read_text() + f"  on_end: {command or f'[{self.hook}, a b, $HOME]'}\n{more}")
        return job

    def seen(self):
        return dict(line.split("=", 1) for line in (self.dir / "seen").read_text().splitlines())

    def test_the_command_sees_how_the_run_ended(self):
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.with_hook(server.endpoint))
        self.assertEqual((ended.returncode, ended.stderr), (0, "to-stdout\nto-stderr\n"))
        seen = self.seen()
        self.assertEqual((seen["S3FLOW_STATUS"], seen["S3FLOW_UPLOADED"], seen["S3FLOW_RUN_DIR"], seen["S3FLOW_SUMMARY"], seen["S3FLOW_JOURNAL"]),
                         ("0", str(FILES), str(self.run_dir), f"{self.run_dir}/summary.json", f"{self.run_dir}/journal.jsonl"))
        self.assertTrue((self.dir / "arguments").read_text().startswith("a b|$HOME|journal.jsonl\nlocks\n"))
        self.assertIn("finished on", (self.dir / "status-in-hook").read_text())

    def test_it_is_run_after_failures_and_stops(self):
        faults = self.write("faults.yaml", "faults: [{operation: PutObject, key: f3, action: status, status: 400, code: InvalidArgument, attempts: all}]")
        with Serve(self.dir / "store", "--faults", faults) as server:
            self.assertEqual(s3flow("run", self.with_hook(server.endpoint)).returncode, 1)
        self.assertEqual((self.seen()["S3FLOW_STATUS"], self.seen()["S3FLOW_FAILED"]), ("1", "1"))
        faults.write_text(HOUR)
        self.run_dir = self.dir / "run2"
        with Serve(self.dir / "store2", "--faults", faults) as server:
            process = self.start("run", self.with_hook(server.endpoint, more="limits: {drain: 50ms}\n"), "--run-dir", self.run_dir)
            until(lambda: (self.run_dir / "status.json").exists() and self.status_file()["in_flight"] > 0)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            server.kill()
        self.assertEqual(process.returncode, 130)
        self.assertEqual(self.seen()["S3FLOW_STATUS"], "130")

    def test_its_failure_is_one_note_and_does_not_change_the_exit_status(self):
        with Serve(self.dir / "store") as server:
            for command, words in [("/bin/false", "report.on_end: /bin/false ended with exit status 1"), ("[/nonexistent, secret]", "report.on_end: cannot run /nonexistent"),
                                   ("[sleep, '1000']", "report.on_end: sleep did not finish within the time limit")]:
                with self.subTest(command):
                    ended = s3flow("run", self.with_hook(server.endpoint, command, "  on_end_timeout: 1s\n"), "--resume")
                    self.assertEqual((ended.returncode, ended.stderr.count("report.on_end")), (0, 1), ended.stderr)
                    self.assertIn(words, ended.stderr)
                    self.assertNotIn("secret", ended.stderr)

    def test_only_run_runs_it(self):
        with Serve(self.dir / "store") as server:
            job = self.with_hook(server.endpoint)
            plan = self.dir / "plan"
            for command in (["check", job], ["run", job, "--dry-run"], ["rehearse", job, "--run-dir", self.dir / "rehearsal"], ["plan", job, "--shards", "2", "--out", plan]):
                self.assertEqual(s3flow(*command).returncode, 0)
            self.assertFalse((self.dir / "seen").exists())
            for i in range(2):
                self.assertEqual(s3flow("run", "--plan", plan, "--shard", f"{i}/2").returncode, 0)
                self.assertEqual(self.seen()["S3FLOW_RUN_DIR"], f"{plan}/shards/{i:05}")
                (self.dir / "seen").unlink()
            for command in (["finish", plan], ["status", plan], ["clean", plan]):
                self.assertEqual(s3flow(*command).returncode, 0)
            self.assertFalse((self.dir / "seen").exists())

    def test_a_job_that_others_may_write_to_runs_no_program(self):
        with Serve(self.dir / "store") as server:
            plan = self.dir / "plan"
            self.assertEqual(s3flow("plan", self.with_hook(server.endpoint), "--shards", "1", "--out", plan).returncode, 0)
            (plan / "job.yaml").chmod(0o666)
            self.assertEqual(s3flow("run", "--plan", plan, "--shard", "0/1").returncode, 74)
            ended = s3flow("run", "--plan", plan, "--shard", "0/1", "--trust-dir")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertIn("note: with --trust-dir, report.on_end of a plan is not run", ended.stderr)
        self.assertFalse((self.dir / "seen").exists())

    def test_it_gets_no_secrets_of_the_job_file(self):
        with Serve(self.dir / "store") as server:
            self.hook.write_text(f"#!/bin/sh\nenv > {self.dir}/seen\n")
            self.assertEqual(s3flow("run", self.with_hook(server.endpoint)).returncode, 0)
        self.assertNotIn(SECRET, (self.dir / "seen").read_text())
        self.assertNotIn(KEY_ID, (self.dir / "seen").read_text())


if __name__ == "__main__":
    unittest.main()
