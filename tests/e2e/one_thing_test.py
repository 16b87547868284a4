"""A problem that concerns all inputs is reported once and uses up no attempt. A problem of one input makes that input
fail."""
import json
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, Serve, TestCase, clean_environment, make_certificates, read_journal, s3flow, without_asan_banner
from support.listener import Listener
from support.store_client import s3_client

FILES = 100
GO = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
NGINX = ("HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 61\r\nConnection: close\r\n\r\n"
         "<center>The plain HTTP request was sent to HTTPS port</center>")[:-1]
ALERT = b"\x15\x03\x01\x00\x02\x02\x46"


def answers(data):
    data = data if isinstance(data, bytes) else data.encode()

    def serve(connection):
        connection.recv(65536)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    return serve


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class OneThing(TestCase):
    def files(self, count=FILES):
        for i in range(count):
            self.write(f"data/{i:05}", b"content %d" % i)

    def start(self, job):
        process = subprocess.Popen([S3FLOW, "run", str(job)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=clean_environment())
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def wait_for_line(self, process, text):
        line = process.stderr.readline()
        while text not in line:
            self.assertNotEqual(line, "", f"s3flow never printed: {text}")
            line = process.stderr.readline()
        return line

    def wait_for_result(self, process, journals):
        while not any(b'"record":"result"' in journal.read_bytes() for journal in self.dir.glob(journals)):
            self.assertIsNone(process.poll())
            select.select([], [], [], 0.01)

    def summary(self):
        return json.loads((self.dir / "run/summary.json").read_text())

    def failures(self):
        return [line for line in read_journal(self.dir / "run") if line["outcome"] == "failed"]

    def stored(self, server, bucket="bucket"):
        client = s3_client(server.endpoint)
        self.addCleanup(client.close)
        keys = set()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            keys.update(item["Key"] for item in page.get("Contents", []))
        return keys

    def said(self, ended):
        """Returns the lines on stderr, without the note about a late first response, which a busy machine causes."""
        return [line for line in without_asan_banner(ended.stderr).splitlines() if "no answer from the store yet" not in line]

    def assert_waited_in_vain(self, ended, cause):
        """Checks that the problem was reported once, that no input failed, and that the run can be resumed."""
        err = without_asan_banner(ended.stderr)
        self.assertEqual(ended.returncode, 75, err)
        self.assertRegex(err, cause)
        self.assertLessEqual(err.count("the store does not answer"), 1, err)
        self.assertLessEqual(len(self.said(ended)), 4, err)
        self.assertEqual(self.failures(), [], err)
        self.assertEqual(self.summary()["retries"], 0, "an attempt was spent")

    def test_a_store_that_is_away_from_the_start_is_waited_for(self):
        self.files()
        outage = "limits: {outage: 1s, connect_timeout: 1s, stall_window: 300ms}"
        port = free_port()
        ended = s3flow("run", self.job(f"http://127.0.0.1:{port}", extra=outage))
        self.assert_waited_in_vain(ended, f"the store does not answer: .*{port}.*refused")
        self.assertIn("the store has not answered for 1 s", ended.stderr)
        with self.subTest("resumed"), Serve(self.dir / "store", "--port", port) as server:
            ended = s3flow("run", self.job(server.endpoint), "--resume")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual(len(self.stored(server)), FILES)

    def test_servers_without_a_useful_response_are_waited_for(self):
        cases = {"closes at once": lambda connection: None, "says nothing": lambda connection: connection.recv(1 << 20) and
                 select.select([], [], [connection], 5), "502": answers("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
                 "400 of its HTTP layer": answers("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")}
        self.files(40)
        for name, serve in cases.items():
            with self.subTest(name), Listener(serve, parallel=True) as server:
                subprocess.run(["rm", "-rf", self.dir / "run"], check=True)
                ended = s3flow("run", self.job(f"http://127.0.0.1:{server.port}",
                                               extra="limits: {outage: 500ms, stall_window: 300ms}"))
                self.assert_waited_in_vain(ended, "the store does not answer")
                self.assertGreater(server.connections, 1)

    def test_an_unknown_host_name_is_waited_for(self):
        self.files(40)
        ended = s3flow("run", self.job("http://s3flow-nobody.invalid:9", extra="limits: {outage: 500ms}"), timeout=200)
        self.assert_waited_in_vain(ended, "s3flow-nobody.invalid")

    def test_a_silent_server_is_reported(self):
        self.files(40)
        with Listener(lambda connection: select.select([], [], [connection], 60), parallel=True) as server:
            process = self.start(self.job(f"http://127.0.0.1:{server.port}"))
            self.wait_for_line(process, "no answer from the store yet")
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 75)

    def test_a_run_continues_when_the_store_appears(self):
        self.files(300)
        port = free_port()
        process = self.start(self.job(f"http://127.0.0.1:{port}"))
        self.wait_for_line(process, "the store does not answer")
        self.assertIsNone(process.poll())
        with Serve(self.dir / "store", "--port", port) as server:
            _, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, err)
            self.assertEqual(len(self.stored(server)), 300)
        self.assertIn("the store answers again", err)
        self.assertEqual({line["attempts"] for line in read_journal(self.dir / "run")}, {1})

    def test_another_protocol_ends_the_run_with_77(self):
        self.files()
        make_certificates(self.dir)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.dir / "server.crt", self.dir / "server.key")
        plain = answers("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        cases = {"https to an HTTP port": ("https", plain), "http to a TLS port of Go": ("http", answers(GO)),
                 "http to a TLS port of nginx": ("http", answers(NGINX)), "http to a TLS alert": ("http", answers(ALERT)),
                 "a certificate of nobody": ("https", lambda connection: tls.wrap_socket(connection, server_side=True).close())}
        for name, (scheme, serve) in cases.items():
            with self.subTest(name), Listener(serve, parallel=True) as server:
                subprocess.run(["rm", "-rf", self.dir / "run"], check=True)
                ended = s3flow("run", self.job(f"{scheme}://127.0.0.1:{server.port}"))
                self.assertEqual(ended.returncode, 77, ended.stderr)
                self.assertEqual(len(self.said(ended)), 1, ended.stderr)
                self.assertIn("first input: ", ended.stderr)
                self.assertIn("the store refuses this run", ended.stderr)
                self.assertGreater(server.connections, 0)

    def test_a_proxy_that_refuses_ends_the_run(self):
        self.files(40)
        for status, expected in ((403, 77), (407, 77), (503, 75)):
            with self.subTest(status), Listener(answers(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n"), parallel=True) as proxy:
                subprocess.run(["rm", "-rf", self.dir / "run"], check=True)
                job = self.job("http://store.invalid", extra="limits: {outage: 500ms}")
                ended = s3flow("run", job, "--set", f"destination.proxy=http://127.0.0.1:{proxy.port}")
                self.assertEqual(ended.returncode, expected, ended.stderr)
                self.assertIn(f"HTTP {status}", ended.stderr)
                self.assertGreater(proxy.connections, 0)

    def test_one_refused_key_fails_one_file(self):
        for code, status in (("SignatureDoesNotMatch", 403), ("NoSuchBucket", 404), ("PermanentRedirect", 301),
                             ("AccessDenied", 403), ("InvalidAccessKeyId", 403)):
            with self.subTest(code):
                subprocess.run(["rm", "-rf", self.dir / "run", self.dir / "store"], check=True)
                self.files()
                faults = self.write("faults.yaml", f"faults: [{{action: status, key: '00000', attempts: 1-9, status: {status}, code: {code}}}]")
                with Serve(self.dir / "store", "--faults", faults) as server:
                    job = self.job(server.endpoint)
                    first = s3flow("run", job)
                    self.assertEqual(first.returncode, 1, first.stderr)
                    again = s3flow("run", job, "--resume")
                    self.assertEqual(again.returncode, 1, again.stderr)
                    self.assertEqual(self.stored(server), {f"{i:05}" for i in range(1, FILES)})
                for ended in (first, again):
                    self.assertRegex(ended.stderr, r"failed  \S*00000")
                self.assertGreaterEqual(server.stats["faults_injected"], 2)

    def test_an_unknown_access_key_ends_the_run_with_one_message(self):
        self.files(500)
        with Serve(self.dir / "store") as server:
            for count in (500, 3):
                with self.subTest(count):
                    subprocess.run(["rm", "-rf", self.dir / "run", self.dir / "data"], check=True)
                    self.files(count)
                    ended = s3flow("run", self.job(server.endpoint, secret="wrong", extra="upload: {concurrency: 32}"))
                    self.assertEqual(ended.returncode, 77, ended.stderr)
                    self.assertEqual(len(self.said(ended)), 1, ended.stderr)
                    self.assertIn("first input: ", ended.stderr)
                    self.assertIn("the store refuses this run", ended.stderr)
                    self.assertLessEqual(len(self.failures()), 16 + 32)
            self.assertEqual(self.stored(server), set())

    def test_the_first_failure_of_each_kind_is_shown_with_its_file(self):
        self.files()
        faults = self.write("faults.yaml", """
faults:
  - {action: status, key: '000[0-4]?', attempts: 1-9, status: 400, code: InvalidTag}
  - {action: status, key: '00077', attempts: 1-9, status: 403, code: AccessDenied}
  - {action: status, key: '00088', attempts: 1-9, status: 400, code: KeyTooLongError}
""")
        with Serve(self.dir / "store", "--faults", faults) as server:
            ended = s3flow("run", self.job(server.endpoint))
        self.assertEqual(ended.returncode, 1, ended.stderr)
        for name in ("00077", "00088"):
            self.assertRegex(ended.stderr, rf"failed  \S*{name}")
        shown = len(re.findall(r"^\S+ failed ", ended.stderr, re.M))
        self.assertIn(f"and {52 - shown} more failures", ended.stderr)

    def test_a_full_store_is_reported_once_and_waited_for(self):
        for code, status in (("XMinioStorageFull", 507), ("QuotaExceeded", 403)):
            with self.subTest(code):
                subprocess.run(["rm", "-rf", self.dir / "run", self.dir / "store"], check=True)
                self.files()
                faults = self.write("faults.yaml", f"faults: [{{action: status, operation: PutObject, attempts: 1-9999, status: {status}, code: {code}}}]")
                with Serve(self.dir / "store", "--faults", faults) as server:
                    ended = s3flow("run", self.job(server.endpoint, extra="limits: {outage: 1s}\nupload: {concurrency: 16}"))
                self.assertEqual(ended.returncode, 75, ended.stderr)
                self.assertEqual(ended.stderr.count("the store is full"), 1, ended.stderr)
                self.assertIn("the store has been full for 1 s", ended.stderr)
                self.assertEqual((self.failures(), self.summary()["retries"]), ([], 0))
                self.assertLess(server.stats["requests"]["PutObject"], 16 + 10)

    def test_a_run_continues_when_the_store_has_room_again(self):
        self.files()
        faults = self.write("faults.yaml", "faults: [{action: status, operation: PutObject, attempts: 1, status: 507, code: XMinioStorageFull, key: '000[0-2]?'}]")
        with Serve(self.dir / "store", "--faults", faults) as server:
            ended = s3flow("run", self.job(server.endpoint, extra="upload: {concurrency: 30}"))
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual(len(self.stored(server)), FILES)
        self.assertGreater(server.stats["faults_injected"], 0)
        self.assertIn("the store has room again", ended.stderr)
        self.assertEqual({line["attempts"] for line in read_journal(self.dir / "run")}, {1})

    def test_rate_limits_hold_when_a_run_stops(self):
        self.files(1000)
        with Serve(self.dir / "store") as server:
            process = self.start(self.job(server.endpoint, extra="limits: {requests_per_second: 5}\nupload: {concurrency: 1000}"))
            self.wait_for_result(process, "run/journal.jsonl")
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 75)
            seconds = self.summary()["seconds"]
        self.assertLessEqual(server.stats["requests"]["PutObject"], 5 * seconds + 2)

    def test_a_400_of_the_http_layer_is_retried(self):
        self.files()
        lock, cut = threading.Lock(), []
        with Serve(self.dir / "store") as store:
            port = int(store.endpoint.rsplit(":", 1)[1])

            def serve(connection):
                with socket.create_connection(("127.0.0.1", port)) as upstream:
                    data = connection.recv(65536)
                    with lock:
                        answer_400 = len(cut) < 20 and data.startswith(b"PUT")
                        if answer_400:
                            cut.append(1)
                    if answer_400:
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                        return
                    upstream.sendall(data)
                    while data:
                        for ready in select.select([connection, upstream], [], [])[0]:
                            data = ready.recv(65536)
                            (upstream if ready is connection else connection).sendall(data)
                            if not data:
                                break

            with Listener(serve, parallel=True) as server:
                ended = s3flow("run", self.job(f"http://127.0.0.1:{server.port}"))
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual(len(self.stored(store)), FILES)
        self.assertEqual(len(cut), 20)

    def test_the_resume_hint_of_a_stopped_shard_works(self):
        self.files(400)
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint, extra="limits: {requests_per_second: 20}")
            text = job.read_text()
            job.write_text(re.sub(r"\n  run_dir: .*", "", text))
            command = [S3FLOW, "run", str(job), "--shard", "1/2"]
            def run(command):
                return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.dir, env=clean_environment())
            process = run(command)
            self.wait_for_result(process, "s3flow-runs/*/shards/*/journal.jsonl")
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 75, err)
            hint = re.search(r"to resume: s3flow run .* --shard 1/2 (--run-dir \S+)", out).group(1)
            out, err = run(command + hint.split() + ["--set", "limits.requests_per_second=0"]).communicate(timeout=60)
            self.assertIn("done by earlier sessions", out, err)
            self.assertEqual(len(list(self.dir.glob("s3flow-runs/*"))), 1)

    def test_the_resume_hint_of_a_stopped_shard_of_a_plan_works(self):
        self.files(400)
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint, extra="limits: {requests_per_second: 20}")
            planned = s3flow("plan", job, "--shards", "2", "--out", self.dir / "plan")
            self.assertEqual(planned.returncode, 0, planned.stderr)
            command = [S3FLOW, "run", "--plan", str(self.dir / "plan"), "--shard", "1/2"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment())
            self.wait_for_result(process, "plan/shards/*/journal.jsonl")
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 75, err)
            self.assertIn(f"to resume: s3flow run --plan {self.dir / 'plan'} --shard 1/2\n", out)

    def test_interactive_commands_give_up_on_a_store_after_3_s(self):
        self.files(3)
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint)
            self.assertEqual(s3flow("run", job).returncode, 0)
        for command in (["check", job, "--probe"], ["run", job, "--dry-run", "--set", "resume.skip=size_mtime", "--run-dir", self.dir / "other"]):
            with self.subTest(command[0]):
                ended = s3flow(*command, timeout=100)
                self.assertEqual(ended.returncode, 75, ended.stderr)
                self.assertIn("the store has not answered for 3 s", ended.stderr)


if __name__ == "__main__":
    unittest.main()
