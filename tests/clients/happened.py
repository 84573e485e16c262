# SPDX-License-Identifier: Apache-2.0
"""What has happened: each revision's events, from the change log (who, what, in which order) and from ranges of the past (values).

The two are held against each other, against a replay (versions, what was before), and against what writers were answered.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from harness import expect

EVERYTHING = {"key": b"\0", "range_end": b"\0"}
RANGES_AT_ONCE = 4
LOG_LINES = 100000


@dataclass(frozen=True)
class Record:
    mod_revision: int
    create_revision: int
    version: int
    value: bytes


@dataclass(frozen=True)
class Event:
    revision: int
    kind: str  # PUT or DELETE
    key: bytes
    record: Record = None  # of a PUT
    prev: Record = None

    def __str__(self):
        return f"{self.kind} {self.key.decode()} at {self.revision}"


def record_of(kv):
    return Record(kv.mod_revision, kv.create_revision, kv.version, kv.value)


class Happened:
    def __init__(self, ask):
        """ask(node, method, fields): the answer of a unary call."""
        self._ask, self.newest, self.revisions, self._state = ask, 1, {}, {}

    def gather(self, node):
        """All up to the newest revision that the node has: it is kept here when it is compacted there."""
        changes = [change for change in self._log(node) if change[0] > self.newest]
        with ThreadPoolExecutor(RANGES_AT_ONCE) as pool:
            puts = pool.map(lambda change: self._puts(node, change[0]), changes)
            for (revision, events), records in zip(changes, puts):
                self._replay(revision, events, records)

    def _log(self, node):
        """[(revision, [(kind, key)])], the oldest first."""
        lines = node.etcfs("--json", "log", "--limit", LOG_LINES).splitlines()
        changes = [json.loads(line) for line in lines]
        return [(change["revision"], [(event["type"].upper(), event["record"]["key"].encode()) for event in change["events"]])
                for change in reversed(changes)]

    def _puts(self, node, revision):
        found = self._ask(node, "KV.Range", {**EVERYTHING, "revision": revision, "min_mod_revision": revision})
        return {kv.key: record_of(kv) for kv in found.kvs}

    def _replay(self, revision, events, records):
        expect(revision == self.newest + 1, f"revision {revision} follows {self.newest} in the change log")
        put = {key for kind, key in events if kind == "PUT"}
        expect(put == set(records), f"the log and a range at {revision} tell of the same puts: {put ^ set(records)}")
        told = []
        for kind, key in events:
            before, record = self._state.pop(key, None), records.get(key) if kind == "PUT" else None
            if kind == "DELETE":
                expect(before is not None, f"DELETE {key} at {revision}: it was there")
            else:
                self._state[key] = record
                self._expect_follows(key, record, before)
            told.append(Event(revision, kind, key, record, before))
        self.newest, self.revisions[revision] = revision, told

    @staticmethod
    def _expect_follows(key, record, before):
        create = before.create_revision if before else record.mod_revision
        version = before.version + 1 if before else 1
        expect((record.create_revision, record.version) == (create, version), f"{key}: {record} follows {before}")

    def expect_ends_in(self, node):
        """The replay of all changes is what there is."""
        found = {kv.key: record_of(kv) for kv in self._ask(node, "KV.Range", EVERYTHING).kvs}
        expect(found == self._state, f"the changes amount to what {node.name} has: "
                                     f"{[key for key in {*found, *self._state} if found.get(key) != self._state.get(key)][:5]}")

    def expect_answered(self, answers):
        """[(revision, {key: value put}, keys deleted)]: what writers were told has happened, then and only then."""
        for revision, puts, deletes in answers:
            events = self.revisions.get(revision, [])
            found = {event.key: event.record.value for event in events if event.kind == "PUT"}
            gone = {event.key for event in events if event.kind == "DELETE"}
            expect(found == puts, f"what was put at {revision}: {set(puts)}; the log has {set(found)}")
            expect(gone <= deletes, f"what was deleted at {revision}: {deletes}; the log has {gone}")
        values = [event.record.value for events in self.revisions.values() for event in events
                  if event.kind == "PUT" and event.record.value.startswith(b"unique ")]
        expect(len(values) == len(set(values)), "each put has happened at most once")
