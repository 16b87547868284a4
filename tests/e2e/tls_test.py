"""TLS: a server whose certificate does not verify sees no byte of any request, and is not tried again."""
import socket
import ssl
import sys
import threading
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import TestCase, make_certificates, s3flow


class TlsServer:
    """Takes connections until closed; keeps what came out of the TLS layer."""

    def __init__(self, directory):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(directory / "server.crt", directory / "server.key")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self.received, self.connections = b"", 0
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                with connection, self.context.wrap_socket(connection, server_side=True) as tls:
                    self.received += tls.recv(65536)
                    tls.sendall(b"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


class Tls(TestCase):
    def run_against(self, names, ca):
        tls = self.dir / "tls"
        tls.mkdir()
        make_certificates(tls, names)
        server = TlsServer(tls)
        self.addCleanup(server.close)
        self.write("data/file", b"body")
        ended = s3flow("run", self.job(server.endpoint), "--set", f"destination.ca_file={tls / ca if ca else ''}")
        return ended, server

    def expect_refusal(self, ended, server):
        self.assertEqual(ended.returncode, 77, ended.stderr)
        self.assertIn("certificate", ended.stderr.lower())
        self.assertEqual(server.received, b"")
        self.assertEqual(server.connections, 1, "tried again")

    def test_an_unknown_authority(self):
        self.expect_refusal(*self.run_against("IP:127.0.0.1", ca=None))

    def test_another_name(self):
        ended, server = self.run_against("DNS:elsewhere.example", ca="ca.crt")
        self.assertEqual((ended.returncode, server.received, server.connections), (77, b"", 1), ended.stderr)

    def test_a_certificate_that_verifies(self):
        ended, server = self.run_against("IP:127.0.0.1", ca="ca.crt")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertTrue(server.received.startswith(b"PUT /bucket/file HTTP/1.1\r\n"), server.received)


if __name__ == "__main__":
    unittest.main()
