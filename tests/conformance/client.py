# SPDX-License-Identifier: Apache-2.0
"""What a case has in its hands: one server, asked step by step, and the transcript of what it answered.

Answers go into the transcript with what must differ between two servers replaced by words:

- ids of cluster and members by whose they are, ids of leases that the server chose by their order;
- revisions by their distance from the one that the case began at ("@+2");
- keys of a lease by their order, which etcd leaves to chance;
- what is left of a lease of 600 s by "nearly 600";
- terms, indexes and sizes by "some", if there are any;
- URLs and ports of the server by what they are for.

Everything else stays as it came, to be compared field by field.
"""

import queue
import re
import threading

import grpc

from harness import Failure, expect
from wire import Channel, error_text, show

ANSWER_SECONDS = 10  # for what must come
QUIET_SECONDS = 0.3  # for what must not
REVISIONS = {"revision", "create_revision", "mod_revision", "compact_revision", "hash_revision", "rev"}
SOME = {"raft_term", "raftIndex", "raftTerm", "raftAppliedIndex", "dbSize", "dbSizeInUse", "term"}
NEARLY = range(590, 600)  # what is left of the 600 s that most cases ask for
IDS = {"cluster_id", "member_id", "ID", "leader", "lease", "memberID"}
EVERYTHING = {"key": b"\0", "range_end": b"\0"}


class Client:
    def __init__(self, server, wire):
        self.server, self.wire = server, wire
        self.channel = Channel(wire, server.target)
        self.steps, self.names, self._streams = [], {}, []
        self._leases = 0
        header = self.ask("Maintenance.Status").header
        self.names = {header.cluster_id: "its cluster", header.member_id: "itself"}
        self.own_id = header.member_id
        self.base = header.revision

    # ---- the life of a case ----

    def revision(self):
        return self.ask("KV.Range", key="reset").header.revision

    def empty(self, revision):
        """No key, no lease, and one revision later than this."""
        for lease in self.leases():
            self.ask("Lease.LeaseRevoke", ID=lease)
        while self.ask("KV.Put", key="reset").header.revision < revision:
            pass
        self.base = self.ask("KV.DeleteRange", **EVERYTHING).header.revision

    def leases(self):
        return [lease.ID for lease in self.ask("Lease.LeaseLeases").leases]

    def begin(self):
        self.steps, self._leases = [], 0
        self.names = {key: name for key, name in self.names.items() if "lease" not in name}

    def finish(self):
        """What the case has left open is closed."""
        for stream in self._streams:
            stream.cancel_call()
        self._streams = []

    def close(self):
        self.finish()
        self.channel.close()

    # ---- asking ----

    def ask(self, method, metadata=(), **fields):
        """The answer itself, which is not part of the transcript. Fails when the server does."""
        request = self.wire.make(self.wire.method(method).input_type, fields)
        try:
            return self.channel.unary(method, request, metadata)
        except grpc.RpcError as error:
            raise Failure(f"{self.server.name}: {method} {fields}: {error_text(error)}") from error

    def call(self, method, metadata=(), seconds=None, **fields):
        """The answer, or None for an error; either goes into the transcript."""
        request = self.wire.make(self.wire.method(method).input_type, fields)
        more = {} if seconds is None else {"seconds": seconds}
        try:
            answer = self.channel.unary(method, request, metadata, **more)
        except grpc.RpcError as error:
            self.record(f"{method} {fields}", error_text(error))
            return None
        if method == "Lease.LeaseGrant" and fields.get("ID", 0) == 0:
            self._leases += 1
            self.names[answer.ID] = f"lease {self._leases}"
        self.record(f"{method} {fields}", show(answer))
        return answer

    def later(self, method, **fields):
        """A call that waits for something: its answer is recorded by Later.take()."""
        return Later(self, method, fields)

    def all(self, method, metadata=(), **fields):
        """A stream of answers to its end, as one list."""
        request = self.wire.make(self.wire.method(method).input_type, fields)
        answers = []
        try:
            for answer in self.channel.server_stream(method, request, metadata):
                answers.append(show(answer))
        except grpc.RpcError as error:
            answers.append(error_text(error))
        self.record(f"{method} {fields}", answers)
        return answers

    def raw(self, path, body, metadata=()):
        """Bytes as a request; of an answer only that it came."""
        try:
            self.channel.raw(path, body, metadata)
            self.record(f"{path} {body[:40]!r}", "answered")
        except grpc.RpcError as error:
            self.record(f"{path} {body[:40]!r}", error_text(error))

    def stream(self, method, metadata=(), seconds=60):
        stream = Stream(self, method, metadata, seconds)
        self._streams.append(stream)
        return stream

    # ---- etcd's requests, shorter ----

    def put(self, key, value="", **more):
        return self.call("KV.Put", key=key, value=value, **more)

    def fill(self, *keys, **more):
        for key in keys:
            self.ask("KV.Put", key=key, value=f"value of {key}", **more)

    def range(self, key, **more):
        return self.call("KV.Range", key=key, **more)

    def delete(self, key, **more):
        return self.call("KV.DeleteRange", key=key, **more)

    def txn(self, compare=(), success=(), failure=(), **more):
        return self.call("KV.Txn", compare=compare, success=success, failure=failure, **more)

    def compact(self, revision, **more):
        return self.call("KV.Compact", revision=revision, **more)

    def grant(self, ttl=600, lease=0):
        return self.call("Lease.LeaseGrant", TTL=ttl, ID=lease)

    def watch(self, metadata=()):
        return self.stream("Watch.Watch", metadata)

    def at(self, distance):
        """The revision so many changes after the one that the case began at."""
        return self.base + distance

    # ---- the transcript ----

    def record(self, label, answer):
        self.steps.append((label, self.normal(None, answer)))

    def normal(self, name, value):
        if isinstance(value, dict):
            return {key: self.normal(key, one) for key, one in value.items()}
        if isinstance(value, list):
            shown = [self.normal(name, one) for one in value]
            return sorted(shown) if name == "keys" else shown
        if isinstance(value, (str, bytes)):
            return self._normal_text(value)
        if name in REVISIONS and value > 0:
            return f"@{value - self.base:+d}"
        if name in SOME:
            return "some"
        if name == "TTL" and value in NEARLY:
            return "nearly 600"
        if name in IDS:
            return self.names.get(value, value)
        return value

    def _normal_text(self, text):
        if isinstance(text, bytes):
            for number, name in self.names.items():
                text = re.sub(b"%x" % (number & (1 << 64) - 1), f"<{name}>".encode(), text)
            return text
        for number, name in self.names.items():
            text = re.sub(f"{number & (1 << 64) - 1:x}|{number}", f"<{name}>", text)
        for port, name in ((self.server.port, "CLIENT"), (self.server.peer_port, "PEER")):
            text = text.replace(f"127.0.0.1:{port}", name)
        return text


class Later:
    def __init__(self, client, method, fields):
        self._client, self._label = client, f"{method} {fields}"
        request = client.wire.make(client.wire.method(method).input_type, fields)
        self._answers = queue.Queue()
        threading.Thread(target=self._run, args=(method, request), daemon=True).start()

    def _run(self, method, request):
        try:
            self._answers.put(self._client.channel.unary(method, request))
        except grpc.RpcError as error:
            self._answers.put(error_text(error))

    def is_waiting(self):
        """Nothing has come, and nothing comes for a moment."""
        try:
            self._answers.put(self._answers.get(timeout=QUIET_SECONDS))
        except queue.Empty:
            self._client.record(f"{self._label}, for a moment", "waits")
            return True
        self._client.record(f"{self._label}, for a moment", "is answered")
        return False

    def take(self):
        answer = self._answers.get(timeout=ANSWER_SECONDS)
        self._client.record(self._label, answer if isinstance(answer, str) else show(answer))
        return None if isinstance(answer, str) else answer


class Stream:
    """A stream in both directions. What comes is kept until a step takes it."""

    def __init__(self, client, method, metadata, seconds):
        self._client, self._method = client, method
        self._input = client.wire.method(method).input_type
        self._requests, self._answers = queue.Queue(), queue.Queue()
        self._call = client.channel.stream(method, iter(self._requests.get, None), metadata, seconds)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for answer in self._call:
                self._answers.put(answer)
            self._answers.put("ended")
        except grpc.RpcError as error:
            self._answers.put(error_text(error))

    def send(self, **fields):
        self._requests.put(self._client.wire.make(self._input, fields))
        return self

    def half_close(self):
        self._requests.put(None)
        return self

    def cancel_call(self):
        self._requests.put(None)
        self._call.cancel()

    def get(self, seconds=ANSWER_SECONDS):
        """The next answer, or how the stream ended (text); None: nothing came."""
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            return None

    def take(self, count=1):
        """So many answers into the transcript, one after the other; the last is returned."""
        for _ in range(count):
            answer = self.get()
            shown = "nothing came" if answer is None else answer if isinstance(answer, str) else show(answer)
            self._client.record(f"{self._method} tells", shown)
        return answer

    def silent(self):
        answer = self.get(QUIET_SECONDS)
        shown = "silence" if answer is None else answer if isinstance(answer, str) else show(answer)
        self._client.record(f"{self._method}, for a moment", shown)

    # ---- of watches ----

    def create(self, key, **more):
        return self.send(create_request={"key": key, **more})

    def cancel(self, watch_id):
        return self.send(cancel_request={"watch_id": watch_id})

    def progress(self):
        return self.send(progress_request={})

    def created(self, key, **more):
        """Creates a watch and takes the answer that says so."""
        self.create(key, **more)
        return self.take()

    def events(self, count):
        """So many events, however the server has bundled them: by watch, without the headers, which bundling changes."""
        told, total = {}, 0
        while total < count:
            answer = self.get()
            if answer is None or isinstance(answer, str):
                told["ended"] = answer or "nothing came"
                break
            expect(answer.events, f"events, not {show(answer)}")
            told.setdefault(answer.watch_id, []).extend(show(answer).get("events"))
            total += len(answer.events)
        self._client.record(f"{self._method} tells {count} events", dict(sorted(told.items(), key=str)))
        return told
