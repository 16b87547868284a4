"""TLS and proxies: a server that cannot prove that it is the store gets no byte of a request. A proxy learns only the
host of the connection."""
import base64
import os
import random
import select
import socket
import ssl
import subprocess
import sys
import unittest
import warnings

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, Serve, TestCase, clean_environment, make_certificates, s3flow, sha256
from support.listener import Listener


class TlsServer(Listener):
    """Accepts TLS connections until closed, and keeps the decrypted bytes."""

    def __init__(self, directory, wants_client_certificate=False, newest=ssl.TLSVersion.MAXIMUM_SUPPORTED):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(directory / "server.crt", directory / "server.key")
        if newest != ssl.TLSVersion.MAXIMUM_SUPPORTED:
            with warnings.catch_warnings(action="ignore"):
                self.context.minimum_version, self.context.maximum_version = ssl.TLSVersion.TLSv1, newest
            self.context.set_ciphers("ALL:@SECLEVEL=0")
        if wants_client_certificate:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(directory / "ca.crt")
        self.received = b""
        super().__init__(self.respond)
        self.endpoint = f"https://{self.address}"

    def respond(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as tls:
            self.receive(tls)
            tls.sendall(b"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def receive(self, tls):
        self.received += tls.recv(65536)


class SlowServer(TlsServer):
    """Reads whole requests so slowly that the sender must wait for buffer space again and again."""

    def __init__(self, directory):
        super().__init__(directory)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def receive(self, tls):
        while b"\r\n\r\n" not in self.received:
            received = tls.recv(512)
            if not received:
                return
            self.received += received
        if b"\r\nExpect:" in self.received:
            tls.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        head, _, body = self.received.partition(b"\r\n\r\n")
        self.body = bytearray(body)
        length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        while len(self.body) < length:
            received = tls.recv(min(5000, length - len(self.body)))
            if not received:
                return
            self.body += received


class Proxy(Listener):
    """Makes tunnels with CONNECT, and forwards the first request of a connection. Keeps the heads of the requests, and
    the bytes that went through."""

    def __init__(self, tls=None):
        """`tls`: a directory with a certificate; then clients talk to the proxy over TLS."""
        self.context = None
        if tls is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(tls / "server.crt", tls / "server.key")
        self.heads, self.carried = [], b""
        super().__init__(self.respond)

    def respond(self, connection):
        with self.context.wrap_socket(connection, server_side=True) if self.context else connection as client:
            self.tunnel(client)

    def tunnel(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            received = client.recv(65536)
            if not received:
                return
            head += received
        self.heads.append(head)
        is_tunnel = head.startswith(b"CONNECT ")
        target = head.split(b" ")[1]
        host, port = (target if is_tunnel else target.split(b"/")[2]).rsplit(b":", 1)
        with socket.create_connection((host.decode(), int(port))) as server:
            if is_tunnel:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(head.replace(b"http://" + host + b":" + port, b"", 1))
            while True:
                pending = self.context is not None and client.pending() > 0
                for ready in [client] if pending else select.select([client, server], [], [])[0]:
                    received = ready.recv(65536)
                    if not received:
                        return
                    if ready is client:
                        self.carried += received
                    (server if ready is client else client).sendall(received)


class Tls(TestCase):
    def setUp(self):
        super().setUp()
        self.tls = self.dir / "tls"
        self.tls.mkdir()
        self.write("data/file", b"body")
        self.runs = 0

    def serve(self, names="IP:127.0.0.1", **how):
        make_certificates(self.tls, names)
        server = TlsServer(self.tls, **how)
        self.addCleanup(server.close)
        return server

    def run_with(self, server, settings, **environment):
        changes = [part for name, value in settings.items()
                   for part in ("--set", f"{name if '.' in name else f'destination.{name}'}={value}")]
        self.runs += 1
        return s3flow("run", self.job(server.endpoint), "--run-dir", self.dir / f"run-{self.runs}", "--set", "limits.outage=1s", *changes, **environment)

    def run_against(self, names, ca):
        server = self.serve(names)
        return self.run_with(server, {"ca_file": self.tls / ca if ca else ""}), server

    def expect_refusal(self, ended, server):
        self.assertEqual(ended.returncode, 77, ended.stderr)
        self.assertIn("certificate", ended.stderr.lower())
        self.assertEqual(server.received, b"")
        self.assertEqual(server.connections, 1, "the connection was tried again")

    def test_a_certificate_of_an_unknown_authority_is_refused(self):
        self.expect_refusal(*self.run_against("IP:127.0.0.1", ca=None))

    def test_a_certificate_for_another_name_is_refused(self):
        ended, server = self.run_against("DNS:elsewhere.example", ca="ca.crt")
        self.assertEqual((ended.returncode, server.received, server.connections), (77, b"", 1), ended.stderr)

    def test_a_certificate_that_verifies_is_accepted(self):
        ended, server = self.run_against("IP:127.0.0.1", ca="ca.crt")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertTrue(server.received.startswith(b"PUT /bucket/file HTTP/1.1\r\n"), server.received)

    def test_a_slow_server_gets_a_large_body_whole(self):
        content = random.randbytes(12_345_678)  # more than the kernel buffers for a connection
        self.write("data/file", content)
        make_certificates(self.tls, "IP:127.0.0.1")
        server = SlowServer(self.tls)
        self.addCleanup(server.close)
        ended = self.run_with(server, {"ca_file": self.tls / "ca.crt"})
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(len(server.body), len(content))
        self.assertTrue(server.body == content)
        self.assertIn(b"x-amz-content-sha256: " + sha256(content).encode(), server.received)

    def test_a_directory_of_authorities_is_used(self):
        server = self.serve()
        authorities = self.dir / "authorities"
        authorities.mkdir()
        (authorities / "ours.pem").write_bytes((self.tls / "ca.crt").read_bytes())
        refused = self.run_with(server, {"ca_directory": authorities})
        self.assertEqual((refused.returncode, server.received), (77, b""), "without hash links the directory must not count")
        subprocess.run(["openssl", "rehash", authorities], check=True)
        ended = self.run_with(server, {"ca_directory": authorities})
        self.assertEqual(ended.returncode, 0, ended.stderr)

    def test_openssls_variables_name_authorities(self):
        make_certificates(self.tls, "IP:127.0.0.1")
        authorities = self.dir / "authorities"
        authorities.mkdir()
        (authorities / "ours.pem").write_bytes((self.tls / "ca.crt").read_bytes())
        subprocess.run(["openssl", "rehash", authorities], check=True)
        foreign = self.dir / "foreign"
        foreign.mkdir()
        make_certificates(foreign, "IP:127.0.0.1")
        own = str(self.tls / "ca.crt")
        other = self.dir / "other.crt"  # with another name, so that it stands beside the right authority
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other",
                        "-keyout", self.dir / "other.key", "-out", other], check=True, capture_output=True)
        for environment, settings, status in (({"SSL_CERT_FILE": own}, {}, 0), ({"SSL_CERT_DIR": f"{foreign}:{authorities}"}, {}, 0),
                                              ({"SSL_CERT_FILE": str(other), "SSL_CERT_DIR": str(authorities)}, {}, 0),
                                              ({"SSL_CERT_FILE": str(foreign / "ca.crt")}, {}, 77),
                                              ({"SSL_CERT_FILE": own, "AWS_CA_BUNDLE": str(foreign / "ca.crt")}, {}, 77),
                                              ({"SSL_CERT_FILE": own}, {"ca_file": foreign / "ca.crt"}, 77)):
            server = TlsServer(self.tls)
            self.addCleanup(server.close)
            ended = self.run_with(server, settings, **environment)
            self.assertEqual(ended.returncode, status, f"{environment} {settings}: {ended.stderr}")

    def test_a_client_certificate_is_sent(self):
        server = self.serve(wants_client_certificate=True)
        trust = {"ca_file": self.tls / "ca.crt"}
        refused = self.run_with(server, trust)
        self.assertIn(refused.returncode, (75, 77), refused.stderr)  # 75: a reset may arrive before the alert that gives the reason
        self.assertEqual(server.received, b"")
        ended = self.run_with(server, trust | {"client_certificate": self.tls / "server.crt", "client_key": self.tls / "server.key"})
        self.assertEqual(ended.returncode, 0, ended.stderr)

    def test_tls_before_1_2_is_refused(self):
        with warnings.catch_warnings(action="ignore"):
            server = self.serve(newest=ssl.TLSVersion.TLSv1_1)
        allow_all = self.write("openssl.cnf", "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
                               "[c]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n")
        ended = self.run_with(server, {"ca_file": self.tls / "ca.crt"}, OPENSSL_CONF=str(allow_all))
        self.assertNotEqual(ended.returncode, 0)
        self.assertEqual(server.received, b"")
        # curl, which accepts this version, gets a response. So s3flow refused the connection, not OpenSSL.
        curl = ["curl", "-s", "--tlsv1.0", "--cacert", self.tls / "ca.crt", f"{server.endpoint}/old"]
        subprocess.run([str(part) for part in curl], env=clean_environment(OPENSSL_CONF=str(allow_all)), check=True)
        self.assertIn(b"/old", server.received)

    def proxied(self, settings, **environment):
        """Runs over https and a proxy. Returns the heads of the requests that the proxy saw."""
        server, proxy = self.serve(), Proxy()
        self.addCleanup(proxy.close)
        settings = {name: value.replace("PROXY", proxy.address) for name, value in settings.items()}
        environment = {name: value.replace("PROXY", proxy.address) for name, value in environment.items()}
        ended = self.run_with(server, {"ca_file": self.tls / "ca.crt"} | settings, **environment)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertTrue(server.received.startswith(b"PUT /bucket/file HTTP/1.1\r\n"), server.received)
        self.assertIn(b"\r\nauthorization: AWS4", server.received.replace(b"Authorization", b"authorization"))
        for text in (b"PUT ", b"AWS4", KEY_ID.encode(), b"x-amz", b"body"):
            self.assertNotIn(text, b"".join(proxy.heads) + proxy.carried)
        return proxy.heads

    def test_a_proxy_sees_no_request_of_an_https_endpoint(self):
        for settings, environment in (({"proxy": "http://PROXY"}, {}), ({}, {"HTTPS_PROXY": "http://PROXY"}),
                                      ({"proxy": "http://PROXY"}, {"HTTPS_PROXY": "http://127.0.0.1:9"})):
            heads = self.proxied(settings, **environment)
            self.assertEqual(len(heads), 1)
            self.assertTrue(heads[0].startswith(b"CONNECT 127.0.0.1:"), heads[0])
            self.assertNotIn(b"authorization", heads[0].lower())

    def test_direct_tunnels_requests_to_an_http_endpoint_too(self):
        with Serve(self.dir / "store") as store:
            for through in ("set", "environment"):
                proxy = Proxy()
                self.addCleanup(proxy.close)
                address = f"http://{proxy.address}"
                settings, environment = ({"proxy": address}, {}) if through == "set" else ({}, {"http_proxy": address})
                ended = self.run_with(store, settings | {"upload.transport": "direct"}, **environment)
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertTrue(proxy.heads[0].startswith(b"CONNECT 127.0.0.1:"), proxy.heads)
                self.assertTrue(proxy.carried.startswith(b"PUT /bucket/file HTTP/1.1\r\n"), proxy.carried[:80])
                self.assertNotIn(b"authorization", proxy.heads[0].lower())

    def test_a_proxy_forwards_requests_to_an_http_endpoint(self):
        with Serve(self.dir / "store") as store:
            proxy = Proxy()
            self.addCleanup(proxy.close)
            ended = self.run_with(store, {"proxy": f"http://{proxy.address}"})
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertTrue(proxy.heads[0].startswith(f"PUT {store.endpoint}/bucket/file HTTP/1.1\r\n".encode()), proxy.heads)
            self.assertIn('"transport": "libcurl"', (self.dir / f"run-{self.runs}" / "summary.json").read_text())

    def test_a_proxy_gets_its_user_and_password(self):
        heads = self.proxied({"proxy": "http://user:${PASSWORD}@PROXY"}, PASSWORD="pass%20word")
        self.assertIn(b"\r\nProxy-Authorization: Basic " + base64.b64encode(b"user:pass word") + b"\r\n", heads[0])
        self.assertNotIn(b"\r\nAuthorization", heads[0])

    def run_trusting(self, server, settings):
        """Runs s3flow with the tests' authority in place of the system's authorities, which also verify https proxies.
        Only that process sees the replacement."""
        changes = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        self.runs += 1
        command = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c",
                   'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"', self.tls / "ca.crt", S3FLOW, "run",
                   self.job(server.endpoint), "--run-dir", self.dir / f"run-{self.runs}", "--set", "limits.outage=1s", *changes]
        return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, env=clean_environment())

    def test_an_https_proxy_is_used_by_both_transports(self):
        for transport in ("libcurl", "direct"):
            for i in range(20):
                # The server closes each connection after one response, so each file needs a connection of its own.
                self.write(f"data/file{i}", b"body")
            server = self.serve()
            proxy = Proxy(self.tls)
            self.addCleanup(proxy.close)
            settings = {"upload.transport": transport, "destination.proxy": f"https://{proxy.address}", "upload.concurrency": "1"}
            ended = self.run_trusting(server, settings | {"destination.ca_file": self.tls / "ca.crt"})
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertTrue(proxy.heads[0].startswith(b"CONNECT 127.0.0.1:"), proxy.heads[0])
            self.assertNotIn(b"AWS4", b"".join(proxy.heads) + proxy.carried)
            for i in range(20):
                # Leaves one file, because this proxy forwards only the first request of a connection.
                (self.dir / f"data/file{i}").unlink()
            with Serve(self.dir / f"store-{transport}") as store:
                ended = self.run_trusting(store, settings)
                self.assertEqual(ended.returncode, 0, ended.stderr)
            head = proxy.heads[-1]
            self.assertTrue(head.startswith(b"CONNECT " if transport == "direct" else b"PUT http://127.0.0.1:"), head)

    def test_an_https_proxy_of_an_unknown_authority_is_refused(self):
        self.serve()  # makes the certificate that the proxy also uses
        with Serve(self.dir / "store") as server:
            for transport in ("libcurl", "direct"):
                proxy = Proxy(self.tls)
                self.addCleanup(proxy.close)
                settings = {"proxy": f"https://{proxy.address}", "upload.transport": transport}
                ended = self.run_with(server, settings)
                self.assertEqual((ended.returncode, proxy.heads), (77, []), ended.stderr)
                self.assertIn("certificate", ended.stderr)
                ended = self.run_with(server, settings | {"ca_file": self.tls / "ca.crt"})
                self.assertEqual(ended.returncode, 0, ended.stderr)

    def test_check_says_which_transport_is_used_and_why(self):
        proxy = "http://127.0.0.1:8"
        for scheme, through, expected, why in (("http", "none", "direct", "no proxy is set"), ("http", proxy, "libcurl", "refuse a tunnel"),
                                               ("https", proxy, "direct", "a tunnel"), ("https", "http://user:${P}@127.0.0.1:8", "libcurl", "has a user")):
            ended = s3flow("check", self.job(f"{scheme}://127.0.0.1:9"), "--set", "upload.transport=auto", "--set", f"destination.proxy={through}", P="p")
            self.assertRegex(ended.stdout, rf"(?m)^# transport +{expected} +\(.*{why}.*; libcurl \d")

    def test_no_proxy_bypasses_the_proxy(self):
        for settings, environment in (({"proxy": "http://PROXY", "no_proxy": "127.0.0.1"}, {}),
                                      ({}, {"HTTPS_PROXY": "http://PROXY", "NO_PROXY": "127.0.0.1"}),
                                      ({"proxy": "none"}, {"HTTPS_PROXY": "http://PROXY"})):
            self.assertEqual(self.proxied(settings, **environment), [])


if __name__ == "__main__":
    unittest.main()
