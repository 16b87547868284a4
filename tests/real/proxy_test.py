"""Uploads to Ceph through a real forward proxy, tinyproxy, that makes tunnels to few ports only, as proxies do."""
import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from real.ceph import CephCase
from real.rgw import free_ports
from support.harness import pass_on, s3flow, sha256
from support.listener import Listener

USER, PASSWORD = "proxyuser", "proxypassword"
WITH_USER = USER + ":${PASSWORD}@"
CONFIG = """
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 100
LogLevel Error
ConnectPort 443
ConnectPort {tls_port}
"""


class Tinyproxy:
    """A tinyproxy that makes tunnels (CONNECT) to the ports 443 and `tls_port` only. A context manager."""

    def __init__(self, directory, tls_port, more=""):
        self.port, = free_ports(1)
        self.config = directory / f"tinyproxy-{self.port}.conf"
        self.config.write_text(CONFIG.format(port=self.port, tls_port=tls_port) + more)

    def __enter__(self):
        self.process = subprocess.Popen(["tinyproxy", "-d", "-c", str(self.config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return self
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("tinyproxy does not listen")

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait(timeout=30)


class Recorder(Listener):
    """Forwards connections to a port of this machine, and keeps what the client sent over each connection."""

    def __init__(self, port):
        self.port_of_server, self.sent = port, []
        super().__init__(self.carry, parallel=True)
        self.url = self.address

    def carry(self, client):
        sent = bytearray()
        self.sent.append(sent)
        with socket.create_connection(("127.0.0.1", self.port_of_server)) as server:
            back = threading.Thread(target=self.carry_back, args=(server, client))
            back.start()
            try:
                while data := client.recv(1 << 16):
                    sent += data
                    server.sendall(data)
                server.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            back.join()

    def carry_back(self, server, client):
        pass_on(server, client)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)  # also when the proxy resets the connection


class ProxyTest(CephCase):
    def setUp(self):
        super().setUp()
        self.runs = 0
        self.tls_port = int(self.rgw.tls_endpoint.rsplit(":", 1)[1])
        self.written = {f"{i}": sha256(self.write(f"data/{i}", b"%d" % i * 1000).read_bytes()) for i in range(40)}
        self.written["medium"] = sha256(self.write("data/medium", b"medium" * 100_000).read_bytes())
        self.written["large"] = self.write_large("data/large", 12 << 20)

    def proxy(self, more=""):
        """Starts a proxy with a recorder in front of it. Returns the recorder."""
        proxy = self.enterContext(Tinyproxy(self.dir, self.tls_port, more))
        recorder = Recorder(proxy.port)
        self.addCleanup(recorder.close)
        return recorder

    def upload(self, bucket, recorder, endpoint, user="", transport="auto"):
        self.runs += 1
        job = self.rgw_job(bucket, endpoint, "upload: {concurrency: 16, part_size: 5MiB, multipart_threshold: 5MiB, transport: " + transport + "}")
        return s3flow("run", job, "--run-dir", self.dir / f"run{self.runs}", "--set", f"destination.proxy=http://{user}{recorder.url}",
                      "--set", f"destination.ca_file={self.rgw.ca_file if endpoint == self.rgw.tls_endpoint else ''}", PASSWORD=PASSWORD)

    def arrives(self, bucket, recorder, endpoint, user="", transport="auto"):
        """Uploads, and compares the objects. auto must choose libcurl."""
        self.s3.create_bucket(Bucket=bucket)
        ended = self.upload(bucket, recorder, endpoint, user, transport)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(self.stored(bucket), self.written)
        self.no_uploads_are_left(bucket)
        self.assertEqual(json.loads((self.dir / f"run{self.runs}/summary.json").read_text())["transport"],
                         "libcurl" if transport == "auto" else transport)

    def is_refused(self, ended, status):
        self.assertEqual(ended.returncode, 77, ended.stderr)
        self.assertIn(f"HTTP {status}", ended.stderr)
        said = [line for line in ended.stderr.splitlines() if line.startswith("s3flow: ")]
        self.assertEqual(len(said), 1, ended.stderr)
        self.assertNotIn(PASSWORD, ended.stderr)

    def tunnels_tell_nothing(self, recorder, proxy_user):
        """Checks that each connection began with CONNECT, and showed nothing of S3 to the proxy."""
        self.assertTrue(recorder.sent)
        for sent in recorder.sent:
            head = bytes(sent).split(b"\r\n\r\n")[0].lower()
            self.assertTrue(head.startswith(b"connect 127.0.0.1:%d http/1.1\r\n" % self.tls_port), head)
            self.assertNotIn(b"\r\nauthorization:", head)
            self.assertEqual(b"\r\nproxy-authorization: basic " in head, proxy_user)
            for text in (b"AWS4", b"x-amz-", b"PUT "):
                self.assertNotIn(text, sent)

    def test_requests_to_an_http_endpoint_are_forwarded(self):
        recorder = self.proxy()
        self.arrives("forwarded", recorder, self.rgw.endpoint)
        self.assertTrue(all(bytes(sent).split(b" ")[1].startswith(self.rgw.endpoint.encode()) for sent in recorder.sent if sent))
        # direct needs a tunnel, and this proxy makes none to that port.
        self.is_refused(self.upload("forwarded", recorder, self.rgw.endpoint, transport="direct"), 403)

    def test_requests_to_an_https_endpoint_go_through_a_tunnel(self):
        for transport in ("direct", "libcurl"):
            recorder = self.proxy()
            self.arrives(f"tunnelled-{transport}", recorder, self.rgw.tls_endpoint, transport=transport)
            self.tunnels_tell_nothing(recorder, proxy_user=False)

    def test_the_proxy_gets_a_user_and_a_password(self):
        recorder = self.proxy(f"BasicAuth {USER} {PASSWORD}\n")
        self.arrives("user-http", recorder, self.rgw.endpoint, user=WITH_USER)
        for transport in ("direct", "libcurl"):
            recorder = self.proxy(f"BasicAuth {USER} {PASSWORD}\n")
            self.arrives(f"user-{transport}", recorder, self.rgw.tls_endpoint, user=WITH_USER, transport=transport)
            self.tunnels_tell_nothing(recorder, proxy_user=True)

    def test_a_proxy_that_refuses_the_user_ends_the_run_with_one_message(self):
        recorder = self.proxy(f"BasicAuth {USER} another\n")
        for transport in ("direct", "libcurl"):
            for endpoint in (self.rgw.endpoint, self.rgw.tls_endpoint):
                for user in (WITH_USER, ""):
                    with self.subTest(transport=transport, endpoint=endpoint, user=user):
                        self.is_refused(self.upload("refused", recorder, endpoint, user=user, transport=transport), 401 if user else 407)

    def test_a_proxy_or_an_endpoint_that_is_away_stops_the_run(self):
        recorder = self.proxy()
        away, closed = free_ports(2)
        cases = [(recorder.url, f"http://127.0.0.1:{away}"), (f"127.0.0.1:{closed}", self.rgw.endpoint), (f"127.0.0.1:{closed}", f"http://127.0.0.1:{away}")]
        for proxy, endpoint in cases:
            for transport in ("direct", "libcurl"):
                with self.subTest(proxy=proxy, endpoint=endpoint, transport=transport):
                    self.runs += 1
                    job = self.rgw_job("away", endpoint, "upload: {transport: " + transport + "}\nlimits: {outage: 500ms}")
                    ended = s3flow("run", job, "--run-dir", self.dir / f"run{self.runs}", "--set", f"destination.proxy=http://{proxy}")
                    # This proxy answers 403 to a CONNECT to another port, so direct never reaches that endpoint.
                    refused = transport == "direct" and proxy == recorder.url
                    self.assertEqual(ended.returncode, 77 if refused else 75, ended.stderr)


if __name__ == "__main__":
    unittest.main()
