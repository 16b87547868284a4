"""The servers that receive the uploads: nginx, the faster one, or the embedded endpoint, which can respond
late and refuse requests above a rate."""
import os
import pathlib
import signal
import socket
import subprocess
import time

import memory

HERE = pathlib.Path(__file__).resolve().parent
ENVIRONMENT = {**memory.ENVIRONMENT, "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}


def cpu_of(pids):
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Nginx:
    def __init__(self, scratch, row):
        self.scratch = scratch
        self.tls = row["tls"]
        ports = {"PORT": free_port(), "TLS_PORT": free_port()}
        self.port = ports["PORT"]
        self.url = f"https://127.0.0.1:{ports['TLS_PORT']}" if row["tls"] else f"http://127.0.0.1:{ports['PORT']}"
        (scratch / "body").mkdir(exist_ok=True)
        os.chmod(scratch, 0o755)
        os.chmod(scratch / "body", 0o777)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", scratch / "key.pem",
                        "-out", scratch / "cert.pem"], check=True, capture_output=True)
        os.environ["BENCH_CA"] = str(scratch / "cert.pem")
        text = (HERE / "nginx.conf.in").read_text()
        for name, value in {**ports, "DIR": scratch, "WORKERS": row["sink_workers"]}.items():
            text = text.replace(f"@{name}@", str(value))
        (scratch / "nginx.conf").write_text(text)

    def __enter__(self):
        # glibc keeps the memory of large bodies, so that nginx does not fault it in again for each of them.
        keep = {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=2147483648:glibc.malloc.trim_threshold=17179869184"}
        self.process = subprocess.Popen(["nginx", "-c", self.scratch / "nginx.conf"], env={**os.environ, **keep},
                                        stderr=open(self.scratch / "nginx.log", "w"))
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("nginx did not start: " + (self.scratch / "nginx.log").read_text())

    def __exit__(self, *exception):
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait()

    def cpu_s(self):
        """Returns the CPU seconds of all its processes so far."""
        pids = [self.process.pid, *map(int, pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split())]
        return cpu_of(pids)


class Endpoint(memory.Endpoint):
    def __init__(self, scratch, row, *more):
        latency = [] if row["latency"] == "0ms" else ["--latency", row["latency"]]
        jitter = ["--jitter", str(row["jitter"])] if row["jitter"] else []
        super().__init__(scratch / "nothing", "--discard", *latency, *jitter, *row["serve"], *more)
        self.port = int(self.url.rsplit(":", 1)[1])

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def cpu_s(self):
        return cpu_of([self.process.pid])


ALL = {"nginx": Nginx, "endpoint": Endpoint}
