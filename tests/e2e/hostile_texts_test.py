"""No text that others wrote controls the terminal: names, responses of a store, arguments."""
import http.server
import os
import re
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SECRET, Serve, TestCase, clean_environment


class HostileTexts(TestCase):
    """Texts of others, from every place where they can occur. Each of them must be escaped for the terminal."""

    HOSTILE = "\x1b[2J\r\nfake\u009b31m\u202e\u2066\u2028\u200b\ufeff\U000e0041\x07"
    BYTES = HOSTILE.encode() + b"\xff\x9b"
    HIDDEN = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\U000e0000-\\U000e0fff]")

    def shown(self, *arguments, **environment):
        ended = subprocess.run([S3FLOW, *arguments], capture_output=True, timeout=120, stdin=subprocess.DEVNULL, cwd=self.dir, env=clean_environment(**environment))
        for text in (ended.stdout, ended.stderr):
            self.assertIsNone(self.HIDDEN.search(text.decode()), text)  # fails if it is not UTF-8
            for line in text.decode().splitlines():
                self.assertFalse(line.startswith("fake"), text)
        return ended

    def setUp(self):
        super().setUp()
        self.top = os.fsencode(self.dir) + b"/top" + self.BYTES
        os.makedirs(self.top + b"/data")
        for name in (b"/data/file" + self.BYTES, b"/data/refused" + self.BYTES):
            with open(self.top + name, "wb") as file:
                file.write(b"contents")
        os.symlink("nowhere", self.top + b"/data/link" + self.BYTES)

    def job_of(self, endpoint, extra=""):
        """A job file with hostile texts, in a directory with a hostile name."""
        path, text = self.top + b"/job.yaml", '"' + "".join(f"\\U{ord(c):08x}" for c in self.HOSTILE) + '"'
        with open(path, "w") as file:
            file.write(f"source: [{{path: '${{TOP}}/data'}}]\n"
                       f"destination: {{bucket: bucket, endpoint: '{endpoint}', prefix: {text}}}\n"
                       f"credentials: {{access_key_id: {KEY_ID}, secret_access_key: {SECRET}}}\n"
                       f"retry: {{max_attempts: 2, base_delay: 1ms, cap: 2ms}}\nlimits: {{outage: 200ms}}\n{extra}")
        return path

    def test_runs_plans_and_what_follows(self):
        rule = "{operation: PutObject, key: '**refused*', action: status, status: 400, code: InvalidArgument, attempts: all}"
        environment = {"TOP": os.fsdecode(self.top)}
        with Serve(self.dir / "store", "--faults", self.write("faults.yaml", f"faults: [{rule}]")) as server:
            job, run, plan = self.job_of(server.endpoint), self.top + b"/run", self.top + b"/plan"
            ended = self.shown("check", job, **environment)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual(self.shown("check", job, "--probe", **environment).returncode, 0)
            self.assertEqual(self.shown("run", job, "--dry-run", "--run-dir", run, **environment).returncode, 0)
            ended = self.shown("run", job, "-v", "--run-dir", run, **environment)
            self.assertEqual(ended.returncode, 1)
            self.assertIn(rb"failed ", ended.stderr)
            self.assertIn(rb"\x1b[2J\x0d\x0afake\u{9B}31m\u{202E}\u{2066}\u{2028}\u{200B}\u{FEFF}\u{E0041}\x07\xff\x9b", ended.stderr)
            self.assertEqual(self.shown("run", job, "--run-dir", run, **environment).returncode, 78)
            self.assertEqual(self.shown("run", job, "--resume", "--run-dir", run, "--set", "destination.prefix=" + self.HOSTILE[::-1], **environment).returncode, 78)
            self.assertEqual(self.shown("clean", run, "--job", job, **environment).returncode, 0)
            self.assertEqual(self.shown("rehearse", job, "-v", "--run-dir", self.top + b"/rehearsal", **environment).returncode, 0)
            self.assertEqual(self.shown("plan", job, "--shards", "1", "--out", plan, **environment).returncode, 0)
            self.assertEqual(self.shown("run", "--plan", plan, "--shard", "0/1", "-v", **environment).returncode, 1)
            with open(self.top + b"/data/new" + self.BYTES, "wb"):
                pass
            self.assertIn(b"appeared: ", self.shown("finish", plan, "--check-source", **environment).stdout)

    def test_responses_of_a_store(self):
        test = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            server_version, sys_version = (re.sub("[\\x00-\\x1f]", "", self.HOSTILE).encode() + b"\xff").decode("latin-1"), ""

            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, code, message = test.answer
                body = f"<Error><Code>{code}</Code><Message>{message}</Message><Region>{message}</Region></Error>".encode() if status != 200 else b""
                self.send_response(status)
                for name in ("ETag", "x-amz-request-id", "x-amz-version-id", "x-amz-bucket-region", "Location"):
                    self.send_header(name, self.server_version)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body if self.command != "HEAD" else b"")
            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass  # the client closed the connection early

            def log_message(self, *_):
                pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        job = self.job_of(f"http://127.0.0.1:{server.server_port}")
        message = "&#x202e;&#x9b;31m&#x2028;&#xad;&#x10ffff;" + self.HOSTILE.replace("\x1b", "").replace("\x07", "")
        for self.answer in [(200, "", ""), (301, "PermanentRedirect", message), (400, "InvalidArgument", message), (400, message, message),
                            (403, "AccessDenied", message), (404, message, message), (412, "PreconditionFailed", message), (500, message, message)]:
            with self.subTest(self.answer[:2]):
                subprocess.run(["rm", "-rf", self.top + b"/run"], check=True)
                self.shown("run", job, "-v", "--run-dir", self.top + b"/run", "--trace-http", self.top + b"/trace", TOP=os.fsdecode(self.top))
                self.shown("check", job, "--probe", TOP=os.fsdecode(self.top))
                with open(self.top + b"/trace", "rb") as file:
                    self.assertIsNone(self.HIDDEN.search(file.read().decode()))

    def test_arguments_and_mistakes(self):
        job, odd = self.job_of("http://127.0.0.1:9"), self.BYTES
        top = {"TOP": os.fsdecode(self.top)}
        for arguments in (["run", odd], ["run", job, odd], [odd], ["run", b"--" + odd, job], ["run", job, "--set", odd], ["check", job, "--set", b"retry.cap=" + odd],
                          ["check", job, "--set", odd + b"=" + odd], ["check", job, "--set", b"destination." + odd + b"=x"], ["run", job, "--shard", odd],
                          ["serve", self.top + b"/s", "--profile", odd], ["serve", self.top + b"/s", "--bucket", odd], ["serve", self.top + b"/s", "--latency", odd],
                          ["serve", self.top + b"/s", "--port", odd], ["rehearse", job, "--faults", odd], ["finish", odd], ["clean", odd], ["run", "--plan", odd, "--shard", "0/1"],
                          ["run", job, "--run-dir", self.top + b"/job.yaml/x"], ["run", job, "--trace-http", self.top + b"/none/trace"],
                          ["check", job, "--set", b"destination.region=" + odd], ["check", job, "--set", b"destination.endpoint=" + odd],
                          ["check", job, "--set", b"integrity.checksum=" + odd], ["check", job, "--set", b"destination.bucket=" + odd]):
            with self.subTest(arguments):
                self.assertNotEqual(self.shown(*arguments, **top).returncode, 0)
        for variable in ("AWS_PROFILE", "AWS_REGION", "AWS_CA_BUNDLE", "AWS_CONFIG_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_SERVICE_ENDPOINT"):
            with self.subTest(variable):
                plain = self.write("plain.yaml", f"source: [{{path: {self.dir}}}]\ndestination: {{bucket: bucket, endpoint: 'https://127.0.0.1:9'}}\nretry: {{max_attempts: 1}}\nlimits: {{outage: 200ms}}\n")
                environment = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9", variable: os.fsdecode(odd)}
                if variable in ("AWS_REGION", "AWS_CA_BUNDLE"):
                    environment |= {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
                self.assertNotEqual(self.shown("run", plain, "--run-dir", self.dir / "r", **environment).returncode, 0)


if __name__ == "__main__":
    unittest.main()
