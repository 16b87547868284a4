"""Where requests go: one name with many addresses, and responses that redirect to another host."""
import http.server
import os
import socket
import ssl
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, SECRET, Serve, TestCase, clean_environment, make_certificates, pass_on, s3flow
from support.listener import Listener


class Forwarder(Listener):
    """Forwards connections to a server, and counts them."""

    def __init__(self, host, port, target):
        self.target = target
        super().__init__(self.tunnel, host, port, parallel=True)

    def tunnel(self, client):
        with socket.create_connection(self.target) as server:
            back = threading.Thread(target=pass_on, args=(server, client))
            back.start()
            pass_on(client, server)
            back.join()


class ManyAddresses(TestCase):
    def test_connections_are_spread_over_all_addresses(self):
        for i in range(600):
            self.write(f"data/{i}", b"x" * i)
        with Serve(self.dir / "store") as serve:
            port = int(serve.endpoint.rsplit(":", 1)[1])
            # A port that is free on the first address is also free on the others.
            forwarders = [Forwarder("127.0.0.1", 0, ("127.0.0.1", port))]
            shared = forwarders[0].port
            forwarders += [Forwarder(f"127.0.0.{i}", shared, ("127.0.0.1", port)) for i in (2, 3)]
            for forwarder in forwarders:
                self.addCleanup(forwarder.close)
            hosts = self.write("hosts", "".join(f"127.0.0.{i} store.test\n" for i in (1, 2, 3)))
            job = self.job(f"http://store.test:{shared}", extra="upload: {concurrency: 32}")
            # A hosts file that only this process sees.
            command = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c",
                       'mount --bind "$0" /etc/hosts && exec "$@"', hosts, S3FLOW, "run", job]
            ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, env=clean_environment())
            self.assertEqual(ended.returncode, 0, ended.stderr)
        connections = [forwarder.connections for forwarder in forwarders]
        self.assertTrue(all(connections), connections)
        self.assertLessEqual(sum(connections), 40, "connections must be reused")
        self.assertEqual(serve.stats["requests"]["PutObject"], 600)


class Redirector:
    """Responds to each request with the result of `answer`, and counts the requests."""

    def __init__(self, answer, tls=None):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler(answer))
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / "server.crt", tls / "server.key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.endpoint = f"http{'s' if tls is not None else ''}://127.0.0.1:{self.server.server_port}"
        self.requests = 0
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def handler(redirector, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                redirector.requests += 1
                status, headers, body = answer(redirector)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        return Handler

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Elsewhere(Listener):
    """A host that must not get requests. Counts its connections."""

    def __init__(self):
        super().__init__(lambda _: None)
        self.host, self.url = self.address, f"http://{self.address}"


class Redirects(TestCase):
    def run_redirected(self, status, code, details="", region=None, tls=None):
        """Runs against a store that redirects to another host. Returns the ended run and the store."""
        elsewhere = Elsewhere()
        body = f"<Error><Code>{code}</Code><Message>Go elsewhere.</Message><Endpoint>{elsewhere.host}</Endpoint>{details}</Error>".encode()
        headers = {"Location": f"{elsewhere.url}/bucket/file"} | ({"x-amz-bucket-region": region} if region else {})
        store = Redirector(lambda _: (status, headers, body), tls)
        self.addCleanup(store.close)
        self.write("data/file", b"body")
        trust = ["--set", f"destination.ca_file={tls / 'ca.crt'}"] if tls else []
        ended = s3flow("run", self.job(store.endpoint), "--run-dir", self.dir / elsewhere.host, *trust)
        elsewhere.close()
        self.assertEqual(elsewhere.connections, 0, "the other host got a connection")
        self.assertNotEqual(ended.returncode, 0)
        self.assertNotIn(SECRET, ended.stderr + ended.stdout)
        return ended, store

    def test_a_redirect_to_another_host_is_not_followed(self):
        for status, code in ((301, "PermanentRedirect"), (302, "Found"), (307, "TemporaryRedirect"), (308, "PermanentRedirect")):
            ended, store = self.run_redirected(status, code)
            self.assertEqual(store.requests, 1, "the request was sent again")
            self.assertIn("Go elsewhere.", ended.stderr)

    def test_a_redirect_from_https_to_http_is_not_followed(self):
        tls = self.dir / "tls"
        tls.mkdir()
        make_certificates(tls)
        _, store = self.run_redirected(307, "TemporaryRedirect", tls=tls)
        self.assertEqual(store.requests, 1)

    def test_a_redirect_with_a_region_is_retried_once_at_the_same_host(self):
        for details, region in (("<Region>eu-west-3</Region>", None), ("", "eu-west-3")):
            ended, store = self.run_redirected(301, "PermanentRedirect", details, region)
            self.assertEqual(store.requests, 2)
            self.assertIn("eu-west-3", ended.stderr)

    def test_a_loop_of_regions_ends_after_one_correction(self):
        def another(store):
            region = f"region-{store.requests}"
            return 400, {"x-amz-bucket-region": region}, f"<Error><Code>AuthorizationHeaderMalformed</Code><Region>{region}</Region></Error>".encode()
        store = Redirector(another)
        self.addCleanup(store.close)
        self.write("data/file", b"body")
        ended = s3flow("run", self.job(store.endpoint))
        self.assertNotEqual(ended.returncode, 0)
        self.assertEqual(store.requests, 2)


if __name__ == "__main__":
    unittest.main()
