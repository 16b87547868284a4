"""s3flow prints the messages that config/TROUBLESHOOTING.md quotes.

Most cases provoke a message and name the words that the page quotes for it. "..." in a quote stands for any text. One
case looks for all other quotes in the source."""
import os
import re
import resource
import shutil
import socket
import stat
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, TOP, Serve, TestCase, clean_environment, s3flow

PAGE = (TOP / "config/TROUBLESHOOTING.md").read_text()
# The quotes in the first column of each row. A row may quote several messages.
ROWS = [quotes for row in re.findall(r"^\| ([^|]+) \|", PAGE, re.M) if (quotes := re.findall(r"`([^`]+)`", row))]
QUOTES = [quote for row in ROWS for quote in row]
# Messages of the system, of libraries and of stores, and messages that s3flow puts together from pieces.
NOT_IN_THE_SOURCE = {"No such file or directory", "source: ... No such file or directory", "plan.json: No such file or directory",
                     "Permission denied", "SignatureDoesNotMatch", "InvalidAccessKeyId", "AccessDenied", "certificate",
                     "the store has not answered for", "the store has been full for", "is in use by process",
                     "is a symbolic link, not a regular file", "clone3"}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Troubleshooting(TestCase):
    def setUp(self):
        super().setUp()
        for i in range(3):
            self.write(f"data/{i}", f"content {i}")

    def expect(self, ended, status, *quotes):
        """The page quotes all of `quotes`, and the command printed them and ended with `status`."""
        text = ended.stdout + ended.stderr
        self.assertEqual(ended.returncode, status, text)
        for quote in quotes:
            self.assertIn(quote, QUOTES, "TROUBLESHOOTING.md does not quote this")
            pattern = ".*".join(re.escape(words.strip()) for words in quote.split("..."))
            self.assertRegex(text, re.compile(pattern, re.I | re.S), "s3flow does not print what TROUBLESHOOTING.md quotes")

    def fresh_run_dir(self):
        shutil.rmtree(self.dir / "run", ignore_errors=True)

    def test_every_quote_is_in_the_source(self):
        """A row may quote several versions of a message; one of them is enough."""
        literal = r'"(?:[^"\\\n]|\\.)*"'
        texts = []
        for path in (path for module in ("s3", "pipeline", "config") for path in (TOP / module).rglob("*") if path.suffix in (".h", ".cc")):
            code = re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.M)
            # The compiler joins literals that follow each other.
            texts += [re.sub(r'"\s*"', "", joined) for joined in re.findall(rf"{literal}(?:\s*{literal})*", code)]
        source = "\n".join(texts).lower()

        def is_there(quote):
            return quote in NOT_IN_THE_SOURCE or all(words.strip().lower() in source for words in quote.split("..."))
        self.assertGreater(len(ROWS), 90)
        self.assertEqual([row for row in ROWS if not any(is_there(quote) for quote in row)], [],
                         "TROUBLESHOOTING.md quotes messages that the source does not contain")

    def test_job_files(self):
        job = self.job("http://127.0.0.1:9")
        text = job.read_text()
        cases = [("upload: {concurency: 4}", "unknown key", "did you mean"), ("uploads: {}", "unknown section"),
                 ("retry: {cap: 1s}", "is given twice, first at"), ("limits: {memory: 3MBB}", "is not a size"),
                 ("limits: {time: 20}", "is not a duration"), ("object: {posix: yes}", "is not allowed: write true or false"),
                 ("\tupload: {}", "is not valid YAML"), ("object: &x {}", "anchors"),
                 ("object: {storage_class: '${S3FLOW_UNSET}'}", "the environment variable ... is not set"),
                 ("integrity: {payload: unsigned, checksum: none}", "unsigned over http needs a checksum"),
                 ("limits: {memory: 10MiB}", "memory must be at least twice")]
        for extra, *quotes in cases:
            with self.subTest(extra):
                job.write_text(text + extra + "\n")
                self.expect(s3flow("check", job), 78, *quotes)
        job.write_text(text)
        with self.subTest("--set"):
            for setting, quote in (("destination.profile=b2", "of profile ... refuse"),
                                   ("destination.addressing=virtual", "virtual addressing needs a host name"),
                                   ("credentials.secret_access_key=x", "every user of this machine can read"),
                                   ("credentials.secret_access_key=", "must be set together")):
                self.expect(s3flow("check", job, "--set", setting, "--set", "integrity.checksum=crc32c"), 78, quote)
        with self.subTest("a note"):
            self.expect(s3flow("check", job, AWS_RETRY_MODE="adaptive"), 0, "has no effect in s3flow")

    def test_command_lines(self):
        job = self.write("bare.yaml", "source: [{path: data}]\ndestination: {bucket: bucket}\n")
        self.expect(s3flow("run", job, "--resume"), 64, "needs the run directory")
        self.expect(s3flow("run", job, "--shard", "auto"), 64, "auto finds no rank and no array element")
        self.expect(s3flow("run", "--plan", self.dir, "--shard", "auto"), 66, "plan.json: No such file or directory")
        self.expect(s3flow("run", self.dir / "missing.yaml"), 66, "No such file or directory")
        self.expect(s3flow("clean", self.dir / "data"), 66, "run directory: it has no")

    def test_credentials(self):
        job = self.write("job.yaml", f"""
source: [{{path: {self.dir}/data}}]
destination: {{bucket: bucket, endpoint: "http://127.0.0.1:9"}}
report: {{progress: none, run_dir: {self.dir}/run}}
""")
        self.expect(s3flow("run", job), 77, "no credentials: none in the job file")
        self.expect(s3flow("run", job, AWS_PROFILE="nobody", AWS_ENDPOINT_URL="http://127.0.0.1:9"), 77, "there is no profile")
        with Serve(self.dir / "store", buckets=("bucket",)) as serve:
            refused = "the store refuses this run: ... (first input: ...)"
            self.expect(s3flow("run", self.job(serve.endpoint, secret="wrong")), 77, refused, "SignatureDoesNotMatch")
            self.fresh_run_dir()
            self.expect(s3flow("run", self.job(serve.endpoint, key_id="AKIDOTHER")), 77, "InvalidAccessKeyId")
            self.fresh_run_dir()
            self.expect(s3flow("run", self.job(serve.endpoint, bucket="nowhere")), 77, "the bucket does not exist")

    def test_a_store_that_is_away_and_comes_back(self):
        port = free_port()
        job = self.job(f"http://127.0.0.1:{port}", extra="limits: {outage: 500ms}")
        self.expect(s3flow("run", job), 75, "the store does not answer: ...; s3flow waits for it", "the store has not answered for",
                    "to resume: ")

    def test_tls(self):
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
            def serve():
                while True:
                    try:
                        connection, _ = listener.accept()
                    except OSError:
                        return
                    with connection:
                        connection.recv(4096)
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            job = self.job(f"https://127.0.0.1:{listener.getsockname()[1]}")
            self.expect(s3flow("run", job), 77, "wrong version number")
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()

    def test_what_a_store_refuses(self):
        cases = [("{action: status, status: 507, code: QuotaExceeded, attempts: all}", 75, ["the store is full", "the store has been full for"]),
                 ("{action: status, status: 403, code: AccessDenied, attempts: all, key: '1'}", 1, ["AccessDenied"]),
                 ("{action: status, status: 503, code: SlowDown, attempts: '1', key: '1'}", 0, [])]
        for fault, status, quotes in cases:
            with self.subTest(fault):
                self.fresh_run_dir()
                faults = self.write("faults.yaml", f"faults: [{fault}]")
                with Serve(self.dir / "store", "--faults", faults) as serve:
                    self.expect(s3flow("run", self.job(serve.endpoint, extra="limits: {outage: 500ms}")), status, *quotes)
        with Serve(self.dir / "store") as serve:
            self.fresh_run_dir()
            job = self.job(serve.endpoint, extra="object: {if_none_match: true}")
            self.expect(s3flow("run", job, "-v"), 0, "may ignore the condition", "the key exists (if_none_match)")

    def test_attempts_that_fail(self):
        faults = self.write("faults.yaml", "faults: [{action: status, status: 500, code: InternalError, attempts: '1', key: '1'}]")
        with Serve(self.dir / "store", "--faults", faults) as serve:
            self.expect(s3flow("run", self.job(serve.endpoint), "-v"), 0, "retry ... attempt ... failed, next in")

    def test_files(self):
        (self.dir / "data/link").symlink_to("0")
        (self.dir / "empty").mkdir()
        with Serve(self.dir / "store") as serve:
            self.expect(s3flow("run", self.job(serve.endpoint), "-v"), 0, "a symbolic link (follow_symlinks is off)")
            self.fresh_run_dir()
            self.expect(s3flow("run", self.job(serve.endpoint, source="empty")), 66, "the source is empty")
            self.fresh_run_dir()
            self.expect(s3flow("run", self.job(serve.endpoint, source="missing")), 66, "source: ... No such file or directory")
            self.fresh_run_dir()
            twice = self.job(serve.endpoint)
            twice.write_text(twice.read_text().replace("source:\n", f"source:\n  - path: {self.dir}/data\n"))
            self.expect(s3flow("run", twice), 1, "has the same key")
            self.fresh_run_dir()
            stream = self.job(serve.endpoint)
            stream.write_text(stream.read_text().replace(f"path: {self.dir}/data", "{path: '-', stream: true, key: k, size: 10}"))
            self.expect(s3flow("run", stream), 1, "the stream ended after ... of ... bytes")
            self.expect(s3flow("plan", stream, "--shards", 2, "--out", self.dir / "plan"), 78, "a stream cannot be planned")

    def test_run_directories(self):
        with Serve(self.dir / "store", buckets=("bucket", "other")) as serve:
            job = self.job(serve.endpoint)
            self.expect(s3flow("run", job), 0)
            self.expect(s3flow("run", job), 78, "belongs to a run that ...: choose another run directory, or upload")
            self.expect(s3flow("run", job, "--resume", "--set", "destination.prefix=x/"), 78, "belongs to a run of another job")
            self.expect(s3flow("run", job, "--resume", "--set", "destination.bucket=other"), 78, "choose another run directory")
            journal = self.dir / "run/journal.jsonl"
            intact = journal.read_bytes()
            journal.write_bytes(intact.replace(b'"record":"result"', b'"record":"rezult"', 1))
            self.expect(s3flow("run", job, "--resume"), 74, "this line is damaged")
            journal.write_bytes(intact)
            os.link(journal, self.dir / "second-name")
            self.expect(s3flow("run", job, "--resume"), 74, "has a second name (a hard link)")
            (self.dir / "second-name").unlink()
            (self.dir / "run").chmod(stat.S_IRWXU | stat.S_IRWXG)
            self.expect(s3flow("run", job, "--resume"), 74, "may be written to by other users")
            self.expect(s3flow("run", job, "--run-dir", self.dir / "new", "--trace-http", self.dir / "no/trace"), 74, "cannot write the trace")

    def test_plans(self):
        with Serve(self.dir / "store") as serve:
            job, plan = self.job(serve.endpoint), self.dir / "plan"
            self.expect(s3flow("plan", job, "--shards", 2, "--out", plan), 0)
            self.expect(s3flow("plan", job, "--shards", 2, "--out", plan), 78, "already contains a plan")
            array = {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_MAX": "2"}
            self.expect(s3flow("run", "--plan", plan, "--shard", "auto", **array), 64, "number the elements from")
            self.expect(s3flow("run", "--plan", plan, "--shard", "auto", SLURM_PROCID="0", SLURM_NTASKS="7", SLURM_STEP_ID="0"), 64,
                        "do not fit ... shards")
            self.expect(s3flow("finish", plan), 75, "to run again: sbatch --array=")
            self.write("data/new", "new")
            self.expect(s3flow("finish", plan, "--check-source"), 75, "appeared since the plan")

    def test_limits_and_launchers(self):
        with Serve(self.dir / "store") as serve:
            job = self.job(serve.endpoint)
            self.expect(s3flow("run", job, SLURM_JOB_END_TIME="1"), 0, "SLURM_JOB_END_TIME=... s3flow ignores it")
            self.fresh_run_dir()
            for limit, status, quote in ((20, 71, "raise ulimit -n"), (64, 0, "at most ... in flight: ... no more")):
                command = [S3FLOW, "run", str(job)]
                ended = subprocess.run(command, capture_output=True, text=True, timeout=300, env=clean_environment(), stdin=subprocess.DEVNULL,
                                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
                self.expect(ended, status, quote)
            with open("/dev/full", "w") as full:
                ended = subprocess.run([S3FLOW, "check", str(job)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=300,
                                       env=clean_environment(), stdin=subprocess.DEVNULL)
            ended.stdout = ""
            self.expect(ended, 74, "standard output cannot be written")


if __name__ == "__main__":
    unittest.main()
