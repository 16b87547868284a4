"""Secrets never leak. The tests use secrets that occur nowhere else, and look for them in everything that s3flow
writes, shows or passes on, with the trace on, and for every way in which a run can end."""
import json
import os
import pathlib
import signal
import stat
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.canary import CONTAINER_TOKEN, CUSTOMER_KEY, CanaryCase, METADATA, PROXY_PASSWORD, SECRET_KEY, TOKEN, WEB_TOKEN
from support.harness import SANITIZE


class Canary(CanaryCase):
    def test_responses_of_all_kinds_leak_nothing(self):
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
                # The store really got the secrets, so they could have leaked.
                self.assertIn(TOKEN, store.seen[0])
                self.assertIn(CUSTOMER_KEY, store.seen[0])
                self.assertIn(METADATA, store.seen[0])
                trace = texts[f"{self.dir}/out/trace"]
                self.assertIn(b"x-amz-security-token: (redacted)", trace)
                self.assertIn(f"HTTP {status} after".encode(), trace)
                self.assertNotIn(METADATA.encode(), trace)
                if code == "InvalidArgument":
                    self.assertEqual(texts[f"{self.dir}/out/run/journal.jsonl"].count(b": (redacted) "), 3, "the store repeated nothing")
        print(f"\nsearched: {self.counts}")

    def test_multipart_uploads_and_streamed_chunks_leak_nothing(self):
        self.write("data/large", os.urandom(12 << 20))
        for extra in ("upload: {part_size: 5MiB, multipart_threshold: 5MiB}", "integrity: {payload: streaming, checksum: crc32c, checksum_as: trailer}"):
            self.run_to_end("run", self.job_for(self.store(500, "InternalError").endpoint, extra), **self.STATIC)

    def test_check_shows_and_refuses_without_secrets(self):
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

    def test_a_proxy_that_refuses_leaks_nothing(self):
        refusing = self.store(407, "ProxyAuthenticationRequired")
        proxy = f", proxy: 'http://user:{PROXY_PASSWORD}@{refusing.endpoint[7:]}'"
        ended, texts = self.run_to_end("run", self.job_for("https://store.invalid", proxy=proxy), **self.STATIC)
        self.assertNotEqual(ended, 0)

    def test_arguments_with_literal_secrets_are_refused(self):
        ended, texts = self.run_to_end("run", self.job_for("http://127.0.0.1:9"), "--set", f"credentials.secret_access_key={SECRET_KEY}")
        self.assertEqual(ended, 78)

    def test_credential_providers_that_fail_leak_nothing(self):
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
            path.chmod(0o644)  # s3flow warns about this mode
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

    def test_a_crash_leaves_no_core_dump(self):
        store = self.store(200)
        # The run waits for this FIFO forever, with all secrets in memory.
        os.mkfifo(self.dir / "fifo")
        job = self.write("job.yaml", self.job_for(store.endpoint).read_text().replace(
            f"[{{path: {self.dir}/data}}]", f"[{{path: {self.dir}/data}}, {{path: {self.dir}/fifo, stream: true}}]"))
        for death in (signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT):
            process = self.start("run", job, **self.STATIC)
            while not store.seen:
                self.assertIsNone(process.poll(), "the run ended before the crash")
            limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
            self.assertRegex(limits, r"Max core file size +1 +1 ")
            store.seen.clear()
            process.send_signal(death)
            ended, texts = self.finish(process)
            if not SANITIZE:
                self.assertEqual(ended, -death)
            self.assertEqual(list((self.dir / "cwd").iterdir()), [], "there is a core dump")

    def test_only_the_owner_can_read_the_trace(self):
        store = self.store(200)
        process = self.start("run", self.job_for(store.endpoint), **self.STATIC)
        process.wait(timeout=60)
        self.assertEqual(stat.S_IMODE((self.dir / "out/trace").stat().st_mode), 0o600)
        self.finish(process)


if __name__ == "__main__":
    unittest.main()
