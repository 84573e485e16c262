# SPDX-License-Identifier: Apache-2.0
"""What a Kubernetes API server asks of etcd (k8s.io/apiserver, storage/etcd3), and what it relies on in the answers."""

import re
import threading

from harness import expect
from requests_of_txn import compare, delete, get, put

PODS, END = "/registry/pods/", "/registry/pods0"
COMPACT_KEY = "compact_rev_key"
LEADER = (("hasleader", "true"),)


def _create(s, key, value, lease=0):
    return s.txn([compare(key, mod_revision=0)], [put(key, value, lease=lease)])


def _update(s, key, value, revision):
    return s.txn([compare(key, mod_revision=revision)], [put(key, value)], [get(key)])


def _delete(s, key, revision):
    return s.txn([compare(key, mod_revision=revision)], [delete(key)], [get(key)])


def an_object_is_got(s):
    absent = s.range("/registry/pods/a", limit=1)
    expect(absent.header.revision > 0 and not absent.kvs, "an absent object comes with a revision")
    created = _create(s, "/registry/pods/a", "one")
    found = s.range("/registry/pods/a", limit=1)
    expect(found.kvs[0].mod_revision == created.header.revision, "its revision is that of its creation")
    s.range("/registry/pods/a", limit=1, revision=created.header.revision)


def an_object_is_created_once(s):
    first = _create(s, "/registry/pods/a", "one")
    again = _create(s, "/registry/pods/a", "two")
    expect(first.succeeded and not again.succeeded and not again.responses, "the second is told that it is there")
    expect(s.range("/registry/pods/a").kvs[0].value == b"one", "the first stays")


def an_object_is_updated_by_who_knows_it(s):
    revision = _create(s, "/registry/pods/a", "one").header.revision
    updated = _update(s, "/registry/pods/a", "two", revision)
    late = _update(s, "/registry/pods/a", "three", revision)
    expect(updated.succeeded and updated.header.revision == revision + 1, "an update has the next revision")
    current = late.responses[0].response_range.kvs[0]
    expect(not late.succeeded and current.value == b"two" and current.mod_revision == revision + 1, "the late one is told what is there")
    gone = _update(s, "/registry/pods/none", "x", revision)
    expect(not gone.succeeded and not gone.responses[0].response_range.kvs, "and that nothing is")


def an_object_is_deleted_by_who_knows_it(s):
    revision = _create(s, "/registry/pods/a", "one").header.revision
    wrong = _delete(s, "/registry/pods/a", revision - 1)
    expect(not wrong.succeeded and wrong.responses[0].response_range.kvs[0].value == b"one", "who does not is told what is there")
    right = _delete(s, "/registry/pods/a", revision)
    expect(right.succeeded and right.responses[0].response_delete_range.deleted == 1, "it is deleted")
    expect(right.header.revision == revision + 1, "by a revision")
    s.range("/registry/pods/a", limit=1)


def a_list_in_pages(s):
    for number in range(23):
        s.ask("KV.Put", key=f"{PODS}p{number:02}", value="v")
    key, revision, seen = PODS.encode(), 0, []
    while True:
        page = s.range(key, range_end=END, limit=5, revision=revision)
        revision = revision or page.header.revision
        seen += [kv.key for kv in page.kvs]
        expect(page.count == 23 - len(seen) + len(page.kvs), "the count is of all that is left")
        s.ask("KV.Put", key=f"{PODS}p00x{len(seen)}", value="later")
        if len(page.kvs) == page.count:
            break
        expect(page.more, "there is more")
        key = page.kvs[-1].key + b"\0"
    expect(len(seen) == 23 and seen == sorted(seen), "each is seen once, as of the first page")


def a_list_of_a_compacted_revision(s):
    first = s.ask("KV.Put", key=f"{PODS}a", value="1").header.revision
    s.ask("KV.Put", key=f"{PODS}a", value="2")
    s.ask("KV.Compact", revision=first + 1)
    s.range(PODS, range_end=END, limit=5, revision=first)
    expect(s.steps[-1][1] == "OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted", "expired")
    s.range(PODS, range_end=END, revision=first + 100)
    expect(s.steps[-1][1] == "OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision", "too large")


def counts_and_keys(s):
    for number in range(7):
        s.ask("KV.Put", key=f"{PODS}p{number}", value="v" * 50)
    expect(s.range(PODS, range_end=END, count_only=True).count == 7, "they are counted")
    keys = s.range(PODS, range_end=END, keys_only=True).kvs
    expect(len(keys) == 7 and not any(kv.value for kv in keys), "keys come without values")
    s.range("/registry/health")


def objects_with_a_lease_go_with_it(s):
    lease = s.grant(600).ID
    for name in "ab":
        expect(_create(s, f"/registry/events/{name}", "e", lease).succeeded, "one lease is for many")
    w = s.watch(LEADER)
    w.created("/registry/events/", range_end="/registry/events0", prev_kv=True)
    s.call("Lease.LeaseRevoke", ID=lease)
    answer = w.take()
    expect(all(event.type == 1 and event.HasField("prev_kv") for event in answer.events), "each delete comes with what it was")


def a_watch_goes_on_from_a_list(s):
    a = _create(s, f"{PODS}a", "one").header.revision
    listed = s.range(PODS, range_end=END).header.revision
    b = _create(s, f"{PODS}b", "one").header.revision
    a2 = _update(s, f"{PODS}a", "two", a).header.revision
    w = s.watch(LEADER)
    w.created(PODS, range_end=END, start_revision=listed + 1, prev_kv=True, progress_notify=True)
    _delete(s, f"{PODS}b", b)
    events = w.events(3)[0]
    expect([event["kv"]["key"] for event in events] == [b"/registry/pods/b", b"/registry/pods/a", b"/registry/pods/b"], "in order")
    expect("prev_kv" not in events[0] and events[0]["kv"]["create_revision"] == events[0]["kv"]["mod_revision"], "a creation")
    expect(events[1]["prev_kv"]["value"] == b"one" and events[1]["kv"]["mod_revision"] == a2, "an update with what was there")
    expect(events[2]["type"] == "DELETE" and events[2]["prev_kv"]["value"] == b"one", "a delete with what was there")


def a_watch_of_what_is_compacted_is_told(s):
    first = s.ask("KV.Put", key=f"{PODS}a", value="1").header.revision
    for value in "234":
        s.ask("KV.Put", key=f"{PODS}a", value=value)
    s.ask("KV.Compact", revision=first + 2)
    w = s.watch(LEADER)
    w.created(PODS, range_end=END, start_revision=first, prev_kv=True)
    expect(w.take().compact_revision == first + 2, "a watch is told from where on there is something")


def progress_tells_how_far_a_stream_is(s):
    """A consistent list from the watch's cache: asked every 100 ms until it is there, and never ahead of the events."""
    w = s.watch(LEADER)
    w.created(PODS, range_end=END, start_revision=s.at(1), prev_kv=True, progress_notify=True)
    for number in range(30):
        written = s.ask("KV.Put", key=f"{PODS}p{number:02}", value="v").header.revision
        w.progress()
        events, at = 0, 0
        while at < written:
            answer = w.get()
            expect(answer is not None and not isinstance(answer, str), f"it goes on: {answer}")
            events += len(answer.events)
            at = answer.header.revision if not answer.events else answer.events[-1].kv.mod_revision
        expect(events == 1, f"revision {written} was told of with {events} events before it")
    s.record("told of all", number + 1)


def progress_is_told_by_itself(s):
    w = s.watch(LEADER)
    w.created(PODS, range_end=END, progress_notify=True)
    written = s.ask("KV.Put", key="/registry/other", value="v").header.revision
    answer = w.get()
    while answer.header.revision < written:
        answer = w.get()
    expect(not answer.events and answer.watch_id == 0, "a bookmark")
    s.record("a bookmark", "came")


def compaction_is_agreed_on(s):
    """Two API servers take turns: who changes the key compacts, and the other one learns."""
    def compacts(version, revision):
        done = s.txn([compare(COMPACT_KEY, version=version)], [put(COMPACT_KEY, str(revision))], [get(COMPACT_KEY)])
        if done.succeeded and revision:
            s.compact(revision)
        return done

    first = compacts(0, 0)
    expect(first.succeeded, "the first round writes only")
    late = compacts(0, 0)
    known = late.responses[0].response_range.kvs[0]
    expect(not late.succeeded and known.version == 1 and known.value == b"0", "the other learns the version")
    s.ask("KV.Put", key=f"{PODS}a", value="1")
    second = compacts(1, first.header.revision)
    expect(second.succeeded, "who knows the version is next")
    s.range(PODS, range_end=END, revision=first.header.revision)
    s.range(PODS, range_end=END, revision=first.header.revision - 1)
    expect("compacted" in s.steps[-1][1], "what is older is gone")
    w = s.watch(LEADER)
    w.created(COMPACT_KEY, start_revision=second.header.revision)
    expect(w.take().events[0].kv.version == 2, "and whoever watches the key knows")


def features_are_told_by_the_version(s):
    s.ask("KV.Put", key=f"{PODS}a", value="1")
    status = s.ask("Maintenance.Status")
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", status.version)
    expect(match and status.dbSize > 0, f"a version and a size: {status.version}, {status.dbSize}")
    s.record("a version", "came")


def many_clients_update_one_object(s):
    """The loop of a guaranteed update: each counts on what it read, and tries again with what it is told."""
    key = f"{PODS}counter"
    _create(s, key, "0")

    def add():
        known = s.ask("KV.Range", key=key).kvs[0]
        while True:
            done = s.ask("KV.Txn", compare=[compare(key, mod_revision=known.mod_revision)],
                         success=[put(key, str(int(known.value) + 1))], failure=[get(key)])
            if done.succeeded:
                return
            known = done.responses[0].response_range.kvs[0]

    def work():
        for _ in range(10):
            add()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    expect(s.range(key).kvs[0].value == b"40", "no update is lost")
    expect(s.range(key).kvs[0].version == 41, "and none is made twice")
