"""Secrets never leak: all secrets at once, given in each possible way, with every command."""
import base64
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.canary import CUSTOMER_KEY, CanaryCase, EchoStore, METADATA, PROXY_PASSWORD, SECRET_KEY, TOKEN
from support.harness import Serve, pass_on, read_records
from support.listener import Listener


class Proxy(Listener):
    """A proxy that asks for a password, then makes a tunnel to any host, or forwards one request of the connection."""

    def __init__(self, password):
        self.expected = base64.b64encode(f"user:{password}".encode())
        self.tunnels = 0
        super().__init__(self.serve, parallel=True)

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(1 << 16)
            if not data:
                return
            head += data
        if self.expected not in head:
            return client.sendall(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
        method, target = head.split()[:2]
        is_tunnel = method == b"CONNECT"
        host, port = (target if is_tunnel else target.split(b"/")[2]).decode().rsplit(":", 1)
        self.tunnels += 1
        try:
            server = socket.create_connection((host, int(port)))
        except OSError:
            return client.sendall(b"HTTP/1.1 502 Nobody there\r\nContent-Length: 0\r\n\r\n")
        with server:
            if is_tunnel:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                server.sendall(self.forwarded(head, f"http://{host}:{port}"))
            threading.Thread(target=pass_on, args=(client, server), daemon=True).start()
            pass_on(server, client)

    def forwarded(self, request, origin):
        """Returns the request as a proxy forwards it: without Proxy-* headers, and with Connection: close."""
        head, body = request.split(b"\r\n\r\n", 1)
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"proxy-")]
        lines[0] = lines[0].replace(origin.encode(), b"", 1)
        return b"\r\n".join([*lines, b"Connection: close", b"", body])


class Matrix(CanaryCase):
    """All secrets at once, given in each possible way, with every command."""

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
        self.proxy = Proxy(PROXY_PASSWORD)
        self.addCleanup(self.proxy.close)

    def values(self, how):
        """Returns key -> text, as literals or as variables."""
        literal = how == "literal"
        values = {name: secret if literal else "${" + variable + "}" for (name, secret), variable in
                  zip(self.SECRETS.items(), ("SECRET_KEY", "TOKEN", "CUSTOMER_KEY", "RULE_KEY", "PROXY_PASSWORD"))}
        values["destination.proxy"] = f"http://user:{values['destination.proxy']}@{self.proxy.address}"
        # A literal property is no secret, and may be seen.
        for name, value in {} if literal else self.PROPERTIES.items():
            values[f"object.{name}"] = ("Bearer " if "Bearer" in name else "") + "${" + name.upper().replace(".", "_") + "}"
        return values

    def job_of(self, how, endpoint):
        """Returns the job file and the options that belong to it."""
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

    def test_check_run_clean_and_rehearse_leak_nothing(self):
        self.each(self.runs_and_their_relatives)

    def runs_and_their_relatives(self, how):
        server = self.serve()
        job, options = self.job_of(how, server.endpoint)
        out = self.dir / "out"
        check = self.command(0, "check", job, *options)["stdout"]
        self.assertIn(b"**redacted**", check)
        if how != "literal":
            self.assertIn(b"METADATA_OWNER", check, "the name of the variable must be shown")
        self.command(0, "check", job, *options, "--probe", "--trace-http", out / "trace-probe")
        self.command(0, "run", job, *options, "--dry-run", "--run-dir", out / "dry", "--trace-http", out / "trace-dry")
        run = self.command(0, "run", job, *options, "-v", "--run-dir", out / "run", "--trace-http", out / "trace")
        self.assertIn(b"3 found: 3 uploaded", run["stdout"])
        self.assertIn(b"x-amz-security-token: (redacted)", run[str(out / "trace")])
        self.command(0, "run", job, *options, "-v", "--resume", "--run-dir", out / "run")
        self.command(0, "clean", out / "run")
        self.command(0, "rehearse", job, *options, "-v", "--run-dir", out / "rehearsal", "--trace-http", out / "trace-rehearsal")
        self.assertGreater(self.proxy.tunnels, 0, "no connection went through the proxy")
        for path in out.glob("trace*"):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def test_plans_and_shards_leak_nothing(self):
        self.each(self.plans)

    def plans(self, how):
        server = self.serve()
        job, options = self.job_of(how, server.endpoint)
        plan = self.dir / "out/plan"
        if how == "literal":
            self.exempt = {plan / "job.yaml"}  # the copy of the job file
        self.command(0, "plan", job, *options, "--shards", "2", "--out", plan, "--trace-http", self.dir / "out/trace")
        for shard in range(2):
            self.command(0, "run", "--plan", plan, "--shard", f"{shard}/2", "-v", "--trace-http", self.dir / f"out/trace{shard}")
        self.command(0, "finish", plan, "--trace-http", self.dir / "out/trace-finish")
        self.command(0, "clean", plan)

    def test_interrupted_failing_and_cleaned_runs_leak_nothing(self):
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
        self.assertIn(b"1 multipart upload aborted", self.command(0, "clean", run)["stdout"])
        # With another value in the environment, it is another job. The message says so, but does not show the value.
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

    def test_a_store_that_repeats_the_request_leaks_nothing(self):
        """The error message of the store contains the whole request."""
        self.each(self.what_a_store_says_again)

    def what_a_store_says_again(self, how):
        store = EchoStore(400, "InvalidArgument")
        self.addCleanup(store.close)
        job, options = self.job_of(how, store.endpoint)
        self.command(1, "run", job, *options, "-v", "--run-dir", self.dir / "out/run", "--trace-http", self.dir / "out/trace")
        self.command(1, "check", job, *options, "--probe", "--trace-http", self.dir / "out/trace")

    def test_arguments_with_literal_secrets_are_refused(self):
        job, _ = self.job_of("variable", "http://127.0.0.1:9")
        texts = self.values("literal")
        texts["credentials.session_token"] = "${NOT_SET:-" + TOKEN + "}"
        texts["credentials.secret_access_key"] = "${TOKEN:-" + SECRET_KEY + "}"  # a default is recorded even if the variable is set
        texts["object.customer_key"] = CUSTOMER_KEY + "$${"
        for name, value in texts.items():
            for command in (["run"], ["check"], ["rehearse"], ["plan", "--shards", "1", "--out", self.dir / "out/plan"]):
                with self.subTest(name=name, command=command[0]):
                    shown = self.command(78, *command, job, "--set", f"{name}={value}")
                    self.assertIn(f"--set {name}: ".encode(), shown["stderr"])
                    self.assertIn(b"write the name of a variable as", shown["stderr"])
        # A proxy without a password is no secret.
        self.assertIn(b"http://127.0.0.1:9", self.command(0, "check", job, "--set", "destination.proxy=http://127.0.0.1:9")["stdout"])

    def test_messages_about_mistakes_do_not_quote_the_value(self):
        job, _ = self.job_of("variable", "http://127.0.0.1:9")
        secret = self.ENVIRONMENT["SECRET_KEY"]
        mistakes = [  # a secret given in place of another value
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

    def test_a_proxy_from_the_environment_leaks_nothing(self):
        job = self.write("job.yaml", f"source: [{{path: {self.dir}/data}}]\ndestination: {{bucket: bucket, endpoint: 'http://store.invalid'}}\n"
                         "retry: {max_attempts: 2, base_delay: 1ms, cap: 2ms}\nlimits: {outage: 200ms}\n")
        refusing = EchoStore(407, "ProxyAuthenticationRequired")
        self.addCleanup(refusing.close)
        for host in (refusing.endpoint[7:], "127.0.0.1:1", "proxy.invalid:80", "a b:1", "[::1", "127.0.0.1:99999"):
            for name in ("http_proxy", "ALL_PROXY"):
                with self.subTest(host=host, name=name):
                    environment = self.STATIC | {name: f"http://user:{PROXY_PASSWORD}@{host}"}
                    ended, texts = self.run_to_end("run", job, "-v", "--run-dir", self.dir / "out/run", "--trace-http", self.dir / "out/trace", **environment)
                    self.assertNotEqual(ended, 0, texts["stderr"])
        for scheme in ("http", "https", "socks5", "socks5h"):
            for host in ("127.0.0.1:1", "proxy.invalid:80"):
                with self.subTest(scheme=scheme, host=host):
                    proxy = f"{scheme}://user:${{PROXY_PASSWORD}}@{host}"
                    ended, texts = self.run_to_end("run", job, "-v", "--run-dir", self.dir / "out/run", "--trace-http", self.dir / "out/trace",
                                                   "--set", f"destination.proxy={proxy}", **self.STATIC, **self.ENVIRONMENT)
                    self.assertNotEqual(ended, 0, texts["stderr"])


if __name__ == "__main__":
    unittest.main()
