"""Secrets go nowhere: with ones that cannot be mistaken for anything else, whatever s3flow writes, shows
or hands on is searched for them, with the trace on, on every way a run can end."""
import base64
import http.server
import json
import os
import pathlib
import resource
import signal
import stat
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, SANITIZE, TestCase, clean_environment

SECRET_KEY = "CANARYsecretKEYcanary+/key0123456789canary"
TOKEN = "CANARYsessionTOKENcanary/token+0123456789=="
CUSTOMER_KEY = base64.b64encode(b"CANARYcustomerKEYcanary012345678").decode()
PROXY_PASSWORD = "CANARYproxyPASSWORD0123456789"
METADATA = "CANARYmetadataVALUE0123456789"
WEB_TOKEN = "CANARYwebIDENTITYtoken0123456789"
CONTAINER_TOKEN = "CANARYcontainerTOKEN0123456789"
CANARIES = [SECRET_KEY, TOKEN, CUSTOMER_KEY, PROXY_PASSWORD, WEB_TOKEN, CONTAINER_TOKEN]


def forms(secret):
    """As it is, and as encodings would have it; a part is as bad as the whole."""
    text = secret.encode()
    begin, end = text[:len(text) // 2], text[len(text) // 2:]
    return {begin, end, base64.b64encode(begin)[:-4], begin.hex().encode(), json.dumps(begin.decode()).encode()[1:-1]}


class EchoStore:
    """Takes everything, or answers with an error that says all it was sent, headers and body."""

    def __init__(self, status=200, code="", text=None):
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                # What is secret first: only the beginning of a message is shown.
                headers = sorted(self.headers.items(), key=lambda header: ("token" not in header[0], "customer-key" not in header[0]))
                said = "\n".join(f"{name}: {value}" for name, value in headers)
                store.seen.append(f"{self.path}\n{said}\n{body.decode('latin-1')}")
                if text is not None:
                    out = text
                elif status < 300:
                    out = ""
                else:
                    echoed = (said + body.decode("latin-1")).replace("&", "&amp;").replace("<", "&lt;")
                    out = (f"<Error><Code>{code}</Code><Message>You sent {echoed}</Message><Token-0>{TOKEN}</Token-0>"
                           f"<CanonicalRequest>{echoed}</CanonicalRequest></Error>")
                try:
                    self.reply(out)
                except OSError:
                    pass  # a client that has heard enough

            def reply(self, out):
                self.send_response(status)
                self.send_header("ETag", '"e"')
                self.send_header("x-amz-request-id", "id")
                for name, value in self.headers.items():
                    if name.lower() != "content-length" and status >= 300:
                        self.send_header(f"echo-{name}", value)
                self.send_header("Content-Length", str(len(out.encode("latin-1"))))
                self.end_headers()
                self.wfile.write(out.encode("latin-1"))

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

            def log_message(self, *_):
                pass
        self.seen = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Canary(TestCase):
    def setUp(self):
        super().setUp()
        self.write("data/file", b"contents")
        (self.dir / "cwd").mkdir()
        self.counts = {"runs": 0, "bytes": 0}

    def store(self, *arguments, **options):
        store = EchoStore(*arguments, **options)
        self.addCleanup(store.close)
        return store

    def job_for(self, endpoint, extra="", proxy=""):
        return self.write("job.yaml", f"""
source: [{{path: {self.dir}/data}}]
destination: {{bucket: bucket, endpoint: "{endpoint}"{proxy}}}
object: {{customer_key: "{CUSTOMER_KEY}", metadata: {{owner: "{METADATA}"}}}}
retry: {{max_attempts: 2, base_delay: 1ms, cap: 2ms}}
report: {{log: objects, trace_http: {self.dir}/out/trace, run_dir: {self.dir}/out/run}}
{extra}""")

    def start(self, *arguments, **environment):
        (self.dir / "out").mkdir(exist_ok=True)
        environment = clean_environment(HOME=str(self.dir), **environment)
        # Core dumps are asked for, here and in what a program would be handed.
        limits = lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        return subprocess.Popen([S3FLOW, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.dir / "cwd",
                                env=environment, preexec_fn=limits if os.geteuid() == 0 else None)

    def finish(self, process):
        """Waits; then nothing that was said or written has a secret in it."""
        out, err = process.communicate(timeout=120)
        texts = {"stdout": out, "stderr": err}
        for root in ("out", "cwd"):
            texts |= {str(path): path.read_bytes() for path in (self.dir / root).rglob("*") if path.is_file()}
        for where, text in texts.items():
            for secret in CANARIES:
                for form in forms(secret):
                    self.assertNotIn(form, text, f"{where} holds {secret}")
        self.counts["runs"] += 1
        self.counts["bytes"] += sum(map(len, texts.values()))
        subprocess.run(["rm", "-rf", self.dir / "out"], check=True)
        return process.returncode, texts

    def run_to_end(self, *arguments, **environment):
        return self.finish(self.start(*arguments, **environment))

    STATIC = {"AWS_ACCESS_KEY_ID": "AKIDCANARY", "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_SESSION_TOKEN": TOKEN}

    def test_answers_of_all_kinds(self):
        codes = [(200, ""), (301, "PermanentRedirect"), (307, "TemporaryRedirect"), (400, "ExpiredToken"), (400, "AuthorizationHeaderMalformed"),
                 (400, "InvalidDigest"), (400, "BadDigest"), (400, "InvalidArgument"), (400, "MalformedXML"), (403, "AccessDenied"),
                 (403, "InvalidAccessKeyId"), (403, "SignatureDoesNotMatch"), (403, "RequestTimeTooSkewed"), (404, "NoSuchBucket"),
                 (404, "NoSuchKey"), (409, "OperationAborted"), (412, "PreconditionFailed"), (500, "InternalError"), (501, "NotImplemented"),
                 (503, "SlowDown")]
        for status, code in codes:
            with self.subTest(status=status, code=code):
                store = self.store(status, code)
                ended, texts = self.run_to_end("run", self.job_for(store.endpoint), **self.STATIC)
                self.assertEqual(ended == 0, status == 200, texts["stderr"])
                # The canaries were really there to be leaked.
                self.assertIn(TOKEN, store.seen[0])
                self.assertIn(CUSTOMER_KEY, store.seen[0])
                self.assertIn(METADATA, store.seen[0])
                trace = texts[f"{self.dir}/out/trace"]
                self.assertIn(b"x-amz-security-token: (redacted)", trace)
                self.assertIn(f"HTTP {status} after".encode(), trace)
                self.assertNotIn(METADATA.encode(), trace)
                if code == "InvalidArgument":
                    self.assertEqual(texts[f"{self.dir}/out/run/journal.jsonl"].count(b": (redacted) "), 2, "nothing was echoed")
        print(f"\nsearched: {self.counts}")

    def test_multipart_uploads_and_streamed_chunks(self):
        self.write("data/large", os.urandom(12 << 20))
        for extra in ("upload: {part_size: 5MiB, multipart_threshold: 5MiB}", "integrity: {payload: streaming, checksum: crc32c, checksum_as: trailer}"):
            self.run_to_end("run", self.job_for(self.store(500, "InternalError").endpoint, extra), **self.STATIC)

    def test_what_check_shows_and_refuses(self):
        keys = f"credentials: {{access_key_id: AKID, secret_access_key: '{SECRET_KEY}', session_token: '{TOKEN}'}}"
        proxy = f", proxy: 'http://user:{PROXY_PASSWORD}@127.0.0.1:9'"
        ended, texts = self.run_to_end("check", self.job_for("http://127.0.0.1:9", keys, proxy))
        self.assertEqual(ended, 0, texts["stderr"])
        self.assertIn(b"**redacted**", texts["stdout"])
        for broken in (keys.replace("AKID", "''"), keys.replace("secret_access_key", "secret_acess_key"), keys + f"\nretry: {SECRET_KEY}x: y",
                       keys.replace("session_token", "[session_token]")):
            job = self.job_for("http://127.0.0.1:9", broken, proxy)
            ended, texts = self.run_to_end("check", job)
            self.assertEqual(ended, 78, texts["stderr"])

    def test_a_proxy_that_refuses(self):
        refusing = self.store(407, "ProxyAuthenticationRequired")
        proxy = f", proxy: 'http://user:{PROXY_PASSWORD}@{refusing.endpoint[7:]}'"
        ended, texts = self.run_to_end("run", self.job_for("https://store.invalid", proxy=proxy), **self.STATIC)
        self.assertNotEqual(ended, 0)

    def test_arguments_cannot_hold_them(self):
        ended, texts = self.run_to_end("run", self.job_for("http://127.0.0.1:9"), "--set", f"credentials.secret_access_key={SECRET_KEY}")
        self.assertEqual(ended, 78)

    def test_providers_that_fail(self):
        doubles = {"web": self.store(400, "InvalidIdentityToken"), "sts": self.store(403, "AccessDenied"),
                   "container": self.store(500, text=json.dumps({"code": "x", "message": f"you sent {CONTAINER_TOKEN}"})),
                   "broken": self.store(200, text=json.dumps({"AccessKeyId": "A B", "SecretAccessKey": SECRET_KEY, "Token": TOKEN}))}
        token = self.write("web-token", WEB_TOKEN)
        helper = self.write("helper", f"#!/bin/sh\necho '{SECRET_KEY}' >&2\nenv > {self.dir}/cwd/seen\necho '{{\"Version\": 1, \"SecretAccessKey\": \"{SECRET_KEY}\"'\n")
        helper.chmod(0o700)
        credentials = self.write("shared", f"[base]\naws_access_key_id = A\naws_secret_access_key = {SECRET_KEY}\naws_session_token = {TOKEN}\n")
        config = self.write("config", f"[profile assume]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n[profile helper]\ncredential_process = {helper}\n"
                            f"[profile loop]\nrole_arn = r\nsource_profile = loop2\naws_secret_access_key = {SECRET_KEY}\n[profile loop2]\nrole_arn = r\nsource_profile = loop\n")
        for path in (token, credentials, config):
            path.chmod(0o644)  # which is warned of
        files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
        container = {"AWS_CONTAINER_AUTHORIZATION_TOKEN": CONTAINER_TOKEN}
        cases = [({"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_ENDPOINT_URL_STS": doubles["web"].endpoint}, WEB_TOKEN, "web"),
                 ({"AWS_PROFILE": "assume", "AWS_ENDPOINT_URL_STS": doubles["sts"].endpoint, **files}, TOKEN, "sts"),
                 ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": doubles["container"].endpoint + "/c", **container}, CONTAINER_TOKEN, "container"),
                 ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": doubles["broken"].endpoint + "/c", **container}, CONTAINER_TOKEN, "broken"),
                 ({"AWS_PROFILE": "loop", **files}, None, None), (self.STATIC | files, None, None)]
        for environment, canary, double in cases:
            with self.subTest(environment=list(environment)):
                profile = "credentials: {profile: helper}" if "AWS_SESSION_TOKEN" in environment else ""
                ended, texts = self.run_to_end("run", self.job_for("http://127.0.0.1:9", profile), **environment)
                self.assertEqual(ended, 77, texts["stderr"])
                if double:
                    self.assertIn(canary, doubles[double].seen[0])
                    self.assertIn(b" > ", texts[f"{self.dir}/out/trace"], "providers are traced, too")
        self.assertTrue((self.dir / "cwd/seen").exists(), "the helper did not run")

    def test_a_crash(self):
        store = self.store(200)
        # Waits for what never comes, with all secrets in memory.
        os.mkfifo(self.dir / "fifo")
        job = self.write("job.yaml", self.job_for(store.endpoint).read_text().replace(
            f"[{{path: {self.dir}/data}}]", f"[{{path: {self.dir}/data}}, {{path: {self.dir}/fifo, stream: true}}]"))
        for death in (signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT):
            process = self.start("run", job, **self.STATIC)
            while not store.seen:
                self.assertIsNone(process.poll(), "ended before the crash")
            limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
            self.assertRegex(limits, r"Max core file size +1 +1 ")
            store.seen.clear()
            process.send_signal(death)
            ended, texts = self.finish(process)
            if not SANITIZE:
                self.assertEqual(ended, -death)
            self.assertEqual(list((self.dir / "cwd").iterdir()), [], "a core dump")

    def test_the_trace_is_for_its_owner(self):
        store = self.store(200)
        process = self.start("run", self.job_for(store.endpoint), **self.STATIC)
        process.wait(timeout=60)
        self.assertEqual(stat.S_IMODE((self.dir / "out/trace").stat().st_mode), 0o600)
        self.finish(process)


if __name__ == "__main__":
    unittest.main()
