"""Secrets go nowhere: with ones that cannot be mistaken for anything else, whatever s3flow writes, shows
or hands on is searched for them, with the trace on, on every way a run can end."""
import base64
import http.server
import json
import os
import pathlib
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, SANITIZE, Serve, TestCase, clean_environment, read_records

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


class CanaryCase(TestCase):
    CANARIES = CANARIES

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
limits: {{outage: 200ms}}
report: {{log: objects, trace_http: {self.dir}/out/trace, run_dir: {self.dir}/out/run}}
{extra}""")

    def start(self, *arguments, **environment):
        (self.dir / "out").mkdir(exist_ok=True)
        environment = clean_environment(HOME=str(self.dir), **environment)
        # Core dumps are asked for, here and in what a program would be handed.
        limits = lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        return subprocess.Popen([S3FLOW, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.dir / "cwd",
                                env=environment, preexec_fn=limits if os.geteuid() == 0 else None)

    def search(self, process):
        """Waits; then nothing that was said or written has a secret in it."""
        out, err = process.communicate(timeout=120)
        texts = {"stdout": out, "stderr": err}
        for root in ("out", "cwd"):
            texts |= {str(path): path.read_bytes() for path in (self.dir / root).rglob("*") if path.is_file() and path not in self.exempt}
        for where, text in texts.items():
            for secret in self.CANARIES:
                for form in forms(secret):
                    self.assertNotIn(form, text, f"{where} holds {secret}")
        self.counts["runs"] += 1
        self.counts["bytes"] += sum(map(len, texts.values()))
        return process.returncode, texts

    def finish(self, process):
        """Searches what is there, and takes it away."""
        try:
            return self.search(process)
        finally:
            subprocess.run(["rm", "-rf", self.dir / "out"], check=True)

    def run_to_end(self, *arguments, **environment):
        return self.finish(self.start(*arguments, **environment))

    exempt = frozenset()  # files that hold a secret because somebody wrote it there
    STATIC = {"AWS_ACCESS_KEY_ID": "AKIDCANARY", "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_SESSION_TOKEN": TOKEN}


class Canary(CanaryCase):
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
                    self.assertEqual(texts[f"{self.dir}/out/run/journal.jsonl"].count(b": (redacted) "), 3, "nothing was echoed")
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


class Tunnel:
    """A proxy that asks for a password and then connects to whatever it is asked for."""

    def __init__(self, password):
        self.expected = base64.b64encode(f"user:{password}".encode())
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.tunnels = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(1 << 16)
                if not data:
                    return
                head += data
            if self.expected not in head:
                return client.sendall(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
            host, port = head.split()[1].decode().rsplit(":", 1)
            self.tunnels += 1
            try:
                server = socket.create_connection((host, int(port)))
            except OSError:
                return client.sendall(b"HTTP/1.1 502 Nobody there\r\nContent-Length: 0\r\n\r\n")
            with server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                threading.Thread(target=self.pass_on, args=(client, server), daemon=True).start()
                self.pass_on(server, client)

    @staticmethod
    def pass_on(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Matrix(CanaryCase):
    """Every secret at once, from each place that it can stand in, through every command."""

    PROPERTIES = {"metadata.owner": METADATA, "metadata.Bearer": "CANARYpartOFaVALUE0123456789", "tags.team": "CANARYtagVALUE0123456789",
                  "content_disposition": "CANARYdispositionVALUE0123456789", "cache_control": "CANARYcacheVALUE0123456789"}
    RULE_METADATA, RULE_KEY = "CANARYruleMETADATA0123456789", base64.b64encode(b"CANARYruleKEYcanary0123456789abc").decode()
    SECRETS = {"credentials.secret_access_key": SECRET_KEY, "credentials.session_token": TOKEN, "object.customer_key": CUSTOMER_KEY,
               "object.rules.0.customer_key": RULE_KEY, "destination.proxy": PROXY_PASSWORD}
    CANARIES = [*SECRETS.values(), *PROPERTIES.values(), RULE_METADATA]
    ENVIRONMENT = {"SECRET_KEY": SECRET_KEY, "TOKEN": TOKEN, "CUSTOMER_KEY": CUSTOMER_KEY, "RULE_KEY": RULE_KEY, "PROXY_PASSWORD": PROXY_PASSWORD,
                   "RULE_METADATA": RULE_METADATA, **{name.upper().replace(".", "_"): value for name, value in PROPERTIES.items()}}

    def setUp(self):
        super().setUp()
        self.write("data/large", os.urandom(11 << 20))
        self.write("data/ruled/file", b"by a rule")
        self.tunnel = Tunnel(PROXY_PASSWORD)
        self.addCleanup(self.tunnel.close)

    def values(self, how):
        """Key and text: as a literal or as a variable."""
        literal = how == "literal"
        values = {name: secret if literal else "${" + variable + "}" for (name, secret), variable in
                  zip(self.SECRETS.items(), ("SECRET_KEY", "TOKEN", "CUSTOMER_KEY", "RULE_KEY", "PROXY_PASSWORD"))}
        values["destination.proxy"] = f"http://user:{values['destination.proxy']}@{self.tunnel.address}"
        # A literal that is not of a secret's key is there to be seen.
        for name, value in {} if literal else self.PROPERTIES.items():
            values[f"object.{name}"] = ("Bearer " if "Bearer" in name else "") + "${" + name.upper().replace(".", "_") + "}"
        return values

    def job_of(self, how, endpoint):
        """The job file, and the options that go with it."""
        values = self.values(how)
        job = {"source": [{"path": f"{self.dir}/data"}],
               "destination": {"bucket": "bucket", "endpoint": endpoint},
               "credentials": {"access_key_id": "AKIDCANARY"},
               "object": {"rules": [{"match": "ruled/**", "metadata": {"rule": "plain" if how == "literal" else "${RULE_METADATA}"}}]},
               "upload": {"part_size": "5MiB", "multipart_threshold": "5MiB", "concurrency": 2},
               "retry": {"max_attempts": 2, "base_delay": "1ms", "cap": "2ms"}, "limits": {"outage": "200ms"}, "report": {"progress": "none"}}
        options = []
        for name, value in values.items():
            if how == "set":
                options += ["--set", f"{name}={value}"]
                continue
            *way, last = name.split(".")
            place = job
            for step in way:
                place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
            place[last] = value
        return self.write("job.yaml", json.dumps(job)), options  # JSON is YAML

    def serve(self, *arguments):
        serve = Serve(self.dir / f"store{len(list(self.dir.glob('store*')))}", *arguments, key_id="AKIDCANARY", secret=SECRET_KEY)
        self.enterContext(serve)
        return serve

    def command(self, status, *arguments):
        ended, texts = self.search(self.start(*arguments, **self.ENVIRONMENT))
        self.assertEqual(ended, status, (arguments, texts["stdout"], texts["stderr"]))
        return texts

    def each(self, check):
        for how in ("literal", "variable", "set"):
            with self.subTest(how):
                check(how)
            subprocess.run(["rm", "-rf", self.dir / "out", self.dir / "cwd"], check=True)
            (self.dir / "cwd").mkdir()
            self.exempt = frozenset()

    def test_runs_and_their_relatives(self):
        self.each(self.runs_and_their_relatives)

    def runs_and_their_relatives(self, how):
        server = self.serve()
        job, options = self.job_of(how, server.endpoint)
        out = self.dir / "out"
        check = self.command(0, "check", job, *options)["stdout"]
        self.assertIn(b"**redacted**", check)
        if how != "literal":
            self.assertIn(b"METADATA_OWNER", check, "the variable is named")
        self.command(0, "check", job, *options, "--probe", "--trace-http", out / "trace-probe")
        self.command(0, "run", job, *options, "--dry-run", "--run-dir", out / "dry", "--trace-http", out / "trace-dry")
        run = self.command(0, "run", job, *options, "-v", "--run-dir", out / "run", "--trace-http", out / "trace")
        self.assertIn(b"3 found: 3 uploaded", run["stdout"])
        self.assertIn(b"x-amz-security-token: (redacted)", run[str(out / "trace")])
        self.command(0, "run", job, *options, "-v", "--resume", "--run-dir", out / "run")
        self.command(0, "clean", out / "run")
        self.command(0, "rehearse", job, *options, "-v", "--run-dir", out / "rehearsal", "--trace-http", out / "trace-rehearsal")
        self.assertGreater(self.tunnel.tunnels, 0, "the proxy's password was of no use")
        for path in out.glob("trace*"):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def test_plans(self):
        self.each(self.plans)

    def plans(self, how):
        server = self.serve()
        job, options = self.job_of(how, server.endpoint)
        plan = self.dir / "out/plan"
        if how == "literal":
            self.exempt = {plan / "job.yaml"}  # the job file itself
        self.command(0, "plan", job, *options, "--shards", "2", "--out", plan, "--trace-http", self.dir / "out/trace")
        for shard in range(2):
            self.command(0, "run", "--plan", plan, "--shard", f"{shard}/2", "-v", "--trace-http", self.dir / f"out/trace{shard}")
        self.command(0, "finish", plan, "--trace-http", self.dir / "out/trace-finish")
        self.command(0, "clean", plan)

    def test_interrupted_failing_and_cleaned_runs(self):
        self.each(self.interrupted_failing_and_cleaned_runs)

    def interrupted_failing_and_cleaned_runs(self, how):
        silent = self.write("silent.yaml", "faults: [{operation: UploadPart, action: no_answer, attempts: all}]")
        refusing = self.write("refusing.yaml", "faults: [{operation: PutObject, action: status, status: 400, code: InvalidArgument, attempts: all}]")
        server, run = self.serve("--faults", silent), self.dir / "out/run"
        job, options = self.job_of(how, server.endpoint)
        process = self.start("run", job, *options, "--run-dir", run, **self.ENVIRONMENT)
        while not (run / "journal.jsonl").exists() or not any(r["record"] == "upload" for r in read_records(run)):
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        process.kill()
        self.search(process)
        self.assertIn(b"1 multipart uploads aborted", self.command(0, "clean", run)["stdout"])
        # Another value in the environment is another job, and the message says so without it.
        changed = self.ENVIRONMENT | {"METADATA_OWNER": METADATA[::-1], "CUSTOMER_KEY": base64.b64encode(bytes(32)).decode()}
        ended, texts = self.search(self.start("run", job, *options, "--run-dir", run, **changed))
        if how != "literal":
            self.assertEqual(ended, 78, texts["stderr"])
            for name in (b"object.metadata", b"object.customer_key"):
                self.assertIn(name, texts["stderr"])
            self.assertNotIn(METADATA[::-1].encode(), texts["stderr"])
        server = self.serve("--faults", refusing)
        job, options = self.job_of(how, server.endpoint)
        self.command(1, "run", job, *options, "-v", "--run-dir", self.dir / "out/failing", "--trace-http", self.dir / "out/trace")

    def test_what_a_store_says_again(self):
        """The whole request, in its error message."""
        self.each(self.what_a_store_says_again)

    def what_a_store_says_again(self, how):
        store = EchoStore(400, "InvalidArgument")
        self.addCleanup(store.close)
        job, options = self.job_of(how, store.endpoint)
        self.command(1, "run", job, *options, "-v", "--run-dir", self.dir / "out/run", "--trace-http", self.dir / "out/trace")
        self.command(1, "check", job, *options, "--probe", "--trace-http", self.dir / "out/trace")

    def test_arguments_cannot_hold_them(self):
        job, _ = self.job_of("variable", "http://127.0.0.1:9")
        texts = self.values("literal")
        texts["credentials.session_token"] = "${NOT_SET:-" + TOKEN + "}"
        texts["credentials.secret_access_key"] = "${TOKEN:-" + SECRET_KEY + "}"  # recorded, although it is not used
        texts["object.customer_key"] = CUSTOMER_KEY + "$${"
        for name, value in texts.items():
            for command in (["run"], ["check"], ["rehearse"], ["plan", "--shards", "1", "--out", self.dir / "out/plan"]):
                with self.subTest(name=name, command=command[0]):
                    shown = self.command(78, *command, job, "--set", f"{name}={value}")
                    self.assertIn(f"--set {name}: ".encode(), shown["stderr"])
                    self.assertIn(b"write the name of a variable as", shown["stderr"])
        # No password, no secret.
        self.assertIn(b"http://127.0.0.1:9", self.command(0, "check", job, "--set", "destination.proxy=http://127.0.0.1:9")["stdout"])

    def test_mistakes_are_told_without_the_value(self):
        job, _ = self.job_of("variable", "http://127.0.0.1:9")
        secret = self.ENVIRONMENT["SECRET_KEY"]
        mistakes = [  # a secret in the place of something else
            "destination.region=${SECRET_KEY}", "destination.bucket=${SECRET_KEY}", "destination.endpoint=${SECRET_KEY}",
            "destination.endpoint=http://u:${SECRET_KEY}@h", "destination.endpoint=http://h:${SECRET_KEY}", "destination.proxy=http://user:${SECRET_KEY}",
            "destination.proxy=${PROXY_PASSWORD}", "destination.proxy=ftp://user:${PROXY_PASSWORD}@h:1", "destination.endpoints=${SECRET_KEY}",
            "credentials.access_key_id=${SECRET_KEY}", "upload.concurrency=${SECRET_KEY}", "upload.part_size=${SECRET_KEY}", "retry.cap=${SECRET_KEY}",
            "integrity.checksum=${SECRET_KEY}", "object.posix=${SECRET_KEY}", "object.lock_until=${SECRET_KEY}", "object.encryption=${SECRET_KEY}",
            "object.customer_key=${SECRET_KEY}", "limits.on_failure=${SECRET_KEY}", "report.prices.put=${SECRET_KEY}"]
        for mistake in mistakes:
            with self.subTest(mistake):
                ended, texts = self.search(self.start("check", job, "--set", mistake, **self.ENVIRONMENT))
                self.assertNotEqual(ended, 0)
                self.assertIn(mistake.split("=")[0].split(".")[-1].encode(), texts["stderr"])
        for arguments in (["--set", f"credentials.secret_access_key:{secret}"], ["--set", f"credentials.secret_acces_key={secret}"],
                          ["--set", f"credential.secret_access_key={secret}"], ["--set", f"object.rules.9.customer_key={CUSTOMER_KEY}"],
                          [f"--sett=credentials.secret_access_key={secret}"]):
            with self.subTest(arguments):
                ended, texts = self.search(self.start("check", job, *arguments, **self.ENVIRONMENT))
                self.assertIn(ended, (64, 78))

    def test_a_proxy_of_the_environment(self):
        job = self.write("job.yaml", f"source: [{{path: {self.dir}/data}}]\ndestination: {{bucket: bucket, endpoint: 'http://store.invalid'}}\n"
                         "retry: {max_attempts: 2, base_delay: 1ms, cap: 2ms}\nlimits: {outage: 200ms}\n")
        refusing = EchoStore(407, "ProxyAuthenticationRequired")
        self.addCleanup(refusing.close)
        for host in (refusing.endpoint[7:], "127.0.0.1:1", "proxy.invalid:80", "a b:1", "[::1", "127.0.0.1:99999"):
            for name in ("http_proxy", "ALL_PROXY"):
                with self.subTest(host=host, name=name):
                    environment = Canary.STATIC | {name: f"http://user:{PROXY_PASSWORD}@{host}"}
                    ended, texts = self.run_to_end("run", job, "-v", "--run-dir", self.dir / "out/run", "--trace-http", self.dir / "out/trace", **environment)
                    self.assertNotEqual(ended, 0, texts["stderr"])
        for scheme in ("http", "https", "socks5", "socks5h"):
            for host in ("127.0.0.1:1", "proxy.invalid:80"):
                with self.subTest(scheme=scheme, host=host):
                    proxy = f"{scheme}://user:${{PROXY_PASSWORD}}@{host}"
                    ended, texts = self.run_to_end("run", job, "-v", "--run-dir", self.dir / "out/run", "--trace-http", self.dir / "out/trace",
                                                   "--set", f"destination.proxy={proxy}", **Canary.STATIC, **self.ENVIRONMENT)
                    self.assertNotEqual(ended, 0, texts["stderr"])


if __name__ == "__main__":
    unittest.main()
