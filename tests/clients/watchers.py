# SPDX-License-Identifier: Apache-2.0
"""Clients that watch: each keeps all that it was told, and goes on where it was when its stream ends, here or at another node."""

import queue
import random
import threading
import time
from dataclasses import dataclass, field

import grpc

from happened import Event, record_of
from harness import Failure, Worker, expect

RETRY_SECONDS = 0.1
EXPECTED_ENDS = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}  # a node that goes or has no leader; the client itself
OPTIONS = [("grpc.max_receive_message_length", 64 << 20), ("grpc.use_local_subchannel_pool", 1)]
SLOW_OPTIONS = [*OPTIONS, ("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536)]


@dataclass
class Told:
    """A message with events, its fragments together."""
    events: list
    bookmark: int  # by its header: nothing at or before it is still to come
    whole: bool = True


@dataclass
class Watch:
    """What one wants to be told of, over however many streams."""
    name: str
    key: bytes
    range_end: bytes = b""
    start: int = 0  # 0: from now on
    filters: tuple = ()
    prev_kv: bool = True
    fragment: bool = False
    progress_notify: bool = False
    first: int = None  # the first revision that it is to be told of
    next: int = None  # where to go on
    told: list = field(default_factory=list)
    gaps: list = field(default_factory=list)  # (from, to): compacted before it was told
    problems: list = field(default_factory=list)
    resumed: int = 0

    def request(self):
        wanted = {"key": self.key, "range_end": self.range_end, "filters": list(self.filters), "prev_kv": self.prev_kv,
                  "fragment": self.fragment, "progress_notify": self.progress_notify}
        return {"create_request": {**wanted, "start_revision": self.next or self.start}}

    def wants(self, event):
        inside = event.key == self.key if not self.range_end else \
            self.key <= event.key and (self.range_end == b"\0" or event.key < self.range_end)
        return inside and {"PUT": "NOPUT", "DELETE": "NODELETE"}[event.kind] not in self.filters

    def created(self, answer):
        expect(not answer.canceled, f"{self.name} is refused: {answer.cancel_reason}")
        if self.first is None:
            self.first = self.next = self.start or answer.header.revision + 1
        else:
            self.resumed += 1
        if self.told and not self.told[-1].whole:
            self.told.pop()  # the rest went with the stream: all of it comes again

    def take(self, answer):
        events = [self._event(event) for event in answer.events]
        if self.told and not self.told[-1].whole:
            self.told[-1].events += events
        else:
            self.told.append(Told(events, answer.header.revision))
        self.told[-1].whole = not answer.fragment
        if not answer.fragment:
            self.mark(answer.header.revision)

    def _event(self, event):
        prev = record_of(event.prev_kv) if event.HasField("prev_kv") else None
        if event.type == 0:
            return Event(event.kv.mod_revision, "PUT", event.kv.key, record_of(event.kv), prev)
        bare = (event.kv.value, event.kv.create_revision, event.kv.version, event.kv.lease) == (b"", 0, 0, 0)
        if not bare:
            self.problems.append(f"a DELETE with more than key and revision: {event.kv}")
        return Event(event.kv.mod_revision, "DELETE", event.kv.key, None, prev)

    def mark(self, revision):
        """Nothing at or before it is still to come."""
        self.next = max(self.next, revision + 1)

    def progress(self, revision):
        if self.told and not self.told[-1].whole:
            self.problems.append(f"progress {revision} between the fragments of a revision")
        if revision >= self.first:
            self.told.append(Told([], revision))
        self.mark(revision)

    def lost(self, compacted):
        self.gaps.append((self.next, compacted))
        self.next = compacted


class Stream:
    """One stream at a time with some watches; a thread reads it."""

    def __init__(self, wire, nodes, watches, pause=0, asks=0, restless=0, cancels=0, leader=False):
        """nodes: the first, and where to go on when it fails (one: it is waited for). pause: seconds after each message;
        asks: seconds between requests for progress; restless, cancels: ends the stream, or a watch, after one of so many messages."""
        self._wire, self._nodes, self.watches, self._pause, self._asks = wire, list(nodes), watches, pause, asks
        self._restless, self._cancels, self._leader = restless, cancels, leader
        self._method = wire.method("Watch.Watch")
        self.messages, self.ends, self.answered = 0, [], 0
        self._requests, self._call, self._ready = None, None, threading.Event()
        self._stopping = False
        self._reader, self._asker = Worker(self._live), Worker(self._ask) if asks else None

    # ---- for the test ----

    def begun(self, seconds):
        expect(self._ready.wait(seconds), f"{self.watches[0].name}: all its watches are created within {seconds} s")

    def hurry(self):
        """What is left is to be read at once."""
        self._pause = self._restless = self._cancels = 0

    def has_all(self, revision):
        return all(watch.next is not None and watch.next > revision for watch in self.watches)

    def ask(self):
        requests = self._requests
        if requests is not None:
            requests.put({"progress_request": {}})

    def stop(self):
        self._stopping = True
        if self._asker:
            self._asker.stop()
        if self._call is not None:
            self._call.cancel()
        self._reader.stop()

    # ---- its threads ----

    def _ask(self):
        self.ask()
        time.sleep(self._asks)

    def _live(self):
        node = self._nodes[0]
        self._nodes = [*self._nodes[1:], node]
        options = SLOW_OPTIONS if self._pause else OPTIONS
        with grpc.insecure_channel(f"127.0.0.1:{node.client_port}", options=options) as channel:
            try:
                self._read(channel)
            except grpc.RpcError as error:
                self.ends.append(f"{node.name}: {error.code().name} {error.details()}")
                if error.code() not in EXPECTED_ENDS:
                    raise Failure(f"{self.watches[0].name}: its stream ended with {self.ends[-1]}") from error
        if not self._stopping:
            time.sleep(RETRY_SECONDS)

    def _read(self, channel):
        requests = queue.Queue()
        made = self._wire.type(self._method.input_type)
        call = channel.stream_stream("/etcdserverpb.Watch/Watch", made.SerializeToString,
                                     self._wire.type(self._method.output_type).FromString)
        self._pending, self._by_id, self._canceled = list(self.watches), {}, set()
        for watch in self.watches:
            requests.put(watch.request())
        messages = iter(lambda: self._wire.make(self._method.input_type, requests.get()), None)
        self._call = call(messages, metadata=[("hasleader", "true")] if self._leader else [])
        self._requests = requests
        for answer in self._call:
            self._take(answer)
            time.sleep(self._pause)
            if self._stopping or (self._restless and random.randrange(self._restless) == 0):
                break
        self._call.cancel()

    def _take(self, answer):
        self.messages += 1
        if answer.created:
            watch = self._pending.pop(0)
            watch.created(answer)
            self._by_id[answer.watch_id] = watch
            if not self._pending:
                self._ready.set()
        elif answer.canceled:
            self._take_canceled(answer)
        elif answer.watch_id == -1:
            self.answered += 1
            expect(not self._pending or answer.header.revision, "an answer about the whole stream has a revision")
            for watch in self._by_id.values():
                watch.progress(answer.header.revision)
        elif not answer.events:
            self._by_id[answer.watch_id].progress(answer.header.revision)
        else:
            self._by_id[answer.watch_id].take(answer)
            self._maybe_cancel(answer.watch_id)

    def _maybe_cancel(self, number):
        if self._cancels and number not in self._canceled and random.randrange(self._cancels) == 0:
            self._canceled.add(number)
            self._requests.put({"cancel_request": {"watch_id": number}})

    def _take_canceled(self, answer):
        """It is not heard of any more: one that is fails with a KeyError. And it begins anew, where it was."""
        watch = self._by_id.pop(answer.watch_id)
        if answer.compact_revision:
            watch.lost(answer.compact_revision)
        else:
            expect(answer.watch_id in self._canceled, f"{watch.name} was canceled by nobody: {answer.cancel_reason}")
        self._canceled.discard(answer.watch_id)
        self._pending.append(watch)
        self._requests.put(watch.request())
