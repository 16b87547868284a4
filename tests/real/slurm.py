"""A temporary Slurm cluster on loopback: munge, one controller, some simulated nodes.

Needs root and Debian's slurmctld, slurmd, slurm-client and munge. Everything is in one directory. There are no cgroups,
no accounting and no systemd, and the CPUs of the nodes are invented.
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

from real.rgw import free_ports
from support.harness import S3FLOW, clean_environment

CONFIG = """
ClusterName=s3flow
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
# cred_expire is how long a requeued job waits; below 5 it is ignored
AuthInfo=socket={top}/munge/socket,cred_expire=5
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={top}/state
SlurmdSpoolDir={top}/spool-%n
TmpFS={top}/tmp
SlurmctldPidFile={top}/run/slurmctld.own
SlurmdPidFile={top}/run/%n.own
PlugStackConfig={top}/plugstack.conf
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={top}/jobs
MpiDefault=none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2,kill_invalid_depend
ReturnToService=2
SlurmdTimeout=60
KillWait=20
JobRequeue=1
RequeueExit=100
{nodes}
PartitionName=all Nodes=n[1-{count}] Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    def __init__(self, nodes=4, cpus=4):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="s3flow-slurm-"))
        self.daemons = []
        try:
            self._start(nodes, cpus)
        except BaseException:
            self.stop()
            raise

    def _start(self, nodes, cpus):
        for tool in ("munged", "slurmctld", "slurmd", "sbatch", "srun"):
            if not shutil.which(tool):
                raise RuntimeError(f"{tool} is missing: run tests/setup")
        self.top.chmod(0o755)
        for name in ("munge", "run", "state", "tmp", *(f"spool-n{i + 1}" for i in range(nodes))):
            (self.top / name).mkdir()
        (self.top / "plugstack.conf").touch()
        host, ports = socket.gethostname().split(".")[0], free_ports(nodes + 1)
        lines = "\n".join(f"NodeName=n{i + 1} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[i + 1]} CPUs={cpus} State=UNKNOWN"
                          for i in range(nodes))
        conf = self.top / "slurm.conf"
        conf.write_text(CONFIG.format(host=host, port=ports[0], top=self.top, nodes=lines, count=nodes))
        self.environment = {"SLURM_CONF": str(conf)}
        key = self.top / "munge/key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        own = self.top / "munge"
        self._daemon("munged", "--foreground", f"--key-file={key}", f"--socket={own}/socket", f"--pid-file={own}/pid",
                     f"--log-file={own}/log", f"--seed-file={own}/seed")
        self._await("munge", "-n", "-S", own / "socket")
        self._daemon("slurmctld", "-D", "-f", conf)
        self._await("scontrol", "ping")
        for i in range(nodes):
            self._daemon("slurmd", "-D", "-N", f"n{i + 1}", "-f", conf)
        self._await("bash", "-c", f"[ $(sinfo -h -N -t idle -o %N | wc -l) -eq {nodes} ]")

    def _daemon(self, *command):
        log = open(self.top / f"run/{command[0]}-{len(self.daemons)}.log", "w")
        self.daemons.append(subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=subprocess.STDOUT, start_new_session=True, env={**os.environ, **self.environment}))
        log.close()

    def _await(self, *command):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            ended = subprocess.run([str(part) for part in command], capture_output=True, env={**os.environ, **self.environment})
            if ended.returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError(f"{command[0]}: no success in a minute")

    def run(self, *command, check=True, cwd=None, timeout=300, **environment):
        """Runs a command in the environment of the cluster. Returns the completed process."""
        path = f"{pathlib.Path(S3FLOW).parent}:{os.environ['PATH']}"
        ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=timeout, cwd=cwd or self.top,
                               env=clean_environment(**self.environment, PATH=path, **environment), stdin=subprocess.DEVNULL)
        if check and ended.returncode != 0:
            raise RuntimeError(f"{command}: {ended.returncode}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}")
        return ended

    def submit(self, *arguments, **environment):
        """Submits a job. Returns its number."""
        return self.run("sbatch", "--parsable", *arguments, **environment).stdout.strip()

    def wait(self, job, timeout=300):
        """Waits until the job and all its elements have left the queue."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if not self.run("squeue", "-h", "-j", job, check=False).stdout.strip():
                return
            time.sleep(0.2)
        raise RuntimeError(f"job {job} does not end: {self.run('squeue').stdout}")

    def states(self):
        """Returns job or element -> state, for all that have ended."""
        found = {}
        for line in (self.top / "jobs").read_text().splitlines() if (self.top / "jobs").exists() else []:
            match = re.search(r"JobId=(\d+) .*JobState=(\S+)", line)
            if match:
                found[match.group(1)] = match.group(2)
        return found

    def stop(self):
        if self.daemons:
            self.run("scancel", "--quiet", "--signal=KILL", "--full", "--state=running", check=False)
            self.run("scancel", "--quiet", "--user=root", check=False)
            for _ in range(100):
                if not self.run("squeue", "-h", check=False).stdout.strip():
                    break
                time.sleep(0.1)
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.top, ignore_errors=True)
