#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that mean harm, on the client port: they neither end the daemon, nor fill its memory, nor keep it from the others."""

import contextlib
import http.client
import json
import select
import socket
import struct
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mount"))
from cluster import Ports, is_sanitized  # noqa: E402
from harness import BUILDDIR, SKIPPED, expect, run, until  # noqa: E402
from servers import Etcfsd  # noqa: E402

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
LARGE = b"\x0a\x05large\x12\x05largf"  # a RangeRequest from "large" to "largf"
GROWTH_BYTES_MAX = 200 << 20  # of memory, whatever they do
HONEST_SECONDS = 20  # a sanitizer on a busy machine
GIVEN_UP_SECONDS = 60


class Daemon:
    def __enter__(self):
        self.server = Etcfsd(Ports())
        self.server.begin()
        self.server.wait_ready()
        self.count, self.memory = 0, 0
        self.honest()
        self.memory = self.resident()
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.server.log_tail())
        self.kill_all()

    def kill_all(self):
        self.server.end()

    def resident(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmRSS"))

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.server.port), HONEST_SECONDS)

    def connect2(self, settings=b""):
        """Of HTTP/2, past its beginning."""
        connection = self.connect()
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0, settings))
        return connection

    def honest(self):
        """Somebody else is served meanwhile."""
        self.count += 1
        value = f"{self.count:08}"
        for path, message in (("put", {"key": "aG9uZXN0", "value": value}), ("range", {"key": "aG9uZXN0"})):
            client = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=HONEST_SECONDS)
            client.request("POST", f"/v3/kv/{path}", json.dumps(message))
            answer = json.loads(client.getresponse().read())
            client.close()
        expect(answer["kvs"][0]["value"] == value, f"an honest client is served: {answer}")

    def unharmed(self):
        self.server.expect_running()
        self.honest()
        growth = self.resident() - self.memory
        expect(not self.memory or is_sanitized() or growth < GROWTH_BYTES_MAX, f"memory grew by {growth >> 20} MiB")


def frame(kind, flags, stream, body=b""):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


def text(value):
    return bytes([len(value)]) + value


def head(path=b"/etcdserverpb.KV/Range"):
    """RFC 7541: nothing indexed but what is in the static table, nothing compressed."""
    return (b"\x83\x86" + b"\x04" + text(path) + b"\x01" + text(b"h") + b"\x0f\x10" + text(b"application/grpc") +
            b"\x00" + text(b"te") + text(b"trailers"))


def call(stream, message, path=b"/etcdserverpb.KV/Range"):
    body = b"\0" + struct.pack(">I", len(message)) + message
    return frame(HEADERS, END_HEADERS, stream, head(path)) + frame(DATA, END_STREAM, stream, body)


def is_over(connection):
    """The server has closed it, whatever it has said before."""
    readable, _, _ = select.select([connection], [], [], 0)
    if not readable:
        return False
    try:
        return connection.recv(1 << 16) == b""
    except ConnectionError:
        return True


def send_until_refused(connection, piece, bytes_max):
    """How much was taken of what never ends; fails when there is no end to it."""
    sent = 0
    connection.settimeout(HONEST_SECONDS)
    with contextlib.suppress(ConnectionError, TimeoutError):
        while sent < bytes_max:
            if is_over(connection):
                break
            connection.sendall(piece)
            sent += len(piece)
    expect(sent < bytes_max, f"{sent} bytes were taken, and no end")
    return sent


def send_all(connection, data):
    """As much as it takes; what it says is read, so that it is not that which stops it."""
    connection.setblocking(False)
    at = 0
    while at < len(data):
        readable, writable, _ = select.select([connection], [connection], [], HONEST_SECONDS)
        expect(readable or writable, "it is neither read from nor closed")
        try:
            if readable and connection.recv(1 << 16) == b"":
                return False
            if writable:
                at += connection.send(data[at:at + (1 << 16)])
        except ConnectionError:
            return False
    return True


# ---- HTTP/1.1 ----


def slow_requests_are_given_up(daemon):
    slow = [daemon.connect() for _ in range(200)]
    for connection in slow:
        connection.sendall(b"POST /v3/kv/range HTTP/1.1\r\nHost: h\r\nX-")
    daemon.unharmed()
    left = list(slow)

    def all_given_up():
        for connection in list(left):
            with contextlib.suppress(OSError):
                connection.send(b"a")
            if is_over(connection):
                left.remove(connection)
        return not left

    until(all_given_up, GIVEN_UP_SECONDS, "all slow requests are given up")
    daemon.unharmed()


def endless_headers_have_an_end(daemon):
    connection = daemon.connect()
    connection.sendall(b"GET /health HTTP/1.1\r\n")
    send_until_refused(connection, b"X-More: " + b"x" * 1000 + b"\r\n", 8 << 20)
    connection = daemon.connect()
    send_until_refused(connection, b"x" * 1000, 8 << 20)
    daemon.unharmed()


def giant_bodies_are_refused(daemon):
    for size in ("99999999999999999999", str(1 << 62), str(1 << 31), "-1"):
        connection = daemon.connect()
        connection.sendall(f"POST /v3/kv/put HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n".encode())
        send_until_refused(connection, b"x" * 65536, 64 << 20)
    connection = daemon.connect()
    connection.sendall(b"POST /v3/kv/put HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFF\r\n")
    send_until_refused(connection, b"x" * 65536, 64 << 20)
    daemon.unharmed()


def who_has_sent_all_is_answered(daemon):
    connection = daemon.connect()
    connection.sendall(b"GET /version HTTP/1.1\r\nHost: h\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    said = b""
    while piece := connection.recv(4096):
        said += piece
    expect(b"etcdserver" in said, f"half a connection is enough for an answer: {said}")
    daemon.unharmed()


def sockets_that_are_left_half_open(daemon):
    kept = [daemon.connect() for _ in range(300)]
    for connection in kept:
        connection.sendall(PREFACE[:10])
        connection.shutdown(socket.SHUT_WR)
    until(lambda: all(is_over(connection) for connection in kept[:10]), GIVEN_UP_SECONDS, "half of a beginning is the end")
    daemon.unharmed()


# ---- HTTP/2 ----


def a_call_in_these_frames_is_answered(daemon):
    """So that it is not for a mistake in them that the others are refused."""
    connection = daemon.connect2()
    connection.sendall(call(1, LARGE))
    file = connection.makefile("rb")
    kinds = []
    while kinds[-1:] != [(HEADERS, 1, END_STREAM)]:
        prefix = file.read(9)
        expect(len(prefix) == 9, f"an answer, not the end after {kinds}")
        file.read(int.from_bytes(prefix[:3], "big"))
        kinds.append((prefix[3], prefix[8], prefix[4] & END_STREAM))
    expect((DATA, 1, 0) in kinds, f"with a message: {kinds}")
    daemon.unharmed()


def calls_that_are_reset_at_once(daemon):
    """Rapid reset, CVE-2023-44487."""
    connection = daemon.connect2()
    send_all(connection, b"".join(
        frame(HEADERS, END_HEADERS | END_STREAM, stream, head()) + frame(RST_STREAM, 0, stream, b"\0\0\0\x08")
        for stream in range(1, 40001, 2)))
    daemon.unharmed()


def more_streams_than_there_may_be(daemon):
    connection = daemon.connect2()
    send_all(connection, b"".join(frame(HEADERS, END_HEADERS, stream, head()) for stream in range(1, 20001, 2)))
    daemon.unharmed()
    connection.close()
    daemon.unharmed()


def headers_that_go_on_for_ever(daemon):
    """CONTINUATION flood, CVE-2024-27316."""
    connection = daemon.connect2()
    connection.sendall(frame(HEADERS, 0, 1, head()))
    send_until_refused(connection, frame(CONTINUATION, 0, 1, (b"\x00" + text(b"x-more") + text(b"y" * 100)) * 100), 64 << 20)
    connection = daemon.connect2()
    connection.sendall(frame(HEADERS, 0, 1, head()))
    send_until_refused(connection, frame(CONTINUATION, 0, 1) * 1000, 64 << 20)
    daemon.unharmed()


def lengths_that_are_giant(daemon):
    connection = daemon.connect2()
    connection.sendall(b"\xff\xff\xff" + bytes([DATA, 0]) + struct.pack(">I", 1))
    send_until_refused(connection, b"x" * 65536, 64 << 20)
    connection = daemon.connect2()
    connection.sendall(frame(HEADERS, END_HEADERS, 1, head()) + frame(DATA, 0, 1, b"\0\xff\xff\xff\xff" + b"x" * 1000))
    daemon.unharmed()
    connection = daemon.connect2()
    connection.sendall(call(1, b"\x0a\xff\xff\xff\xff\x0f"))
    daemon.unharmed()


def pings_and_settings_without_end(daemon):
    for piece in (frame(PING, 0, 0, b"12345678"), frame(SETTINGS, 0, 0, b"\0\x03\0\0\0\x64")):
        connection = daemon.connect2()
        connection.settimeout(HONEST_SECONDS)
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(200):
                connection.sendall(piece * 1000)  # nothing of what it says is read
        daemon.unharmed()


def answers_that_nobody_fetches(daemon):
    """A large range on each of some calls of a client that gives no window."""
    for number in range(4):
        client = http.client.HTTPConnection("127.0.0.1", daemon.server.port, timeout=HONEST_SECONDS)
        client.request("POST", "/v3/kv/put", json.dumps({"key": f"bGFyZ2Uv{number:04}", "value": "QUFB" * 300_000}))
        client.getresponse().read()
        client.close()
    connection = daemon.connect2(b"\0\x04\0\0\0\0")  # INITIAL_WINDOW_SIZE 0
    send_all(connection, b"".join(call(stream, LARGE) for stream in range(1, 41, 2)))
    daemon.unharmed()


def windows_that_overflow(daemon):
    connection = daemon.connect2()
    connection.sendall(frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2)
    until(lambda: is_over(connection), GIVEN_UP_SECONDS, "a window past its end is the end")
    daemon.unharmed()


def frames_of_chance(daemon):
    """Kinds, flags, streams and lengths by a seed: what is nonsense ends its connection alone."""
    import random
    dice = random.Random(7)
    for _ in range(200):
        connection = daemon.connect2()
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(dice.randrange(1, 8)):
                body = dice.randbytes(dice.choice((0, 1, 4, 5, 6, 8, 9, 100)))
                connection.sendall(frame(dice.randrange(12), dice.randrange(256), dice.choice((0, 1, 2, 3, 1 << 30)), body))
        connection.close()
    daemon.unharmed()


def require():
    if not (BUILDDIR / "etcfsd").exists():
        print("SKIPPED: etcfsd is not built")
        sys.exit(SKIPPED)


if __name__ == "__main__":
    require()
    run(Daemon(), slow_requests_are_given_up, endless_headers_have_an_end, giant_bodies_are_refused, who_has_sent_all_is_answered,
        sockets_that_are_left_half_open, a_call_in_these_frames_is_answered, calls_that_are_reset_at_once,
        more_streams_than_there_may_be,
        headers_that_go_on_for_ever, lengths_that_are_giant, pings_and_settings_without_end, answers_that_nobody_fetches,
        windows_that_overflow, frames_of_chance)
