# SPDX-License-Identifier: Apache-2.0
"""What a case has in its hands: one server, asked step by step, and the transcript of what it answered.

Answers go into the transcript with what must differ between two servers replaced by words:

- ids of cluster and members by whose they are, ids of leases that the server chose by their order;
- revisions by their distance from the one that the case began at ("@+2");
- keys of a lease, and members, by their order: that of a hash table, and that of ids;
- the scheme of peer URLs, http for etcd and tcp for etcfs;
- what is left of a lease of 600 s by "nearly 600";
- terms, indexes and sizes by "some", if there are any;
- URLs and ports of the server by what they are for.

Everything else stays as it came, to be compared field by field.
"""

import base64
import hashlib
import http.client
import json
import os
import queue
import re
import signal
import subprocess
import threading

import grpc

from differences import gateway_like_the_other

from harness import Failure, expect, until
from wire import Channel, error_text, show

ANSWER_SECONDS = 30  # for what must come, also from a sanitized daemon
LONG_BYTES = 10_000  # of a value that is compared by its digest
QUIET_SECONDS = 0.3  # for what must not
REVISIONS = {"revision", "create_revision", "mod_revision", "compact_revision", "hash_revision", "rev"}
SOME = {"raft_term", "raftIndex", "raftTerm", "raftAppliedIndex", "dbSize", "dbSizeInUse", "term"}
UNORDERED = {"keys", "members"}
NEARLY = range(590, 600)  # what is left of the 600 s that most cases ask for
IDS = {"cluster_id", "member_id", "ID", "leader", "lease", "memberID"}
EVERYTHING = {"key": b"\0", "range_end": b"\0"}


class Client:
    def __init__(self, server, wire):
        self.server, self.wire = server, wire
        self.channel = Channel(wire, server.target)
        self.steps, self.names, self._streams, self._processes = [], {}, [], []
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
        for process in self._processes:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stdin.close()
        self._streams, self._processes = [], []

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

    def call(self, method, metadata=(), **fields):
        """The answer, or None for an error; either goes into the transcript."""
        request = self.wire.make(self.wire.method(method).input_type, fields)
        label = f"{method} {_short(fields)}"
        try:
            answer = self.channel.unary(method, request, metadata)
        except grpc.RpcError as error:
            self.record(label, error_text(error))
            return None
        if method == "Lease.LeaseGrant" and fields.get("ID", 0) == 0:
            self._leases += 1
            self.names[answer.ID] = f"lease {self._leases}"
        if method == "Cluster.MemberAdd":
            self.names[answer.member.ID] = "the new member"
        self.record(label, show(answer))
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

    # ---- the JSON gateway, and the rest of HTTP ----

    def post(self, path, message=None, body=None, **headers):
        """A call through the gateway; body: instead of a message, as it is. The message of the answer, if it is one."""
        return self.http("POST", path, json.dumps(message or {}) if body is None else body, **headers)

    def http(self, verb, path, body=None, **headers):
        connection = http.client.HTTPConnection(self.server.target, timeout=ANSWER_SECONDS)
        connection.request(verb, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        kind = answer.headers.get("content-type", "")
        said = {"status": answer.status, "type": kind, "text": text}
        if kind == "application/json" and text.startswith("{"):
            said = {"status": answer.status, "type": kind, "message": json.loads(text)}
        said = gateway_like_the_other(self.server.name == "etcd", path, said)
        self.record(f"{verb} {path} {'' if body is None else body[:200]}", said)
        return said.get("message")

    def post_stream(self, path, message, count, **headers):
        """So many messages of a stream of the gateway; then its client goes away."""
        connection = http.client.HTTPConnection(self.server.target, timeout=ANSWER_SECONDS)
        connection.request("POST", path, json.dumps(message), headers)
        answer = connection.getresponse()
        self.record(f"POST {path} {message}", {"status": answer.status, "type": answer.headers.get("content-type", "")})
        for _ in range(count):
            yield self._streamed(path, answer.readline())
        connection.close()

    def _streamed(self, path, line):
        message = json.loads(line) if line else None
        self.record(f"{path} tells", message)
        return message

    # ---- etcd's own command line ----

    def etcdctl(self, *words, value=b"", seconds=ANSWER_SECONDS, **environment):
        """What it printed, and its status."""
        done = subprocess.run(["etcdctl", *words], input=value, timeout=seconds, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, cwd=self.server.folder,
                              env={"PATH": os.environ["PATH"], "ETCDCTL_API": "3", "ETCDCTL_ENDPOINTS": self.server.target,
                                   **environment})
        said = {"status": done.returncode, "out": self.lines(done.stdout), "err": self.lines(done.stderr)}
        self.record(f"etcdctl {' '.join(map(str, words))}", said)
        return done.stdout.decode(errors="replace")

    def etcdctl_until(self, *words, count, masked=None):
        """So many lines of one that does not end by itself; it runs to the end of the case."""
        return Running(self, words).take(count, masked)

    def etcdctl_begin(self, *words, value=b""):
        return Running(self, words, value)

    def until_keys(self, prefix, count):
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        until(lambda: self.ask("KV.Range", key=prefix, range_end=end).count == count, ANSWER_SECONDS, f"{count} keys of {prefix}")

    def keep(self, process):
        """It ends with the case."""
        self._processes.append(process)

    @staticmethod
    def lines(text):
        """Lines, or what stands in the JSON of each."""
        text = text if isinstance(text, str) else text.decode(errors="replace")
        lines = _TERM.sub(r'\1 some', _LOGGED.sub("", text)).splitlines()
        return [json.loads(line) if line.startswith(("{", "[{")) else line for line in lines]

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
        if name == "peerURLs":
            return [self._normal_text(self._peer_url(url)) for url in value]
        if isinstance(value, list):
            shown = [self.normal(name, one) for one in value]
            return sorted(shown, key=str) if name in UNORDERED else shown
        if isinstance(value, str) and name in REVISIONS | SOME | IDS and value.lstrip("-").isdigit():
            return f"text {self.normal(name, int(value))}"  # JSON has 64 bits so
        if isinstance(value, bytes) and len(value) > LONG_BYTES:
            return f"{len(value)} bytes, {hashlib.sha256(value).hexdigest()}"
        if isinstance(value, (str, bytes)):
            return self._normal_text(value)
        if name in REVISIONS and value > 0:
            return f"@{value - self.base:+d}"
        if name in SOME:
            return "some"
        if name == "TTL" and value in NEARLY:
            return "nearly 600"
        if name in IDS:
            return self.names.get(value, self.names.get(value & (1 << 64) - 1, value))
        return value

    def _peer_url(self, url):
        """Members of etcfs speak to each other over TCP, not HTTP."""
        scheme = "http://" if self.server.name == "etcd" else "tcp://"
        expect(url.startswith(scheme), f"a peer URL of {self.server.name}: {url}")
        return f"PEERS://{url[len(scheme):]}"

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


def _short(fields):
    """As much of a request as one wants to read."""
    return {name: f"{value[:20]!r}..." if isinstance(value, (str, bytes)) and len(value) > 100 else value
            for name, value in fields.items()}


def b64(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


_TERM = re.compile(r'^("RaftTerm" :) \d+$', re.MULTILINE)
# What etcdctl says of its own work: when, where in its source, how long it took.
_LOGGED = re.compile(r'^{"level":.*\n', re.MULTILINE)



class Running:
    """An etcdctl that does not end by itself."""

    def __init__(self, client, words, value=b""):
        self._client, self._label = client, f"etcdctl {' '.join(map(str, words))}"
        self._process = subprocess.Popen(["etcdctl", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL, text=True, cwd=client.server.folder,
                                         env={"PATH": os.environ["PATH"], "ETCDCTL_API": "3",
                                              "ETCDCTL_ENDPOINTS": client.server.target})
        self._process.stdin.write(value.decode())
        self._process.stdin.flush()
        client.keep(self._process)

    def take(self, count, masked=None):
        """So many lines, each with what is masked (a pattern) by a word."""
        self._client.record(self._label, self._read(lambda said: "".join(said.readline() for _ in range(count)), masked))
        return self

    def rest(self, masked=None):
        """All that it says until it ends, and its status."""
        self._process.stdin.close()
        said = self._read(lambda said: said.read(), masked)
        self._client.record(f"{self._label}, to its end", {"status": self._process.wait(), "out": said})

    def _read(self, read, masked):
        killer = threading.Timer(ANSWER_SECONDS, self._process.kill)
        killer.start()
        text = read(self._process.stdout)
        killer.cancel()
        return self._client.lines(re.sub(masked, "MASKED", text, flags=re.M) if masked else text)

    def interrupt(self):
        self._process.send_signal(signal.SIGINT)
        return self


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

    def answer(self):
        return self._answers.get(timeout=ANSWER_SECONDS)

    def take(self):
        answer = self.answer()
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
            if not answer.events and not answer.created and not answer.canceled:
                continue  # progress, which comes by time
            expect(answer.events, f"events, not {show(answer)}")
            told.setdefault(answer.watch_id, []).extend(show(answer).get("events"))
            total += len(answer.events)
        self._client.record(f"{self._method} tells {count} events", dict(sorted(told.items(), key=str)))
        return told
