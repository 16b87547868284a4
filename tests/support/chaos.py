"""A proxy that breaks connections between s3flow and a store, by seed; and a run through the proxy, checked afterwards.

Faults belong to connections, not to requests. The seed and the connection's number decide whether, how and at which of
its responses a connection breaks. The other connections are closed after some responses, as a load balancer does, so
that new connections are always needed.
"""
import asyncio
import collections
import itertools
import json
import random
import re
import socket
import struct

from support.harness import Serve, read_journal, s3flow, sha256, with_transport
from support.loopback_server import LoopbackServer
from support.store_client import s3_client

KINDS = ("reset at once", "reset while sending", "reset in the answer", "half-close", "silence, then close", "head cut",
         "answer delayed", "answer in single bytes", "503 in place of an answer", "garbage")
REFUSAL = b"<?xml version=\"1.0\"?><Error><Code>ServiceUnavailable</Code><Message>chaos</Message></Error>"


class Link:
    """One connection through the proxy, with at most one fault of one kind."""

    def __init__(self, chances, rate, count):
        self.chances, self.count = chances, count
        self.kind = chances.choice(KINDS) if chances.random() < rate else None
        self.fatal_answer = chances.choice((1, 1, 2, 3, 5, 8))
        self.last_answer = chances.randrange(1, 6)
        self.fatal_byte = int(2 ** chances.uniform(0, 20))
        self.answers, self.awaited, self.sent = 0, False, 0

    async def carry(self, reader, writer, port):
        self.client = writer
        if self.kind == "reset at once":
            return self.reset()
        from_store, self.store = await asyncio.open_connection("127.0.0.1", port)
        down = asyncio.ensure_future(self.carry_down(from_store))
        try:
            await asyncio.wait([down, up := asyncio.ensure_future(self.carry_up(reader))], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (down, up):
                task.cancel()
            await asyncio.gather(down, up, return_exceptions=True)
            for end in (self.client, self.store):
                end.close()

    async def carry_up(self, reader):
        while data := await reader.read(65536):
            self.awaited = True
            self.sent += len(data)
            if self.kind == "reset while sending" and self.sent >= self.fatal_byte:
                self.store.write(data[:len(data) // 2])
                return self.reset()
            self.store.write(data)
            await self.store.drain()

    async def carry_down(self, from_store):
        while data := await from_store.read(65536):
            if self.awaited:
                self.awaited = False
                self.answers += 1
            if self.kind and self.answers == self.fatal_answer:
                if await self.break_answer(data):
                    return
            else:
                self.client.write(data)
            await self.client.drain()
            if self.kind is None and self.answers >= self.last_answer:
                return

    async def break_answer(self, data):
        """Breaks a response that begins with `data`. Returns True if the connection ends with it."""
        kind, head = self.kind, data.find(b"\r\n\r\n") + 1
        if kind == "reset while sending":  # too few bytes were sent to break here
            self.client.write(data)
            return False
        if kind == "reset in the answer":
            self.client.write(data[:self.chances.randrange(1, len(data) + 1)])
            await self.client.drain()
            self.reset()
            return True
        self.count[kind] += 1
        if kind == "half-close":
            self.client.write_eof()
            await asyncio.sleep(self.chances.uniform(0, 0.2))
        elif kind == "silence, then close":
            await asyncio.sleep(self.chances.uniform(0.1, 0.5))
        elif kind == "head cut":
            self.client.write(data[:self.chances.randrange(1, max(head, 2))])
        elif kind == "503 in place of an answer":
            self.client.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(REFUSAL) + REFUSAL)
        elif kind == "garbage":
            self.client.write(self.chances.randbytes(self.chances.randrange(1, 2000)))
        else:
            await self.be_slow(data)
            return False
        await self.client.drain()
        return True

    async def be_slow(self, data):
        self.fatal_answer = 0  # only once
        if self.kind == "answer delayed":
            await asyncio.sleep(self.chances.uniform(0.05, 0.5))
            return self.client.write(data)
        self.client.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            self.client.write(data[i:i + 1])
            await asyncio.sleep(0)

    def reset(self):
        self.count[self.kind] += 1
        self.client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.transport.abort()


class ChaosProxy(LoopbackServer):
    """`count`: kind of fault -> how often it happened."""

    def __init__(self, port, rate, seed):
        self.port, self.rate, self.seed = port, rate, seed
        self.count, self.numbers = collections.Counter(), itertools.count()

    async def carry(self, reader, writer):
        chances = random.Random(f"{self.seed} {next(self.numbers)}")
        try:
            await Link(chances, self.rate, self.count).carry(reader, writer, self.port)
        except OSError:
            pass  # either side may close its connection
        finally:
            writer.close()


JOB = """
source: [{{path: {data}}}]
destination: {{bucket: bucket, endpoint: "{endpoint}"}}
credentials: {{access_key_id: {key}, secret_access_key: {secret}}}
upload: {{concurrency: 32, part_size: 5MiB, multipart_threshold: 5MiB}}
retry: {{base_delay: 5ms, cap: 100ms, max_attempts: 20}}
report: {{progress: none, run_dir: {run}}}
"""


def run_through_chaos(directory, rate, seed, small, large):
    """Uploads `small` small files and `large` files of three parts through a ChaosProxy.

    Returns how often each fault happened, and a list of problems: store, journal and exit status must agree on every
    file."""
    chances = random.Random(seed)
    data = directory / "data"
    data.mkdir()
    written = {}
    for i in range(small + large):
        content = chances.randbytes(chances.randrange(0, 20_000) if i < small else (11 << 20) + i)
        (data / f"f{i}").write_bytes(content)
        written[f"f{i}"] = sha256(content)
    with Serve(directory / "store") as server:
        with ChaosProxy(int(re.search(r"\d+$", server.endpoint).group()), rate, seed) as proxy:
            job = directory / "job.yaml"
            job.write_text(with_transport(JOB.format(data=data, endpoint=proxy.endpoint, key=server.keys["AWS_ACCESS_KEY_ID"],
                                      secret=server.keys["AWS_SECRET_ACCESS_KEY"], run=directory / "run")))
            ended = s3flow("run", job)
        client = s3_client(server.endpoint)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket="bucket")
        stored = {o["Key"]: sha256(client.get_object(Bucket="bucket", Key=o["Key"])["Body"].read())
                  for page in pages for o in page.get("Contents", [])}
        orphans = client.list_multipart_uploads(Bucket="bucket").get("Uploads", [])
        client.close()
    wrong = [] if ended.returncode == 0 else [f"exit status {ended.returncode}: {ended.stderr[-2000:]}"]
    results = collections.defaultdict(list)
    for record in read_journal(directory / "run"):
        results[record["key"]].append(record["outcome"])
    for key in written.keys() | stored.keys() | results.keys():
        if stored.get(key) != written.get(key) or results[key] != ["uploaded"]:
            wrong.append(f"{key}: reported {results[key]}, and the store has {'its content' if stored.get(key) == written.get(key) else 'other content' if key in stored else 'nothing'}")
    summary = json.loads((directory / "run" / "summary.json").read_text())
    if (summary["uploaded"], summary["failed"]) != (len(stored), 0):
        wrong.append(f"summary.json says {summary['uploaded']} uploaded and {summary['failed']} failed of {len(written)}")
    wrong += [f"orphaned upload of {upload['Key']}" for upload in orphans]
    if not proxy.count:
        wrong.append("no connection was broken, so nothing was tested")
    return proxy.count, wrong
