"""Secrets that occur nowhere else, a store that repeats what it receives, and a test case that searches all output for them."""
import base64
import http.server
import json
import os
import resource
import subprocess
import threading

from support.harness import S3FLOW, TestCase, clean_environment

SECRET_KEY = "CANARYsecretKEYcanary+/key0123456789canary"
TOKEN = "CANARYsessionTOKENcanary/token+0123456789=="
CUSTOMER_KEY = base64.b64encode(b"CANARYcustomerKEYcanary012345678").decode()
PROXY_PASSWORD = "CANARYproxyPASSWORD0123456789"
METADATA = "CANARYmetadataVALUE0123456789"
WEB_TOKEN = "CANARYwebIDENTITYtoken0123456789"
CONTAINER_TOKEN = "CANARYcontainerTOKEN0123456789"
CANARIES = [SECRET_KEY, TOKEN, CUSTOMER_KEY, PROXY_PASSWORD, WEB_TOKEN, CONTAINER_TOKEN]


def forms(secret):
    """Returns the secret's halves as they are and in several encodings, because half a secret must not leak either."""
    text = secret.encode()
    begin, end = text[:len(text) // 2], text[len(text) // 2:]
    return {begin, end, base64.b64encode(begin)[:-4], begin.hex().encode(), json.dumps(begin.decode()).encode()[1:-1]}


class EchoStore:
    """A store that accepts every request, or responds with an error that repeats all headers and the body."""

    def __init__(self, status=200, code="", text=None):
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                # Secret headers come first, since only the beginning of a message is shown.
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
                    pass  # the client may close the connection early

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
        # Asks for core dumps: s3flow must refuse them for itself and its children.
        limits = lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        return subprocess.Popen([S3FLOW, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.dir / "cwd",
                                env=environment, preexec_fn=limits if os.geteuid() == 0 else None)

    def search(self, process):
        """Waits for the process, and checks that nothing that it printed or wrote contains a secret."""
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
        """Searches the output, and removes it."""
        try:
            return self.search(process)
        finally:
            subprocess.run(["rm", "-rf", self.dir / "out"], check=True)

    def run_to_end(self, *arguments, **environment):
        return self.finish(self.start(*arguments, **environment))

    exempt = frozenset()  # files that contain a secret because the user wrote it there
    STATIC = {"AWS_ACCESS_KEY_ID": "AKIDCANARY", "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_SESSION_TOKEN": TOKEN}
