"""The real binary from a user's point of view: commands, exit statuses, messages, signals."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SECRET, Serve, TestCase, clean_environment, read_journal, s3flow, sha256


class Usage(TestCase):
    def test_statuses_of_the_command_line(self):
        for arguments, status in [(["--help"], 0), (["--version"], 0), (["run", "--help"], 0), ([], 64), (["fly"], 64),
                                  (["run"], 64), (["run", "a", "b"], 64), (["run", "a", "--nope"], 64),
                                  (["serve"], 64), (["serve", "/tmp/x", "--port", "99999"], 64), (["serve", "/tmp/x", "--jitter", "9"], 64),
                                  (["serve", "/tmp/x", "--jitter", "0.5"], 64)]:
            self.assertEqual(s3flow(*arguments).returncode, status, arguments)

    def test_every_command_explains_itself(self):
        for command in ("run", "check", "rehearse", "clean", "plan", "finish", "serve", "init", "schema", "help"):
            ended = s3flow(command, "--help")
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            self.assertIn(f"s3flow {command}", ended.stdout)

    def test_mistakes_name_the_option_and_the_way_out(self):
        for arguments, words in [(["fli"], "unknown command 'fli'"), (["chek", "x"], "unknown command 'chek'; did you mean 'check'?"),
                                 (["run", "j", "--dryrun"], "unknown option '--dryrun' of s3flow run; did you mean '--dry-run'?"),
                                 (["run", "j", "--pasword=secret"], "unknown option '--pasword' of s3flow run"),
                                 (["run", "j", "--progress", "fancy"], "--progress"), (["run"], "give a job file (JOB.yaml), or a plan (--plan DIR)"),
                                 (["run", "--plan", "p"], "--plan needs --shard I/N or --shard auto"),
                                 (["run", "j", "--plan", "p", "--shard", "0/1"], "--plan cannot be used with JOB.yaml, --set or --run-dir"),
                                 (["run", "j", "--set", "a.b=c", "secret=x"], "unexpected argument: secret=... (see s3flow --help)"),
                                 (["serve", "/tmp/x", "--jitter", "0.5"], "--jitter needs --latency"),
                                 (["serve", "/tmp/x", "--profile", "no"], "--profile: there is no profile 'no'")]:
            ended = s3flow(*arguments)
            self.assertEqual((ended.returncode, len(ended.stderr.splitlines())), (64, 1), ended.stderr)
            self.assertIn(words, ended.stderr)

    def test_no_arguments_print_the_help(self):
        ended = s3flow()
        self.assertEqual((ended.returncode, ended.stdout), (64, ""))
        self.assertIn("Usage: ", ended.stderr)
        for command in ("run", "check", "rehearse", "clean", "plan", "finish", "serve", "init", "schema", "help"):
            self.assertRegex(ended.stderr, rf"\n  {command} ")

    def test_a_used_port_is_one_clear_line(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            ended = s3flow("serve", self.dir / "store", "--port", port)
        self.assertEqual((ended.returncode, ended.stderr),
                         (71, f"s3flow: port {port} is already in use: choose another one with --port, or let s3flow choose (--port 0)\n"))

    def test_missing_job_files(self):
        for path, words in [(self.dir / "gone.yaml", "No such file"), (self.dir, "is a directory")]:
            ended = s3flow("run", path)
            self.assertIn(words, ended.stderr)
            self.assertIn(ended.returncode, (66, 78))
        self.assertEqual(s3flow("check", self.dir / "gone.yaml").returncode, 66)
        self.assertEqual(s3flow("check", self.dir).returncode, 78)


class Runs(TestCase):
    def setUp(self):
        super().setUp()
        for i in range(20):
            self.write(f"data/sub/f{i}", f"content {i}" * i)

    def expect(self, ended, status, *words):
        self.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        for word in words:
            self.assertIn(word, ended.stdout + ended.stderr)

    def test_a_good_run(self):
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.job(server.endpoint))
            self.expect(ended, 0, "20 found: 20 uploaded, 0 skipped, 0 failed, 0 cancelled")
            self.assertEqual(ended.stderr, "")
            lines = read_journal(self.dir / "run")
            self.assertEqual(len(lines), 20)
            for line in lines:
                self.assertEqual(line["sha256"], sha256(pathlib.Path(line["path"]).read_bytes()))
            self.assertEqual(json.loads((self.dir / "run/summary.json").read_text())["uploaded"], 20)
        self.assertEqual(server.stats["requests"], {"PutObject": 20})

    def test_workers_follow_the_affinity_mask(self):
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, [min(before)])
        try:
            ended = s3flow("check", self.job("http://127.0.0.1:1"))
        finally:
            os.sched_setaffinity(0, before)
        self.expect(ended, 0, "\n  threads: 1  # what this process may use\n")

    def test_any_number_of_workers(self):
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint)
            for threads in (1, 2, 3, 40):
                ended = s3flow("run", job, "--set", f"upload.threads={threads}", "--run-dir", self.dir / f"run-{threads}")
                self.expect(ended, 0, "20 found: 20 uploaded, 0 skipped, 0 failed, 0 cancelled")
                self.assertEqual(ended.stderr, "")

    def test_rehearsal_needs_no_account(self):
        job = self.write("job.yaml", f"source: [{{path: {self.dir}/data}}]\ndestination: {{bucket: somewhere}}\n")
        ended = s3flow("rehearse", job, "--run-dir", self.dir / "run", "--latency", "1ms", "--jitter", "0.5", "--bandwidth", "10MiB")
        self.expect(ended, 0, "read back: 20 objects equal, 0 not")

    def test_rehearsal_with_lost_responses(self):
        job = self.write("job.yaml", f"source: [{{path: {self.dir}/data}}]\ndestination: {{bucket: somewhere}}\n"
                         "retry: {max_attempts: 2, base_delay: 1ms, cap: 1ms}\n")
        faults = self.write("faults.yaml", "faults:\n  - {key: '*/f1', attempts: all, action: lost_answer}\n")
        ended = s3flow("rehearse", job, "--run-dir", self.dir / "run", "--faults", faults)
        self.expect(ended, 1, "19 uploaded, 0 skipped, 1 failed", "read back: 19 objects equal, 0 not")

    def test_wrong_secret_is_one_clear_line(self):
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.job(server.endpoint, secret="wrong"))
        self.expect(ended, 77, "SignatureDoesNotMatch", f"access key ID {KEY_ID} from the job file")
        self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)
        self.assertNotIn(SECRET, ended.stderr)
        self.assertGreater(server.stats["refused_signatures"], 0)

    def test_unknown_bucket(self):
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.job(server.endpoint, bucket="elsewhere"))
        self.expect(ended, 77, "the bucket does not exist", "elsewhere")
        self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)

    def test_no_credentials(self):
        job = self.write("job.yaml", f"source: [{{path: {self.dir}/data}}]\ndestination: {{bucket: somewhere}}\n")
        self.expect(s3flow("run", job), 77, "no credentials")

    def test_credentials_from_the_environment(self):
        with Serve(self.dir / "store") as server:
            job = self.write("job.yaml", f"source: [{{path: {self.dir}/data}}]\n"
                             f"destination: {{bucket: bucket, endpoint: '{server.endpoint}'}}\nreport: {{run_dir: {self.dir}/run}}\n")
            self.expect(s3flow("run", job, AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET), 0, "20 uploaded")

    def test_nothing_listens(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        ended = s3flow("run", self.job(f"http://127.0.0.1:{port}", extra="limits: {connect_timeout: 1s, outage: 500ms}"))
        self.expect(ended, 75, f"127.0.0.1:{port}", "Connection refused", "the store has not answered for 1 s")

    def test_missing_sources(self):
        self.expect(s3flow("run", self.job("http://127.0.0.1:9", source="gone")), 66, "gone: No such file")
        (self.dir / "void").mkdir()
        with Serve(self.dir / "store") as server:
            self.expect(s3flow("run", self.job(server.endpoint, source="void")), 66, "the source is empty")

    @unittest.skipIf(os.geteuid() == 0, "root reads everything")
    def test_unreadable_source(self):
        (self.dir / "data").chmod(0)
        self.addCleanup((self.dir / "data").chmod, 0o700)
        self.expect(s3flow("run", self.job("http://127.0.0.1:9")), 66, "Permission denied")

    def test_resume_needs_a_directory(self):
        job = self.job("http://127.0.0.1:9")
        job.write_text(job.read_text().replace(f"run_dir: {self.dir / 'run'}", "run_dir: ''"))
        self.expect(s3flow("run", job, "--resume"), 64, "--resume needs the run directory")

    def test_run_directory_is_not_reused(self):
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint)
            self.expect(s3flow("run", job), 0)
            self.expect(s3flow("run", job), 78, "belongs to a run that is complete")
            self.expect(s3flow("run", job, "--resume"), 0, "20 found: 20 uploaded")
            self.expect(s3flow("run", job, "--resume", "--set", "destination.prefix=x/"), 78, 'destination.prefix: was "", is x/')

    def test_a_full_disk_under_the_journal(self):
        with Serve(self.dir / "store") as server:
            command = f"ulimit -f 1; trap '' XFSZ; exec {S3FLOW} run {self.job(server.endpoint)}"
            for i in range(200):
                self.write(f"data/g{i}", b"x")
            ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=clean_environment(), timeout=60)
        self.expect(ended, 74, "journal.jsonl: File too large")

    def test_names_cannot_drive_the_terminal(self):
        self.write("data/\x1b[2J\n", b"x")
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.job(server.endpoint), "-v")
        self.expect(ended, 0, "\\x1b[2J\\x0a")
        self.assertNotIn("\x1b", ended.stderr)


class Served(TestCase):
    def first_line(self, **environment):
        process = subprocess.Popen([S3FLOW, "serve", str(self.dir / "store"), "--bucket", "bucket"], stdout=subprocess.PIPE, text=True,
                                   env=clean_environment(**environment))
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)
        return process.stdout.readline()

    def test_random_credentials_unless_the_environment_has_some(self):
        self.write("data/file", b"x")
        form = r"listening on (http://127\.0\.0\.1:\d+), access key ID (\w+), secret access key (\w+)\n"
        one, other = (re.fullmatch(form, self.first_line()) for _ in range(2))
        self.assertEqual(len({one[2], other[2]} | {one[3], other[3]}), 4)
        job = self.job(one[1], key_id=one[2], secret=one[3])
        ended = s3flow("run", job)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        for key_id, secret in (("s3flow", "s3flow-secret"), (one[2], other[3])):
            ended = s3flow("run", self.job(one[1], key_id=key_id, secret=secret), "--run-dir", self.dir / f"run-{key_id}")
            self.assertEqual(ended.returncode, 77, ended.stderr)
        self.assertRegex(self.first_line(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET), rf"listening on \S+, access key ID {KEY_ID}\n")

    def test_half_of_the_credentials_is_a_mistake(self):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            ended = s3flow("serve", self.dir / "store", **{name: "half"})
            self.assertEqual(ended.returncode, 64)
            self.assertIn("belong together", ended.stderr)


class Filters(TestCase):
    def test_an_empty_source_says_what_the_filters_left_out(self):
        for i in range(3):
            self.write(f"data/{i}.txt", b"x")
        job = self.job("http://127.0.0.1:9")
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.job(server.endpoint), "--set", "source.0.include=[*.csv, '*.json']")
            self.assertEqual(ended.returncode, 66)
            self.assertIn(f"the filters leave out 3 files of {self.dir}/data", ended.stderr)
        ended = s3flow("check", job, "--set", "source.0.include=[*.csv, '*.json']", "--set", "source.0.exclude=[ab]*")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn('include: ["*.csv", "*.json"]', ended.stdout)
        self.assertIn('exclude: ["[ab]*"]', ended.stdout)

    def test_check_prints_values_as_a_job_writes_them(self):
        ended = s3flow("check", self.job("http://127.0.0.1:9", extra="limits: {stall_window: 90s, memory: 64MB}"))
        for line in ("stall_window: 1m30s", "memory: 64MB", "part_size: ", "  profile: auto  # default; chosen: generic"):
            self.assertIn(line, ended.stdout)


class Ends(TestCase):
    """The end of a run says what failed, why, and how to resume the run."""

    def test_failures_are_grouped_by_cause(self):
        for i in range(30):
            self.write(f"data/f{i:02}", b"x")
        (self.dir / "data/link").symlink_to("f00")
        faults = self.write("faults.yaml", "faults:\n  - {key: 'f1*', attempts: all, action: status, status: 403, code: AccessDenied}\n")
        with Serve(self.dir / "store", "--faults", faults) as server:
            job = self.job(server.endpoint)
            ended = s3flow("run", job)
            self.assertEqual(ended.returncode, 1)
            lines = ended.stdout.splitlines()
            self.assertLess(len(lines), 15)
            self.assertEqual(lines[0], "FAILED: 10 inputs of 31")
            self.assertRegex(ended.stdout, r"\nfailed: permission denied by the store \[AccessDenied\]: 10 files, first \S+/f1\d, \S+/f1\d\n")
            self.assertIn(f"\nskipped: a symbolic link (follow_symlinks is off): 1 file: {self.dir}/data/link\n", ended.stdout)
            self.assertEqual(lines[-1], f"to try the failed inputs again: s3flow run {job} --run-dir {self.dir}/run --resume")

    def test_quiet_shows_nothing_of_a_success(self):
        self.write("data/f", b"x")
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.job(server.endpoint), "-q")
            self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "", ""))

    def test_the_log_file_has_json_and_is_not_uploaded(self):
        for i in range(3):
            self.write(f"data/f{i}", b"x")
        log = self.dir / "data/run.log"
        with Serve(self.dir / "store") as server:
            ended = s3flow("run", self.job(server.endpoint), "-v", "--log-file", log, "--log-format", "json", "--progress", "none")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        events = [json.loads(line) for line in log.read_text().splitlines()]
        self.assertEqual(sorted(event["event"] for event in events), ["skipped"] + 3 * ["start"] + 3 * ["uploaded"])
        for line in ended.stderr.splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d (start|done|skipped) ")


class Terminal(TestCase):
    def run_in_terminal(self, columns, rows=24, term="xterm", style="auto", resize=None, number=None):
        """Runs s3flow in a pseudoterminal. Returns the bytes that the terminal got, and the exit status. As soon as progress is
        shown, resizes the terminal to `resize` (rows, columns) and sends the signal `number`, if they are given."""
        for i in range(60):
            self.write(f"data/f{i}", b"x")
        faults = self.write("faults.yaml", "faults:\n  - {attempts: all, action: delay, delay: 20ms}\n")
        shutil.rmtree(self.dir / "run", ignore_errors=True)
        with Serve(self.dir / f"store{columns}{term}{number}", "--faults", faults) as server:
            job = self.job(server.endpoint, extra="upload: {concurrency: 1}")
            master, slave = os.openpty()
            termios.tcsetwinsize(slave, (rows, columns))
            process = subprocess.Popen([S3FLOW, "run", str(job), "--progress", style], stdout=subprocess.DEVNULL, stderr=slave,
                                       env=clean_environment(TERM=term))
            os.close(slave)
            shown = b""
            while True:
                try:
                    shown += os.read(master, 65536)
                except OSError:
                    break
                if resize and b"files" in shown:
                    termios.tcsetwinsize(master, resize)
                    resize = None
                if number and b"files" in shown:
                    process.send_signal(number)
                    number = None
            os.close(master)
            return shown, process.wait()

    def lines(self, shown):
        """The texts that were drawn, without control sequences."""
        return [line for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[?0-9]*[A-Za-z]", "\r", shown.decode())) if line]

    def test_the_area_fits_every_width_and_does_not_scroll(self):
        for columns in (40, 80, 120):
            with self.subTest(columns):
                shown, status = self.run_in_terminal(columns)
                self.assertEqual(status, 0)
                lines = self.lines(shown)
                self.assertTrue(any(re.search(r"\d+ of 60 files", line) for line in lines), lines)
                # "==" begins ASan's warning that it does not fully support swapcontext.
                drawn = [line for line in lines if not line.startswith("==")]
                self.assertLess(max(map(len, drawn)), columns)
                self.assertEqual(shown.count(b"\x1b[J"), shown.count(b"\x1b[?25l") + 1, "each drawing, and one wipe at the end")
                self.assertTrue(shown.endswith(b"\x1b[J\x1b[?25h"), "the area was not wiped, or the cursor stayed hidden")

    def test_a_resized_terminal(self):
        shown, status = self.run_in_terminal(120, resize=(24, 40))
        self.assertEqual(status, 0)
        self.assertTrue(any(len(line) > 40 for line in self.lines(shown)))
        self.assertTrue(all(len(line) < 40 for line in self.lines(shown)[-2:]))

    def test_the_cursor_comes_back_after_signals(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGQUIT, -signal.SIGQUIT), (signal.SIGABRT, -signal.SIGABRT)):
            with self.subTest(number):
                shown, ended = self.run_in_terminal(80, number=number)
                self.assertEqual(ended, status)
                self.assertGreater(shown.rfind(b"\x1b[?25h"), shown.rfind(b"\x1b[?25l"))
                if number == signal.SIGINT:
                    self.assertIn(b"\x1b[33mstopping:\x1b[0m got SIGINT; requests in flight may finish, within 20 s (limits.drain); a second signal stops at once", shown)

    def test_a_dumb_terminal_gets_no_control_sequences(self):
        shown, status = self.run_in_terminal(80, term="dumb")
        self.assertEqual(status, 0)
        self.assertNotIn(b"\x1b", shown)

    def test_lines_and_json_at_an_interval(self):
        for i in range(60):
            self.write(f"data/f{i}", b"x")
        faults = self.write("faults.yaml", "faults:\n  - {attempts: all, action: delay, delay: 30ms}\n")
        for style in ("lines", "json"):
            with Serve(self.dir / f"store-{style}", "--faults", faults) as server:
                job = self.job(server.endpoint, extra="upload: {concurrency: 1}")
                ended = s3flow("run", job, "--progress", style, "--set", "report.progress_interval=100ms", "--run-dir", self.dir / style)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertGreater(len(ended.stderr.splitlines()), 1)
            for line in ended.stderr.splitlines():
                if style == "json":
                    event = json.loads(line)
                    self.assertEqual((event["event"], event["found"]), ("progress", 60))
                else:
                    self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\S+ progress \d+ % \| .* of 60 files")


class Signals(TestCase):
    """The endpoint holds every request, so a signal always comes while requests are in flight."""

    def start(self, server):
        for i in range(200):
            self.write(f"data/f{i}", b"x" * 1000)
        extra = "upload: {concurrency: 8}"
        process = subprocess.Popen([S3FLOW, "run", str(self.job(server.endpoint, extra=extra)), "-v"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=clean_environment())
        started = 0
        while started < 8:
            line = process.stderr.readline()
            self.assertTrue(line, f"the run ended after {started} starts")
            started += " start " in line
        return process

    def faults(self, text):
        return self.write("faults.yaml", f"faults:\n  - {{operation: PutObject, attempts: all, {text}}}\n")

    def test_drain(self):
        for number, status in [(signal.SIGINT, 130), (signal.SIGTERM, 75), (signal.SIGUSR1, 75)]:
            with self.subTest(number), Serve(self.dir / f"store{number}", "--faults", self.faults("action: delay, delay: 500ms")) as server:
                process = self.start(server)
                process.send_signal(number)
                out, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, status, err)
                self.assertIn("stopping: got SIG", err)
                summary = json.loads((self.dir / "run/summary.json").read_text())
                self.assertGreaterEqual(summary["uploaded"], 8, "requests in flight were not finished")
                self.assertLess(summary["found"], 200)
                self.assertFalse(summary["complete"])
                self.assertIn("stopped early", out)
            os.rename(self.dir / "run", self.dir / f"run{number}")

    def test_the_second_signal_stops_at_once(self):
        with Serve(self.dir / "store", "--faults", self.faults("action: no_answer")) as server:
            process = self.start(server)
            process.send_signal(signal.SIGINT)
            while "stopping" not in process.stderr.readline():
                pass
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 130)
            self.assertEqual(json.loads((self.dir / "run/summary.json").read_text())["cancelled"], 8)

    def test_after_a_kill_the_journal_has_what_was_acknowledged(self):
        with Serve(self.dir / "store", "--faults", self.faults("action: delay, delay: 20ms")) as server:
            process = self.start(server)
            while (self.dir / "run/journal.jsonl").read_bytes().count(b"\n") < 20:
                time.sleep(0.005)
            process.kill()
            process.communicate()
            lines = read_journal(self.dir / "run")
            self.assertGreaterEqual(len(lines), 19)
            self.assertTrue(all(line["outcome"] == "uploaded" for line in lines))


if __name__ == "__main__":
    unittest.main()
