"""A temporary Ceph RADOS Gateway on loopback: one monitor, one OSD in memory, one gateway.

Needs root and Debian's radosgw, ceph-mon and ceph-osd. Everything is in one directory, and nothing is left behind. The
start takes about two seconds.
"""
import base64
import contextlib
import os
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid

from support.harness import make_certificates

KEY_ID, SECRET = "rgwtestkey00000000001", "rgwtestsecret000000000000000000000000001"

CONFIG = """
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon_port}
ms bind msgr1 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
# "secure", the gateway's default towards the monitor, needs cephx
ms mon client mode = crc
log file = {top}/log/$name.log
log to stderr = false
err to stderr = false
pid file = {top}/run/$name.pid
run dir = {top}/run
admin socket =
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
[mon]
mon data = {top}/mon
# a nearly full disk is no reason to stop
mon data avail crit = 0
paxos propose interval = 0.05
[osd]
osd data = {top}/osd
osd objectstore = memstore
memstore device bytes = 17179869184
[client.rgw.t]
rgw frontends = beast endpoint=127.0.0.1:{http} ssl_endpoint=127.0.0.1:{https} ssl_certificate={top}/tls/server.crt ssl_private_key={top}/tls/server.key
[client.rgw.t2]
# a second way to the same store, when a test starts it
rgw frontends = beast endpoint=127.0.0.1:{second}
[client]
rgw data = {top}/rgw
rgw thread pool size = 32
rgw dns name = s3.localhost
{sts}# SSE-KMS and SSE-C with keys of the tests, over plain HTTP, too
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = testkey-1={kms_key}
# frees deleted data after seconds, since it is in memory
rgw gc obj min wait = 2
rgw gc processor period = 2
rgw gc processor max time = 2
"""
# Allows temporary credentials of any lifetime. A gateway with this setting responds to a wrong secret with AccessDenied
# instead of SignatureDoesNotMatch.
STS = """rgw s3 auth use sts = true
rgw sts key = abcdefghijklmnop
rgw sts min session duration = 1
"""
STORAGE_CLASS = "STANDARD_IA"


def free_ports(count):
    """Returns ports that the kernel never gives to outgoing connections, because some of them are bound only minutes
    later."""
    first_outgoing = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found = []
    for port in random.sample(range(first_outgoing // 2, first_outgoing), first_outgoing // 2):
        with socket.socket() as each, contextlib.suppress(OSError):
            each.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("no port is free")


class Rgw:
    def __init__(self, sts=False):
        self.sts = sts
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="s3flow-rgw-"))
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self):
        for tool in ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool"):
            if not shutil.which(tool):
                raise RuntimeError(f"{tool} is missing: run tests/setup")
        http, https, second, mon_port = free_ports(4)
        for name in ("run", "log", "mon", "osd", "tls"):
            (self.top / name).mkdir()
        make_certificates(self.top / "tls")
        fsid = str(uuid.uuid4())
        (self.top / "ceph.conf").write_text(CONFIG.format(sts=STS if self.sts else "", top=self.top, fsid=fsid, mon_port=mon_port, http=http, https=https, second=second,
                                                             kms_key=base64.b64encode(b"%032d" % 1).decode()))
        self.endpoint, self.tls_endpoint = f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}"
        self.second_endpoint = f"http://127.0.0.1:{second}"
        self.ca_file = self.top / "tls/ca.crt"

        self.run("monmaptool", "--create", "--fsid", fsid, "--addv", "t", f"[v2:127.0.0.1:{mon_port}]", self.top / "monmap")
        self.run("ceph-mon", "-i", "t", "--mkfs", "--monmap", self.top / "monmap")
        self.run("ceph-mon", "-i", "t")
        osd = str(uuid.uuid4())
        self.run("ceph", "osd", "new", osd)
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self.run("ceph-osd", "-i", "0")
        self.run("radosgw-admin", "user", "create", "--uid=test", "--display-name=test", f"--access-key={KEY_ID}", f"--secret-key={SECRET}",
                 "--caps=roles=*;oidc-provider=*")
        self._add_storage_class()
        self.start_gateway()

    def _add_storage_class(self):
        """Adds a second storage class, which keeps its data in the pool of the first."""
        group = self.run("radosgw-admin", "zonegroup", "get").replace('"STANDARD"', f'"STANDARD","{STORAGE_CLASS}"')
        file = self.top / "zonegroup.json"
        file.write_text(group)
        self.run("radosgw-admin", "zonegroup", "set", f"--infile={file}")
        self.run("radosgw-admin", "zone", "placement", "add", "--rgw-zone=default", "--placement-id=default-placement",
                 f"--storage-class={STORAGE_CLASS}", "--data-pool=default.rgw.buckets.data")

    def run(self, *command):
        ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60,
                               env={**os.environ, "CEPH_CONF": str(self.top / "ceph.conf")})
        if ended.returncode != 0:
            raise RuntimeError(f"{command[0]}: {ended.stderr[-2000:]}")
        return ended.stdout

    def start_gateway(self, name="t"):
        self.run("radosgw", "-n", f"client.rgw.{name}")
        endpoint = self.endpoint if name == "t" else self.second_endpoint
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(endpoint, timeout=5).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the gateway does not respond")

    def kill_gateway(self, name="t"):
        self._end(f"client.rgw.{name}", 9)

    def _end(self, name, signal_number=15):
        """Ends one of our daemons by its pid file. Waits until it is gone, or only a zombie."""
        pid_file = self.top / f"run/{name}.pid"
        if not pid_file.exists():
            return
        proc = pathlib.Path("/proc") / pid_file.read_text().strip()
        pid_file.unlink()
        try:
            if str(self.top).encode() not in (proc / "environ").read_bytes():
                return
            os.kill(int(proc.name), signal_number)
            for attempt in range(200):
                if not (proc / "cmdline").read_bytes():
                    return
                if attempt == 100:
                    os.kill(int(proc.name), 9)
                time.sleep(0.05)
        except (OSError, ProcessLookupError):
            return

    def stop(self):
        for name in ("client.rgw.t", "client.rgw.t2", "osd.0", "mon.t"):
            self._end(name)
        shutil.rmtree(self.top, ignore_errors=True)
