"""Floors: programs that do only the minimum of work for the same result, measured in the same run as the
clients."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import socket as sockets
import subprocess
import tempfile
import time

import clients
import measure
from sinks import ENVIRONMENT, free_port


def wrk(row, sink):
    """Sends the same PUTs or parts with wrk: unsigned, from one body in memory, without files."""
    size = min(row["bytes"], row["part_bytes"])
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f'wrk.method = "PUT"\nwrk.body = string.rep("x", {size})\n')
        script.flush()
        connections = clients.fixed(row)
        output = script.name + ".out"
        measured = measure.command(["wrk", "-t1", f"-c{connections}", "-d3s", "-s", script.name, f"{sink.url}/bench/floor"], ENVIRONMENT, output)
        with open(output) as text:
            said = text.read()
        os.unlink(output)
    requests = int(re.search(r"(\d+) requests in", said).group(1))
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    return {**measured, "objects": requests, "bytes": requests * size}


def iperf3(row, sink):
    """Sends bytes over loopback sockets, with one connection for each request in flight, but at most 8."""
    port = str(free_port())
    streams = str(min(8, clients.fixed(row)))
    server = subprocess.Popen(["iperf3", "-s", "-1", "-p", port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.3)
        with tempfile.NamedTemporaryFile() as output:
            measured = measure.command(["iperf3", "-c", "127.0.0.1", "-p", port, "-P", streams, "-t", "2", "-l", "256K", "-J"], ENVIRONMENT, output.name)
            with open(output.name) as text:
                said = json.load(text)
    finally:
        server.kill()
        server.wait()
    return {**measured, "wall_s": said["end"]["sum_sent"]["seconds"], "objects": 0, "bytes": said["end"]["sum_sent"]["bytes"]}


def socket(row, sink):
    """Sends the same parts to the same sink with sendfile from blocking threads, without digest, signature and journal."""
    paths = sorted(pathlib.Path(row["data"]).iterdir())
    size = min(row["bytes"], row["part_bytes"])
    with contextlib.ExitStack() as files:
        parts = [(files.enter_context(open(path, "rb")).fileno(), at, min(size, row["bytes"] - at)) for path in paths for at in range(0, row["bytes"], size)]
        parts.reverse()

        def send_parts():
            with sockets.create_connection(("127.0.0.1", sink.port)) as connection:
                while True:
                    try:
                        file, at, left = parts.pop()
                    except IndexError:
                        return
                    connection.sendall(f"PUT /bench/floor?partNumber=1&uploadId=sink HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {left}\r\n\r\n".encode())
                    while left:
                        sent = os.sendfile(connection.fileno(), file, at, left)
                        at, left = at + sent, left - sent
                    answer = b""
                    while b"\r\n\r\n" not in answer:
                        more = connection.recv(4096)
                        if not more:
                            raise RuntimeError("the sink closed the connection")
                        answer += more
                    if not answer.startswith(b"HTTP/1.1 200 "):
                        raise RuntimeError(answer)

        before, began = os.times(), time.monotonic()
        connections = clients.fixed(row)
        with concurrent.futures.ThreadPoolExecutor(connections) as threads:
            for done in [threads.submit(send_parts) for _ in range(connections)]:
                done.result()
        wall, after = time.monotonic() - began, os.times()
    user, system = after.user - before.user, after.system - before.system
    return {"wall_s": wall, "user_s": user, "system_s": system, "cpu_s": user + system, "peak_bytes": 0, "objects": 0, "bytes": len(paths) * row["bytes"]}


def sha256(row, sink):
    """Hashes with OpenSSL on one core."""
    said = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", "-bytes", "131072", "-evp", "sha256"], capture_output=True, text=True).stdout
    rate = float(re.search(r"^\+F:\d+:sha256:([0-9.]+)", said, re.M | re.I).group(1))
    return {"wall_s": 1.0, "user_s": 1.0, "system_s": 0.0, "cpu_s": 1.0, "peak_bytes": 0, "objects": 0, "bytes": int(rate)}


def curl(row, sink):
    """Uploads the same files with one curl process, one after the other over one connection: shows the cost of TLS."""
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as config, tempfile.NamedTemporaryFile() as output:
        names = sorted(os.listdir(row["data"]))[:2000]
        for name in names:
            config.write(f'upload-file = "{row["data"]}/{name}"\nurl = "{sink.url}/bench/{name}"\noutput = "/dev/null"\n')
        config.flush()
        measured = measure.command(["curl", "-sS", "-k", "-H", "Expect:", "-K", config.name], ENVIRONMENT, output.name)
    return {**measured, "objects": len(names), "bytes": len(names) * row["bytes"]}


def walk(row, sink):
    """Runs s3flow's own source on the same files: the files are found, opened and planned, but not
    uploaded."""
    with tempfile.TemporaryDirectory() as scratch, tempfile.NamedTemporaryFile() as output:
        argv, extra = clients.s3flow(row, row["data"], sink.url, pathlib.Path(scratch))
        measured = measure.command([str(part) for part in [*argv, "--dry-run"]], {**ENVIRONMENT, **extra}, output.name)
        with open(output.name) as text:
            found = int(re.search(r"^(\d+) found", text.read(), re.M).group(1))
    return {**measured, "objects": found, "bytes": found * row["bytes"]}


def noise(row, sink):
    """Does a fixed piece of work on one core, to show how the machine's speed changes from round to round."""
    began = time.process_time(), time.monotonic()
    value = 0
    for i in range(3_000_000):
        value += i
    cpu = time.process_time() - began[0]
    return {"wall_s": time.monotonic() - began[1], "user_s": cpu, "system_s": 0.0, "cpu_s": cpu, "peak_bytes": 0, "objects": 0, "bytes": 0}


ALL = {function.__name__: function for function in (wrk, iperf3, socket, sha256, curl, walk, noise)}
