"""Launchers that leave something broken: descriptors, limits, signals, environment, system calls.

A table of launches. s3flow may refuse a launch with a message, but no signal ends s3flow, it never hangs, and it never
damages a journal. Then the same run in a normal environment completes, and the store has every object."""
import json
import os
import pathlib
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SANITIZE, SECRET, Serve, TestCase, clean_environment, read_records, s3flow, without_asan_banner
from support.launches import (close, forbid, full_device, hide, ignore, in_removed_directory, leave_signals_alone, limit,
                              may_hide, onto, pipe_that_nobody_reads, pipe_without_reader, silent_pipe, silent_socket,
                              terminal_that_has_gone)
from support.store_client import s3_client

FILES = 12
PATIENCE_S = 120  # a process that takes longer hangs
SHOW = ("--set", "report.progress=bar", "-v")  # writes many lines
# Name -> `before`: what the launcher does just before execve(2). Also `args`; `env` (variables); `bare` (no other
# variables); `status` (the exit statuses that are allowed, 0 by default); `says` (words on stderr); `unless` (see CANNOT).
LAUNCHES = {
    "stdin closed": dict(before=[close(0)]),
    "stdout closed": dict(before=[close(1)]),
    "stderr closed": dict(before=[close(2)], args=SHOW),
    "stdin and stdout closed": dict(before=[close(0, 1)]),
    "stdin and stderr closed": dict(before=[close(0, 2)], args=SHOW),
    "stdout and stderr closed": dict(before=[close(1, 2)], args=SHOW),
    "all three closed": dict(before=[close(0, 1, 2)], args=SHOW),
    "stdout on a full disk": dict(before=[onto(1, full_device)]),
    "stderr on a full disk": dict(before=[onto(2, full_device)], args=SHOW),
    "stdout's reader gone": dict(before=[onto(1, pipe_without_reader)]),
    "stderr's reader gone": dict(before=[onto(2, pipe_without_reader)], args=SHOW),
    "stderr never read": dict(before=[onto(2, pipe_that_nobody_reads)], args=SHOW),
    "stdout never read": dict(before=[onto(1, pipe_that_nobody_reads)]),
    "terminal gone": dict(before=[onto(1, terminal_that_has_gone), onto(2, terminal_that_has_gone)], args=SHOW),
    "stdin a silent pipe": dict(before=[onto(0, silent_pipe)]),
    "stdin a silent socket": dict(before=[onto(0, silent_socket)]),
    "64 descriptors": dict(before=[limit(resource.RLIMIT_NOFILE, 64)], says="requests in flight: the process limits allow no more (raise ulimit -n"),
    "80 descriptors, 100 wanted": dict(before=[limit(resource.RLIMIT_NOFILE, 80)], args=("--set", "upload.concurrency=100"), says="requests in flight: the process limits allow no more"),
    "20 descriptors": dict(before=[limit(resource.RLIMIT_NOFILE, 20)], status=(71,), says="ulimit -n"),
    "500 MB of addresses": dict(before=[limit(resource.RLIMIT_AS, 500_000 << 10)], unless="address"),
    "250 MB of addresses": dict(before=[limit(resource.RLIMIT_AS, 250_000 << 10)], unless="address"),
    "100 MB of addresses": dict(before=[limit(resource.RLIMIT_AS, 100_000 << 10)], unless="address", status=(0, 71)),
    "no file above 700 bytes": dict(before=[limit(resource.RLIMIT_FSIZE, 700)], status=(74,), says="File too large"),
    "no core files": dict(before=[limit(resource.RLIMIT_CORE, 0)]),
    "no threads": dict(before=[forbid("clone3")], unless="seccomp", status=(71,), says="thread"),
    "6 processes": dict(before=[limit(resource.RLIMIT_NPROC, 6), lambda: os.setuid(65534)], unless="root", status=(71,), says="ulimit -u"),
    "SIGPIPE ignored": dict(before=[ignore(signal.SIGPIPE), onto(1, pipe_without_reader)]),
    "SIGINT, SIGTERM and SIGHUP ignored": dict(before=[ignore(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]),
    "SIGCHLD ignored, credentials from a process": dict(before=[ignore(signal.SIGCHLD)], credential_process=True),
    "all signals blocked": dict(before=[lambda: signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())], credential_process=True),
    "umask 0777": dict(before=[lambda: os.umask(0o777)]),
    "umask 0": dict(before=[lambda: os.umask(0)]),
    "nice 19": dict(before=[lambda: os.nice(19)]),
    "working directory removed": dict(before=[in_removed_directory]),
    "no name of its own": dict(argv=[], status=(64,), says="Subcommands:"),
    "environment empty": dict(bare=True),
    "HOME relative": dict(env={"HOME": "home"}),
    "HOME a file": dict(env={"HOME": "/dev/null"}),
    "HOME huge": dict(env={"HOME": "/" + "h" * 60_000}),
    "TMPDIR missing": dict(env={"TMPDIR": "/nonexistent"}),
    "PATH missing": dict(env={"PATH": None}, credential_process=True),
    "locale not installed": dict(env={"LC_ALL": "xx_XX.UTF-8", "LANG": "xx_XX"}),
    "Turkish locale": dict(env={"LC_ALL": "tr_TR.UTF-8"}),
    "time zone unknown": dict(env={"TZ": "Nowhere/At_all"}),
    "end of the Slurm job long ago": dict(env={"SLURM_JOB_END_TIME": "1000000000"}, says="SLURM_JOB_END_TIME"),
    "end of the Slurm job beyond time": dict(env={"SLURM_JOB_END_TIME": str(2**63 - 1)}, says="SLURM_JOB_END_TIME"),
    "end of the Slurm job no number": dict(env={"SLURM_JOB_END_TIME": "Unknown"}, says="SLURM_JOB_END_TIME"),
    "run directory where nothing can be made": dict(args=("--run-dir", "/proc/run"), status=(74,), says="/proc/run"),
    "no /proc": dict(before=[hide("/proc")], unless="mount"),
    "no /dev": dict(before=[hide("/dev"), close(0, 2)], unless="mount", args=SHOW),
    "no /proc, no /dev, no /sys, no /run": dict(before=[hide("/proc", "/dev", "/sys", "/run")], unless="mount"),
    "run directory on a read-only file system": dict(before=[hide("/srv")], args=("--run-dir", "/srv/run"), unless="mount", status=(74,), says="Read-only"),
    "newer system calls forbidden": dict(before=[forbid("openat2", "statx", "getrandom", "memfd_create", "epoll_pwait2", "rseq", "io_uring_setup",
                                                        "copy_file_range", "close_range", "preadv2", "pwritev2", "faccessat2")],
                                         unless="seccomp", credential_process=True),
    "advice and limits forbidden": dict(before=[forbid("fadvise64", "sched_getaffinity", "sched_setaffinity", "prlimit64", "utimensat")], unless="seccomp"),
    "eventfd forbidden": dict(before=[forbid("eventfd2")], unless="seccomp", status=(71,), says="eventfd"),
    "epoll forbidden": dict(before=[forbid("epoll_create1")], unless="seccomp", status=(71,), says="epoll_create1"),
}
CANNOT = {
    "address": SANITIZE and "a sanitizer reserves terabytes of addresses",
    "seccomp": (platform.machine() != "x86_64" and "the numbers are x86-64's") or (SANITIZE and "a sanitizer makes system calls of its own"),
    "root": os.geteuid() != 0 and "only root becomes a user without processes",
    "mount": (SANITIZE and "a sanitizer reads /proc") or (not may_hide() and "mounting is not allowed here"),
    None: "",
}


class Launcher(TestCase):
    def setUp(self):
        super().setUp()
        for i in range(FILES):
            self.write(f"data/{i % 3}/{i:02}", f"content {i}" * i)
        self.dir.chmod(0o755)
        credentials = self.write("credentials.json", json.dumps(dict(Version=1, AccessKeyId=KEY_ID, SecretAccessKey=SECRET)))
        self.config = self.write("aws-config", f"[profile process]\ncredential_process = cat {credentials}\n")

    def launch(self, arguments, before=(), env={}, bare=False, argv=None):
        """Returns the exit status, and stderr, which is a file."""
        environment = {**({} if bare else clean_environment()), **env}
        environment = {name: value for name, value in environment.items() if value is not None}
        if SANITIZE:
            environment["ASAN_OPTIONS"] = "detect_leaks=0"
            environment["TSAN_OPTIONS"] = os.environ.get("TSAN_OPTIONS", "")
        def prepare():
            leave_signals_alone()
            for step in before:
                step()
        with tempfile.TemporaryFile("w+") as err:
            command = [S3FLOW, *map(str, arguments)] if argv is None else argv or [""]
            ended = subprocess.run(command, executable=S3FLOW, preexec_fn=prepare, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=err, timeout=PATIENCE_S)
            err.seek(0)
            return ended.returncode, err.read()

    def stored(self, client, prefix):
        listed = client.list_objects_v2(Bucket="bucket", Prefix=prefix).get("Contents", [])
        return {entry["Key"][len(prefix):]: client.get_object(Bucket="bucket", Key=entry["Key"])["Body"].read() for entry in listed}

    def job_of(self, number, server, with_process):
        keys = "profile: process" if with_process else f"access_key_id: {KEY_ID}, secret_access_key: {SECRET}"
        return self.write(f"job{number}.yaml", f"""
source: [{{path: {self.dir}/data}}]
destination: {{bucket: bucket, endpoint: "{server.endpoint}", prefix: {number}/}}
credentials: {{{keys}}}
retry: {{base_delay: 5ms, cap: 50ms}}
report: {{progress: none, run_dir: {self.dir}/run{number}}}
""")

    def one(self, number, server, client, args=(), status=(0,), says="", credential_process=False, unless=None, env={}, **how):
        job = self.job_of(number, server, credential_process)
        process = {"AWS_CONFIG_FILE": str(self.config)} if credential_process else {}
        ended, err = self.launch(["run", job, *args], env={**env, **process}, **how)
        self.assertGreaterEqual(ended, 0, f"ended by a signal\n{err}")
        self.assertIn(ended, status, err)
        self.assertIn(says, err)
        want = {path.relative_to(self.dir / "data").as_posix(): path.read_bytes() for path in (self.dir / "data").rglob("*") if path.is_file()}
        if ended == 0:
            self.assertEqual(self.stored(client, f"{number}/"), want)
            self.assertTrue(all(line for line in read_records(self.dir / f"run{number}")))
        again = s3flow("run", job, "--resume", **process)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(self.stored(client, f"{number}/"), want)
        if ended == 0:
            self.assertNotIn("uploaded", [record.get("outcome") for record in read_records(self.dir / f"run{number}")[FILES + 2:]], "an object was sent twice")

    def test_no_broken_launch_loses_or_damages_anything(self):
        self.assertGreaterEqual(len(LAUNCHES), 40)
        with Serve(self.dir / "store") as server:
            client = s3_client(server.endpoint, KEY_ID, SECRET)
            self.addCleanup(client.close)
            for number, (name, how) in enumerate(LAUNCHES.items()):
                if not CANNOT[how.get("unless")]:
                    with self.subTest(name):
                        self.one(number, server, client, **how)

    def run_in_background(self, server, number, extra=(), before=()):
        """Starts a run against a slow store. Returns when its first result is in the journal."""
        def prepare():
            leave_signals_alone()
            for step in before:
                step()
        job = self.job_of(number, server, False)
        process = subprocess.Popen([S3FLOW, "run", str(job), *extra], preexec_fn=prepare, env=clean_environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        while not self.results(number):
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        return job, process

    def results(self, number):
        journal = self.dir / f"run{number}/journal.jsonl"
        return journal.read_text().count('"record":"result"') if journal.exists() else 0

    def slow(self, *arguments):
        return Serve(self.dir / "store", "--latency", "100ms", *arguments)

    def test_many_files_are_uploaded_with_few_descriptors_or_addresses(self):
        """With normal limits, more files would be in flight than these limits allow, because each needs a file, a
        connection and a stack."""
        many, limits = 1500, {"descriptors": (resource.RLIMIT_NOFILE, 256), "addresses": (resource.RLIMIT_AS, 500_000 << 10)}
        for i in range(many):
            self.write(f"many/{i % 7}/{i}", f"{i}")
        with self.slow("--discard") as server:
            client = s3_client(server.endpoint, KEY_ID, SECRET)
            self.addCleanup(client.close)
            for number, (name, what) in enumerate(limits.items()):
                if name == "addresses" and CANNOT["address"]:
                    continue
                with self.subTest(name):
                    job = self.job_of(number, server, False)
                    job.write_text(job.read_text().replace(f"{self.dir}/data", f"{self.dir}/many"))
                    ended, err = self.launch(["run", job], [limit(*what)])
                    self.assertEqual((ended, without_asan_banner(err)), (0, ""))
                    stored = [entry["Key"] for page in client.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix=f"{number}/")
                              for entry in page["Contents"]]
                    self.assertEqual(len(stored), many)

    def test_work_waits_while_no_descriptor_is_left(self):
        with self.slow() as server:
            _, process = self.run_in_background(server, 1, ("--set", "upload.concurrency=2"))
            limits = resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (0, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            # From now on no file can be opened. When the files in flight are done, no file is open, and most were never
            # opened.
            def open_files():
                links = [f"/proc/{process.pid}/fd/{fd}" for fd in os.listdir(f"/proc/{process.pid}/fd")]
                return [link for link in links if os.path.exists(link) and os.path.isfile(link) and f"{self.dir}/data/" in os.readlink(link)]
            while open_files():
                time.sleep(0.01)
            self.assertLess(self.results(1), FILES)
            self.assertIsNone(process.poll())
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, limits)
            out, err = process.communicate(timeout=PATIENCE_S)
            self.assertEqual((process.returncode, without_asan_banner(err)), (0, ""), out)
            self.assertIn(f"{FILES} uploaded, 0 skipped, 0 failed", out)

    @unittest.skipIf(SANITIZE, "a sanitizer needs descriptors at its end")
    def test_a_stop_ends_the_wait_for_a_descriptor(self):
        with self.slow() as server:
            job, process = self.run_in_background(server, 1, ("--set", "upload.concurrency=2"))
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (0, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=PATIENCE_S)
            self.assertIn(process.returncode, (74, 75), err)  # 74: if the summary could not be opened
            self.assertEqual(s3flow("run", job).returncode, 0)
            self.assertEqual(sorted(record["outcome"] for record in read_records(self.dir / "run1") if record.get("outcome") == "uploaded"), ["uploaded"] * FILES)

    def test_a_zombie_does_not_hold_the_run_directory(self):
        with self.slow() as server:
            job, process = self.run_in_background(server, 1, ("--set", "upload.concurrency=2"))
            process.kill()
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it becomes a zombie, and stays one
            again = s3flow("run", job)
            self.assertIn(f"{process.pid} (s3flow) Z", pathlib.Path(f"/proc/{process.pid}/stat").read_text())
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertIn(f"{FILES} found: {FILES} uploaded", again.stdout)

    def test_signals_that_the_launcher_ignored_or_blocked_still_stop_a_run(self):
        stops = {signal.SIGINT: 130, signal.SIGTERM: 75, signal.SIGUSR1: 75}
        hows = [ignore(*stops), lambda: signal.pthread_sigmask(signal.SIG_BLOCK, stops)]
        with self.slow() as server:
            for number, (number_of_signal, how) in enumerate((s, h) for h in hows for s in stops):
                with self.subTest(signal=number_of_signal):
                    _, process = self.run_in_background(server, number, ("--set", "upload.concurrency=1"), [how])
                    process.send_signal(number_of_signal)
                    _, err = process.communicate(timeout=PATIENCE_S)
                    self.assertEqual(process.returncode, stops[number_of_signal], err)

    def test_a_stream_without_standard_input_is_refused(self):
        job = self.write("stream.yaml", f"""
source: [{{path: "-", stream: true, key: s}}]
destination: {{bucket: bucket, endpoint: "http://127.0.0.1:9"}}
credentials: {{access_key_id: {KEY_ID}, secret_access_key: {SECRET}}}
report: {{progress: none, run_dir: {self.dir}/run}}
""")
        for name, step in {"closed": close(0), "only to be written": onto(0, lambda: os.open("/dev/null", os.O_WRONLY))}.items():
            with self.subTest(name):
                ended, err = self.launch(["run", job], [step])
                self.assertEqual((ended, err), (66, "s3flow: source: standard input is closed, or not open for reading\n"))

    def test_a_command_whose_output_cannot_be_written_ends_with_74(self):
        """Only commands whose only result is text. Other commands ignore an unwritable stdout."""
        with Serve(self.dir / "store") as server:
            job = self.job_of(1, server, False)
            commands = {"check": ["check", job], "dry run": ["run", job, "--dry-run"], "help": ["run", "--help"], "version": ["--version"],
                        "probe": ["check", job, "--probe"]}
            for kind, step in {"closed": close(1), "full": onto(1, full_device), "reader gone": onto(1, pipe_without_reader)}.items():
                for name, command in {**commands, "plan": ["plan", job, "--shards", "2", "--out", self.dir / f"plan {kind}"]}.items():
                    with self.subTest(name, stdout=kind):
                        ended, err = self.launch(command, [step])
                        self.assertEqual(ended, 74, err)
                        self.assertIn("s3flow: standard output cannot be written: ", err)
                self.assertTrue((self.dir / f"plan {kind}/plan.json").exists())

    def test_all_commands_survive_a_broken_launch(self):
        with Serve(self.dir / "store") as server:
            job, plan = self.job_of(1, server, False), self.dir / "plan"
            every = [close(0, 1, 2), ignore(signal.SIGCHLD, signal.SIGTERM), lambda: os.umask(0o777)]
            self.assertEqual(self.launch(["plan", job, "--shards", "2", "--out", plan], every)[0], 74)  # because its output cannot be written
            for command in (["run", "--plan", plan, "--shard", "0/2"], ["run", "--plan", plan, "--shard", "1/2"], ["finish", plan],
                            ["rehearse", job, "--run-dir", self.dir / "rehearsal"], ["clean", plan]):
                with self.subTest(command[0]):
                    self.assertEqual(self.launch(command, every)[0], 0)
            ended, err = self.launch(["rehearse", job], env={"TMPDIR": "/nonexistent"})
            self.assertEqual(ended, 71, err)
            self.assertIn("TMPDIR", err)
            ended, err = self.launch(["plan", "--shards", "2", "--out", self.dir / "other", job], [in_removed_directory])
            self.assertEqual(ended, 66, err)
            self.assertIn("the working directory has been removed", err)


if __name__ == "__main__":
    unittest.main()
