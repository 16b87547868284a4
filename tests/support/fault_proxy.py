"""A server in front of the embedded endpoint that knows S3's operations, and breaks chosen requests or their responses.

Each rule belongs to one bucket, so that many runs can use one proxy at once. A rule names the operation, the fault, and the
number of requests that get the fault. It counts these requests, so that a test sees whether its fault happened. The endpoint
itself can send a wrong status or lose a response, too. The proxy also does both, so that one mechanism makes all cells of a
table.
"""
import asyncio
import collections
import dataclasses
import email.utils
import re
import socket
import struct
import time
import urllib.parse

from support.loopback_server import LoopbackServer

GARBAGE = bytes(range(256)) * 8


def operation_of(method, target):
    """Returns the S3 operation of a request, and its bucket."""
    path, _, query = target.partition("?")
    bucket, _, key = path.lstrip("/").partition("/")
    names = urllib.parse.parse_qs(query, keep_blank_values=True)
    if key:
        if "uploadId" in names:
            name = {"POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload", "GET": "ListParts", "PUT": "UploadPart"}
        else:
            name = {"POST": "CreateMultipartUpload", "HEAD": "HeadObject", "PUT": "PutObject", "GET": "GetObject", "DELETE": "DeleteObject"}
    elif "uploads" in names:
        name = {"GET": "ListMultipartUploads"}
    else:
        name = {"GET": "ListObjectsV2", "HEAD": "HeadBucket"}
    return name.get(method, method), bucket


@dataclasses.dataclass
class Rule:
    """Breaks requests of an operation: `skip` of them pass first, then `times` of them get the fault."""
    operation: str
    fault: object  # has action, status, code, at, executed: see tests/faults/table.py
    times: int = 1
    skip: int = 0
    injected: int = 0

    def applies(self, operation):
        if operation != self.operation or self.injected >= self.times:
            return False
        self.skip -= 1
        if self.skip >= 0:
            return False
        self.injected += 1
        return True


class Disconnected(Exception):
    """The proxy has closed or reset the client's connection on purpose."""


def head_of(status, headers):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} Fault\r\n{lines}\r\n".encode()


def error_body(code):
    return f"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>injected</Message></Error>".encode()


def plain_head(status, length, clock_s=0):
    return head_of(status, [("Date", email.utils.formatdate(time.time() + clock_s, usegmt=True)), ("Content-Length", length)])


def without_length(head):
    return re.sub(rb"(?im)^content-length:.*\r\n", b"", head)


def with_header(head, line):
    return head[:-2] + line + b"\r\n\r\n"


def with_length(head, length):
    return with_header(without_length(head), b"Content-Length: %d" % length)


def with_etag(head, body, etag):
    """Returns a response with another ETag in its headers and its XML; with none if `etag` is empty."""
    header = b"ETag: \"%s\"\r\n" % etag if etag else b""
    element = b"<ETag>&quot;%s&quot;</ETag>" % etag if etag else b""
    body = re.sub(rb"<ETag>.*?</ETag>", element, body)
    head = re.sub(rb"(?im)^etag:.*\r\n", header, head)
    return with_length(head, len(body)) if body else head, body


class Link:
    """One connection of a client, and the connection to the endpoint that carries its requests."""

    def __init__(self, proxy, reader, writer):
        self.proxy, self.reader, self.writer, self.store = proxy, reader, writer, None

    async def carry(self):
        while True:
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            method, target = head.split(b" ", 2)[:2]
            operation, bucket = operation_of(method.decode(), target.decode())
            self.proxy.requests[bucket][operation] += 1
            rule = next((rule for rule in self.proxy.rules.get(bucket, ()) if rule.applies(operation)), None)
            await self.serve(head, method == b"HEAD", rule.fault if rule else None)

    async def serve(self, head, is_head, fault):
        length = int((re.search(rb"(?im)^content-length: *(\d+)", head) or [0, 0])[1])
        if fault and fault.action == "reset":
            self.reset()
        if re.search(rb"(?im)^expect:", head):
            head = re.sub(rb"(?im)^expect:.*\r\n", b"", head)
            await self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fault and fault.action == "reset in body" and length:
            await self.reader.readexactly(length * fault.at // 100)
            self.reset()
        body = await self.reader.readexactly(length)
        if fault and fault.action == "hold":
            await self.reader.read()  # until the client goes away
            raise Disconnected
        if fault is None:
            return await self.send(b"".join(await self.forward(head, body, is_head)))
        response = await self.forward(head, body, is_head) if fault.executed or fault.action == "reset in body" else (b"", b"")
        await self.break_response(fault, *response, is_head)

    async def forward(self, head, body, is_head):
        """Returns the head and the body of the endpoint's response."""
        if self.store is None:
            self.store = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        reader, writer = self.store
        writer.write(head + body)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        return head, b"" if is_head or not length else await reader.readexactly(int(length[1]))

    async def break_response(self, fault, head, body, is_head):
        action = fault.action
        if action == "status":
            body = error_body(fault.code) if fault.code else b""
            return await self.send(plain_head(fault.status, len(body), fault.clock_s) + (b"" if is_head else body))
        if action in ("missing etag", "wrong etag"):
            etag = b"" if action == "missing etag" else b"0" * 32
            self.check(b"etag" in (head + body).lower(), f"a response without an ETag got the fault '{action}'")
            return await self.send(b"".join(with_etag(head, body, etag)))
        if action == "garbage body":
            # A response to HEAD has no body: the bytes that follow it must not be taken for the next response.
            return await self.send((head if is_head else with_length(head, len(GARBAGE))) + GARBAGE)
        if action in ("reset in body", "truncated xml"):
            self.check(body, f"a request without bodies got the fault '{action}'")
        if action == "reset in body":  # of the response, because the request has no body
            await self.send(head + body[:max(1, len(body) * fault.at // 100)])
            self.reset()
        if action == "lost":
            self.reset()
        if action == "truncated xml":
            return await self.send(with_length(head, len(body) // 2) + body[:len(body) // 2])
        if action == "truncated headers":
            await self.send(head[:len(head) // 2])
        elif action == "endless body":
            await self.send(with_header(without_length(head), b"Transfer-Encoding: chunked"))
            while True:  # until the client goes away
                await self.send(b"10000\r\n" + b" " * 65536 + b"\r\n")
        elif action != "close":
            raise ValueError(action)
        raise Disconnected

    def check(self, happened, text):
        if not happened:
            self.proxy.errors.append(text)

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    def reset(self):
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        raise Disconnected


class FaultProxy(LoopbackServer):
    """`rules`: bucket -> its rules; `requests`: bucket -> how many requests of each operation came."""

    limit = 1 << 20

    def __init__(self, endpoint):
        self.port = int(endpoint.rpartition(":")[2])
        self.rules, self.requests = {}, collections.defaultdict(collections.Counter)
        self.errors = []  # what the proxy itself did wrong

    async def carry(self, reader, writer):
        link = Link(self, reader, writer)
        try:
            await link.carry()
        except (Disconnected, OSError, asyncio.IncompleteReadError):
            pass  # either side may close its connection
        except Exception as error:
            self.errors.append(repr(error))
        finally:
            for end in (writer, link.store and link.store[1]):
                if end:
                    end.close()
