# SPDX-License-Identifier: Apache-2.0
"""Lease: granted, kept alive, asked about, revoked, expired."""

import time

from requests_of_txn import compare, get, put

ID = 0x1234567


def _events_of_expiry(s, *keys, seconds=10):
    """What a watcher is told when a lease of keys expires."""
    w = s.watch()
    w.created(keys[0], range_end=b"\0", prev_kv=True)
    answer = w.get(seconds)
    s.record("expiry tells", [] if answer is None else [(event.type, event.kv.key) for event in answer.events])


def a_lease_is_granted(s):
    s.grant(600)
    s.call("Lease.LeaseLeases")
    s.grant(600, ID)


def a_lease_has_a_least_time(s):
    for ttl in (0, 1, 2, 3, -1, -100):
        s.grant(ttl)


def a_lease_has_a_longest_time(s):
    s.grant(9_000_000_000)
    s.grant(9_000_000_001)
    s.grant(1 << 62)


def an_id_is_granted_once(s):
    s.grant(600, ID)
    s.grant(600, ID)
    s.grant(100, ID)
    s.call("Lease.LeaseTimeToLive", ID=ID)


def ids_of_every_kind(s):
    for lease in (1, -1, -(1 << 63), (1 << 63) - 1):
        s.grant(600, lease)
        s.put("a", "1", lease=lease)
        s.range("a")
        s.call("Lease.LeaseRevoke", ID=lease)
        s.range("a")


def a_grant_makes_no_revision(s):
    s.grant(600, ID)
    s.put("a", "1")
    s.call("Lease.LeaseRevoke", ID=ID)
    s.put("a", "2")


def a_revoke_deletes_the_keys_at_once(s):
    s.grant(600, ID)
    for key in "cab":
        s.put(key, "1", lease=ID)
    s.put("d", "1")
    w = s.watch()
    w.created("a", range_end="z")
    s.call("Lease.LeaseRevoke", ID=ID)
    w.take()
    s.range("a", range_end="z")
    s.call("Lease.LeaseRevoke", ID=ID)
    s.call("Lease.LeaseTimeToLive", ID=ID, keys=True)


def leases_that_are_not_there(s):
    s.call("Lease.LeaseRevoke", ID=ID)
    s.call("Lease.LeaseRevoke", ID=0)
    s.call("Lease.LeaseTimeToLive", ID=ID)
    s.call("Lease.LeaseTimeToLive", ID=ID, keys=True)
    s.call("Lease.LeaseTimeToLive", ID=0)
    s.put("a", "1", lease=ID)


def keys_of_a_lease(s):
    s.grant(600, ID)
    s.call("Lease.LeaseTimeToLive", ID=ID, keys=True)
    for key in ("c", "a", "b"):
        s.put(key, "1", lease=ID)
    s.call("Lease.LeaseTimeToLive", ID=ID, keys=True)
    s.call("Lease.LeaseTimeToLive", ID=ID)
    s.delete("b")
    s.call("Lease.LeaseTimeToLive", ID=ID, keys=True)


def a_key_changes_its_lease(s):
    s.grant(600, ID)
    s.grant(600, ID + 1)
    s.put("a", "1", lease=ID)
    s.put("a", "2", lease=ID + 1)
    s.call("Lease.LeaseTimeToLive", ID=ID, keys=True)
    s.call("Lease.LeaseTimeToLive", ID=ID + 1, keys=True)
    s.call("Lease.LeaseRevoke", ID=ID)
    s.range("a")
    s.put("a", "3")
    s.range("a")
    s.call("Lease.LeaseRevoke", ID=ID + 1)
    s.range("a")


def a_put_keeps_its_lease(s):
    s.grant(600, ID)
    s.put("a", "1", lease=ID)
    s.put("a", "2", ignore_lease=True, prev_kv=True)
    s.put("a", ignore_value=True, prev_kv=True)
    s.range("a")
    s.put("a", ignore_value=True, lease=ID, prev_kv=True)
    s.range("a")


def leases_in_transactions(s):
    s.grant(600, ID)
    s.txn([], [put("a", "1", lease=ID), put("b", "1", lease=ID), get("a")])
    s.txn([compare("a", lease=ID)], [get("a", keys_only=True)])
    s.txn([compare("a", "NOT_EQUAL", lease=ID)], [put("c", "1")], [put("d", "1")])
    s.txn([], [put("e", "1"), put("f", "1", lease=ID + 1)])
    s.range("e")
    s.call("Lease.LeaseTimeToLive", ID=ID, keys=True)


def keys_alone_have_their_lease(s):
    s.grant(600, ID)
    s.put("a", "1", lease=ID)
    s.range("a", keys_only=True)
    s.range("a", range_end="z", keys_only=True)


def kept_alive(s):
    s.grant(600, ID)
    k = s.stream("Lease.LeaseKeepAlive")
    for lease in (ID, ID, ID + 1, 0):
        k.send(ID=lease)
        k.take()
    s.call("Lease.LeaseRevoke", ID=ID)
    k.send(ID=ID)
    k.take()
    k.half_close()
    k.take()


def all_leases(s):
    """Those that end first come first."""
    for lease, ttl in ((30, 600), (10, 600), (40, 100), (50, 9000), (20, 600)):
        s.grant(ttl, lease)
        time.sleep(0.01)
    s.call("Lease.LeaseLeases")
    s.call("Lease.LeaseRevoke", ID=20)
    s.call("Lease.LeaseLeases")


def a_lease_expires(s):
    s.grant(2, ID)
    s.put("b", "1", lease=ID)
    s.put("a", "1", lease=ID)
    _events_of_expiry(s, "a")
    s.range("a", range_end="z")
    s.call("Lease.LeaseTimeToLive", ID=ID)
    k = s.stream("Lease.LeaseKeepAlive")
    k.send(ID=ID)
    k.take()
