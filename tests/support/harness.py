"""Shared by the Python tests: the binary under test, job files, and the embedded endpoint as a process."""
import hashlib
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
S3FLOW = os.environ.get("S3FLOW", str(TOP / "build/release/s3flow"))
SANITIZE = os.environ.get("S3FLOW_SANITIZE", "")
TRANSPORT = os.environ.get("S3FLOW_TEST_TRANSPORT", "")  # libcurl or direct: upload.transport of the tests' jobs
KEY_ID, SECRET = "AKIDTEST", "secret-under-test+/="


def clean_environment(**extra):
    """Returns the environment without variables that give credentials, authorities or proxies, with `extra` added."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SSL_CERT_")) and "proxy" not in k.lower()}
    # The machine that runs the tests may have a metadata service.
    kept.update(HOME="/nonexistent", AWS_EC2_METADATA_DISABLED="true")
    kept.update(extra)
    return kept


def without_asan_banner(text):
    """Removes the line in which ASan says that it does not follow stack switches in full. Its findings stay."""
    return re.sub(r"==\d+==WARNING: ASan doesn't fully support makecontext.*\n", "", text)


def s3flow(*arguments, timeout=300, **environment):
    """Runs the binary to its end. The result has stdout and stderr as text."""
    ended = subprocess.run([S3FLOW, *map(str, arguments)], capture_output=True, text=True, errors="surrogateescape",
                           timeout=timeout, env=clean_environment(**environment), stdin=subprocess.DEVNULL)
    ended.stderr = without_asan_banner(ended.stderr)
    return ended


def with_transport(sections):
    """Returns the sections of a job with the transport that S3FLOW_TEST_TRANSPORT names, if it names one."""
    if not TRANSPORT or "transport:" in sections:
        return sections
    changed, count = re.subn(r"(?m)^upload: \{", f"upload: {{transport: {TRANSPORT}, ", sections)
    return changed if count else f"{sections}\nupload: {{transport: {TRANSPORT}}}\n"


def seeded_random():
    """Returns a generator whose seed it prints. S3FLOW_TEST_SEED sets the seed, to repeat a run."""
    seed = int(os.environ.get("S3FLOW_TEST_SEED", random.randrange(2**32)))
    print(f"S3FLOW_TEST_SEED={seed}")
    return random.Random(seed)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read_records(run_dir):
    return [json.loads(line) for line in (pathlib.Path(run_dir) / "journal.jsonl").read_text().splitlines()]


def read_journal(run_dir):
    """Returns the result records of a run's journal."""
    return [record for record in read_records(run_dir) if record["record"] == "result"]


def make_certificates(directory, names="DNS:localhost,DNS:s3.localhost,DNS:*.s3.localhost,IP:127.0.0.1"):
    """Makes ca.crt, and server.crt with server.key for `names`, in `directory`."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=s3flow test CA", "-keyout", "ca.key", "-out", "ca.crt")
    openssl("req", *key, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    (directory / "san").write_text(f"subjectAltName={names}\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "san", "-out", "server.crt")


def pass_on(source, sink):
    """Sends what one socket receives through the other, until one of them ends."""
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Serve:
    """`s3flow serve` on a free port; a context manager. After its end, `stats` contains the endpoint's counts."""

    def __init__(self, directory, *arguments, buckets=("bucket",), key_id=KEY_ID, secret=SECRET):
        self.keys = {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret}
        self.command = [S3FLOW, "serve", str(directory), *map(str, arguments)]
        for bucket in buckets:
            self.command += ["--bucket", bucket]
        self.stats = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True, env=clean_environment(**self.keys))
        line = self.process.stdout.readline()
        self.endpoint = re.search(r"http://\S+:\d+", line).group()
        return self

    def kill(self):
        """Ends the endpoint at once, as when a machine goes down. There are no stats then."""
        self.process.kill()
        self.process.communicate()

    def __exit__(self, *exception):
        if self.process.returncode is not None:
            return False
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=60)
        self.stats = json.loads(out.splitlines()[-1])
        return False


class TestCase(unittest.TestCase):
    """A test case with a directory of its own in self.dir."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="s3flow-e2e-")
        self.addCleanup(holder.cleanup)
        self.dir = pathlib.Path(holder.name)

    def write(self, name, data=b""):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def job(self, endpoint, source="data", extra="", key_id=KEY_ID, secret=SECRET, bucket="bucket"):
        """Writes a job file for `endpoint`, without progress and with short delays, and returns its path."""
        return self.write("job.yaml", with_transport(f"""
source:
  - path: {self.dir / source}
destination:
  bucket: {bucket}
  endpoint: {endpoint}
credentials:
  access_key_id: {key_id}
  secret_access_key: {secret}
retry:
  base_delay: 5ms
  cap: 50ms
report:
  progress: none
  run_dir: {self.dir / "run"}
{extra}
"""))
