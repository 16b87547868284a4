"""Measures one command: wall time, CPU time with its children, and peak resident memory."""
import os
import subprocess
import threading
import time


def memory_of(pid):
    # ru_maxrss would also count the memory that the parent had before exec.
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def command(argv, environment, output, timeout=600):
    """Returns the measured values. Raises if the command fails, because a failed run gives no result."""
    with open(output, "w") as out:
        began = time.monotonic()
        process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        peak, ended = [0], threading.Event()

        def watch():
            while not ended.wait(0.02):
                peak[0] = max(peak[0], memory_of(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        killer = threading.Timer(timeout, process.kill)
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        killer.cancel()
        ended.set()
        watcher.join()
    if process.returncode != 0:
        with open(output) as text:
            raise RuntimeError(f"{' '.join(map(str, argv))}: exit {process.returncode}\n{text.read()[-3000:]}")
    return {"wall_s": wall, "user_s": usage.ru_utime, "system_s": usage.ru_stime, "cpu_s": usage.ru_utime + usage.ru_stime,
            "peak_bytes": peak[0]}
