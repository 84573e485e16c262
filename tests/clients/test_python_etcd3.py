#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's python3-etcd3 at work: transactions, watches, leases and locks, on three nodes whose leader is killed."""

import io
import itertools
import random
import sys
import threading
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("mount", "conformance")]
import debian  # noqa: E402

debian.require(etcd3="python3-etcd3")
import etcd3  # noqa: E402

from cluster import Cluster  # noqa: E402
from harness import Worker, expect, load, require, run, until  # noqa: E402

CALL_SECONDS = 10
WAIT_SECONDS = 30
ACCOUNTS, MONEY, TRANSFERS = 6, 100, 200
COUNTS = 20  # of each who wants the lock
EVENTS = 100
FAILURES = (etcd3.exceptions.ConnectionFailedError, etcd3.exceptions.ConnectionTimeoutError,
            etcd3.exceptions.InternalServerError)


def client_of(node):
    return etcd3.client(host="127.0.0.1", port=node.client_port, timeout=CALL_SECONDS)


def keys_are_put_found_and_deleted(cluster):
    first, second, third = map(client_of, cluster)
    for number in range(20):
        first.put(f"/py/{number:02}", f"value {number}")
    value, about = second.get("/py/07")
    expect((value, about.key, about.version) == (b"value 7", b"/py/07", 1), f"another node has it: {value} {about}")
    expect(third.get("/py/none") == (None, None), "what is not there is not found")
    found = [about.key.decode() for _, about in third.get_prefix("/py/", sort_order="descend")]
    expect(found == [f"/py/{number:02}" for number in reversed(range(20))], f"in the order that was asked for: {found}")
    found = [value for value, _ in second.get_range("/py/03", "/py/06")]
    expect(found == [b"value 3", b"value 4", b"value 5"], f"a range ends before its end: {found}")
    expect(first.put("/py/07", "new", prev_kv=True).prev_kv.value == b"value 7", "a put tells what was before")
    expect(second.delete("/py/07") and not third.delete("/py/07"), "a delete tells whether there was something")
    expect(first.put_if_not_exists("/py/07", "1") and not second.put_if_not_exists("/py/07", "2"), "the first one creates it")
    expect(third.replace("/py/07", "1", "3") and not first.replace("/py/07", "1", "4"), "who knows the value replaces it")
    expect(load(cluster[2] / "py/07") == "3", "and it is a file")
    expect(second.delete_prefix("/py/").deleted == 20, "all go at once")
    expect(list(third.get_all()) == [], "and nothing is left")


def transactions_keep_the_sum(cluster):
    """Money is moved between accounts by all, at all nodes, while the leader is killed; none is made and none is lost."""
    client = client_of(cluster[1])
    for number in range(ACCOUNTS):
        client.put(f"/bank/{number}", str(MONEY))
    moved = itertools.count()
    progress = [0]

    def transfer():
        client = client_of(random.choice(cluster.nodes))
        try:
            while progress[0] < TRANSFERS:
                if _transfer(client):
                    progress[0] = next(moved) + 1
        except FAILURES:
            pass  # it may have been done: the sum is the same
        finally:
            client.close()
    workers = [Worker(transfer) for _ in range(4)]
    until(lambda: progress[0] > TRANSFERS // 4, WAIT_SECONDS, "money is moved")
    leader = cluster.leader()
    leader.kill()
    leader.start().wait_ready()
    until(lambda: progress[0] >= TRANSFERS, WAIT_SECONDS, "money is moved on")
    for worker in workers:
        worker.stop()
    for node in cluster:
        sums = [int(value) for value, _ in client_of(node).get_prefix("/bank/")]
        expect(sum(sums) == ACCOUNTS * MONEY and len(sums) == ACCOUNTS, f"{node.name}: the sum is the same: {sums}")


def _transfer(client):
    source, target = (f"/bank/{number}" for number in random.sample(range(ACCOUNTS), 2))
    (have, about), (other, about_other) = client.get(source), client.get(target)
    if int(have) == 0:
        return False
    done, _ = client.transaction(
        compare=[client.transactions.mod(source) == about.mod_revision,
                 client.transactions.value(target) == other, client.transactions.version(target) == about_other.version],
        success=[client.transactions.put(source, str(int(have) - 1)), client.transactions.put(target, str(int(other) + 1))],
        failure=[client.transactions.get(source)])
    return done


def watches_tell_every_change(cluster):
    told, others = [], []
    watching, writing = client_of(cluster[2]), client_of(cluster[3])
    events, cancel = watching.watch_prefix("/watched/", prev_kv=True)
    number = watching.add_watch_callback("/watched/5", lambda answer: others.extend(answer.events))
    for count in range(EVENTS):
        writing.put(f"/watched/{count % 10}", str(count))
    writing.delete("/watched/5")
    for event in events:
        told.append(event)
        if isinstance(event, etcd3.events.DeleteEvent):
            break
    cancel()
    expect([event.value for event in told] == [*(str(count).encode() for count in range(EVENTS)), b""], "each, in their order")
    expect(told[-1].prev_value == b"95", f"with what was before: {told[-1].prev_value}")
    until(lambda: len(others) == EVENTS // 10 + 1, WAIT_SECONDS, "who watches one key is told of it alone")
    watching.cancel_watch(number)
    events, cancel = watching.watch("/watched/7", start_revision=told[0].mod_revision)
    past = [next(events).value for _ in range(EVENTS // 10)]
    cancel()
    expect(past == [str(count).encode() for count in range(7, EVENTS, 10)], f"also of what was before it watched: {past}")


def leases_take_their_keys_along(cluster):
    first, second = client_of(cluster[1]), client_of(cluster[2])
    lease = first.lease(600)
    first.put("/leased/a", "1", lease=lease)
    second.put("/leased/b", "1", lease=lease.id)
    about = second.get_lease_info(lease.id)
    expect(about.grantedTTL == 600 and 590 < about.TTL <= 600 and sorted(about.keys) == [b"/leased/a", b"/leased/b"],
           f"any node tells of it: {about}")
    expect(next(iter(lease.refresh())).TTL == 600, "it is kept alive")
    events, cancel = second.watch_prefix("/leased/")
    lease.revoke()
    gone = [next(events), next(events)]
    cancel()
    expect([event.key for event in gone] == [b"/leased/a", b"/leased/b"], f"its keys go with it: {gone}")
    expect(gone[0].mod_revision == gone[1].mod_revision, "at once")
    short = second.lease(2)
    second.put("/leased/c", "1", lease=short)
    until(lambda: first.get("/leased/c")[0] is None, WAIT_SECONDS, "one that is not kept alive ends")


def acquire(client, lock):
    """Debian's tenacity and etcd3 do not agree on how a lock is waited for: each try is one, and what ends it is watched here."""
    while not lock.acquire(timeout=0):
        try:
            client.watch_once(lock.key, timeout=1)
        except etcd3.exceptions.WatchTimedOut:
            pass


def a_lock_has_one_holder(cluster):
    """Each counts on its own node with a read and a write, which only the lock keeps together; it outlives the leader."""
    client_of(cluster[1]).put("/counter", "0")
    done = []

    def count(node):
        client = client_of(node)
        for _ in range(COUNTS):
            lock = client.lock("counter", ttl=60)
            acquire(client, lock)
            client.put("/counter", str(int(client.get("/counter")[0]) + 1))
            expect(lock.release(), "it is still held when it is given back")
        done.append(node)
    threads = [threading.Thread(target=count, args=(node,), daemon=True) for node in cluster]
    for thread in threads:
        thread.start()
    until(lambda: int(client_of(cluster[1]).get("/counter")[0]) > COUNTS, WAIT_SECONDS, "they count")
    follower = cluster.followers()[0]
    cluster.leader().etcfs("leader", "move", follower.name)
    for thread in threads:
        thread.join(2 * WAIT_SECONDS)
    expect(len(done) == 3, f"all have counted: {[node.name for node in done]}")
    value = client_of(cluster[2]).get("/counter")[0]
    expect(value == str(3 * COUNTS).encode(), f"nobody's count is lost: {value}")


def a_lock_of_one_that_is_gone_is_free_again(cluster):
    client = client_of(cluster[2])
    gone, next_one = client_of(cluster[1]).lock("gone", ttl=2), client.lock("gone", ttl=30)
    expect(gone.acquire(), "the first one has it")
    expect(not next_one.acquire(timeout=0), "and the next one has not")
    acquire(client, next_one)  # until the lease of the first one ends
    expect(next_one.is_acquired() and not gone.is_acquired(), "both know")
    next_one.release()


def the_cluster_tells_of_itself(cluster):
    client = client_of(cluster[3])
    members = sorted(client.members, key=lambda member: member.name)
    expect([member.name for member in members] == ["n1", "n2", "n3"], f"its members: {members}")
    expect(client.status().leader.name == cluster.leader().name, "its leader")
    expect(list(client.list_alarms()) == [] and client.hash() != 0, "no alarm, and a hash")
    client.defragment()
    file = io.BytesIO()
    client.snapshot(file)
    expect(len(file.getvalue()) > 1000, "a snapshot")
    revision = client.get_response("/counter").header.revision
    client.compact(revision)
    try:
        client.compact(revision)
        expect(False, "what is compacted is not compacted again")
    except Exception as error:  # the client has no class for it
        expect("compacted" in str(error), f"and it says why: {error!r}")


if __name__ == "__main__":
    require()
    run(Cluster(3), keys_are_put_found_and_deleted, transactions_keep_the_sum, watches_tell_every_change,
        leases_take_their_keys_along, a_lock_has_one_holder, a_lock_of_one_that_is_gone_is_free_again,
        the_cluster_tells_of_itself)
