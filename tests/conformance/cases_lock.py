# SPDX-License-Identifier: Apache-2.0
"""Lock and Election: by lease and by order of coming."""

from client import b64

ID = 0x1234567


def a_lock_is_held_by_one(s):
    s.grant(600, ID)
    s.grant(600, ID + 1)
    first = s.call("Lock.Lock", name="lock", lease=ID)
    waiting = s.later("Lock.Lock", name="lock", lease=ID + 1)
    waiting.is_waiting()
    s.range("lock", range_end="locl")
    s.call("Lock.Unlock", key=first.key)
    second = waiting.take()
    s.call("Lock.Unlock", key=second.key)
    s.range("lock", range_end="locl")


def a_lock_is_held_again_by_who_holds_it(s):
    s.grant(600, ID)
    s.call("Lock.Lock", name="lock", lease=ID)
    s.call("Lock.Lock", name="lock", lease=ID)


def a_lock_goes_with_its_lease(s):
    s.grant(600, ID)
    s.grant(600, ID + 1)
    s.call("Lock.Lock", name="lock", lease=ID)
    waiting = s.later("Lock.Lock", name="lock", lease=ID + 1)
    waiting.is_waiting()
    s.call("Lease.LeaseRevoke", ID=ID)
    waiting.take()


def locks_that_cannot_be(s):
    s.call("Lock.Lock", name="lock", lease=ID)
    s.call("Lock.Unlock", key="nothing")
    s.call("Lock.Unlock")


def one_is_elected(s):
    s.grant(600, ID)
    s.grant(600, ID + 1)
    won = s.call("Election.Campaign", name="post", lease=ID, value="one")
    waiting = s.later("Election.Campaign", name="post", lease=ID + 1, value="two")
    waiting.is_waiting()
    s.call("Election.Leader", name="post")
    leader = {"name": "post", "key": won.leader.key, "rev": won.leader.rev, "lease": ID}
    s.call("Election.Proclaim", leader=leader, value="one again")
    s.call("Election.Leader", name="post")
    s.call("Election.Resign", leader=leader)
    waiting.take()
    s.call("Election.Leader", name="post")
    s.call("Election.Proclaim", leader=leader, value="too late")
    s.call("Election.Resign", leader=leader)


def elections_that_cannot_be(s):
    s.call("Election.Leader", name="post")
    s.call("Election.Campaign", name="post", lease=ID, value="one")
    s.call("Election.Proclaim", value="one")
    s.call("Election.Resign")


def locks_and_elections_as_json(s):
    s.grant(600, ID)
    held = s.post("/v3/lock/lock", {"name": "bG9jaw==", "lease": str(ID)})
    s.post("/v3/lock/unlock", {"key": held["key"]})
    won = s.post("/v3/election/campaign", {"name": "cG9zdA==", "lease": str(ID), "value": "b25l"})
    s.post("/v3/election/leader", {"name": "cG9zdA=="})
    s.post("/v3/election/proclaim", {"leader": won["leader"], "value": "dHdv"})
    s.post("/v3/election/resign", {"leader": won["leader"]})
    s.post("/v3/election/leader", {"name": "cG9zdA=="})


def a_lock_whose_lease_ends_while_it_waits(s):
    s.grant(600, ID)
    s.grant(600, ID + 1)
    first = s.call("Lock.Lock", name="lock", lease=ID)
    waiting = s.later("Lock.Lock", name="lock", lease=ID + 1)
    waiting.is_waiting()
    s.call("Lease.LeaseRevoke", ID=ID + 1)
    s.call("Lock.Unlock", key=first.key)
    waiting.take()
    s.range("lock", range_end="locl")


def a_candidate_whose_lease_ends_while_it_waits(s):
    s.grant(600, ID)
    s.grant(600, ID + 1)
    won = s.call("Election.Campaign", name="post", lease=ID, value="one")
    waiting = s.later("Election.Campaign", name="post", lease=ID + 1, value="two")
    waiting.is_waiting()
    s.call("Lease.LeaseRevoke", ID=ID + 1)
    s.call("Election.Resign", leader={"name": "post", "key": won.leader.key, "rev": won.leader.rev, "lease": ID})
    waiting.take()
    s.range("post", range_end="posu")


def a_leader_whose_lease_has_ended(s):
    s.grant(600, ID)
    won = s.call("Election.Campaign", name="post", lease=ID, value="one")
    leader = {"name": "post", "key": won.leader.key, "rev": won.leader.rev, "lease": ID}
    s.call("Lease.LeaseRevoke", ID=ID)
    s.call("Election.Proclaim", leader=leader, value="too late")
    s.call("Election.Resign", leader=leader)
    s.call("Election.Campaign", name="post", lease=ID, value="again")


def who_brings_no_lease_is_given_one(s):
    held = s.ask("Lock.Lock", name="lock")
    won = s.ask("Election.Campaign", name="post", value="one").leader
    for name, key in ((b"lock", held.key), (b"post", won.key)):
        lease = int(key.split(b"/")[1], 16)
        left = s.ask("Lease.LeaseTimeToLive", ID=lease, keys=True)
        s.record("its time, and what hangs on it", [left.grantedTTL, [one == key for one in left.keys], key.startswith(name)])
    s.record("the leader's lease is that of its key", won.key == b"post/%x" % won.lease)
    leader = {"name": won.name, "key": won.key, "rev": won.rev}
    s.ask("Election.Proclaim", leader={**leader, "lease": won.lease}, value="two")
    s.ask("Election.Proclaim", leader=leader, value="three")
    record = s.ask("Election.Leader", name="post").kv
    s.record("what it proclaimed last", [record.value, record.version, record.lease != 0, record.lease == won.lease])
    s.ask("Lock.Unlock", key=held.key)
    s.ask("Election.Resign", leader=leader)
    s.range("post", range_end="posu")


def waits_of_the_gateway(s):
    s.grant(600, ID)
    s.grant(600, ID + 1)
    one = s.post("/v3/election/campaign", {"name": b64("post"), "lease": str(ID), "value": b64("one")})
    told = s.post_stream("/v3/election/observe", {"name": b64("post")}, 2)
    next(told)
    s.post("/v3/election/proclaim", {"leader": one["leader"], "value": b64("two")})
    next(told)
    for _ in told:
        pass
    s.post("/v3/election/campaign", {"name": b64("post"), "lease": str(ID + 1)}, **{"Grpc-Timeout": "200m"})
    s.post("/v3/election/resign", {"leader": one["leader"]})
    s.post("/v3/election/leader", {"name": b64("post")})
    s.post("/v3/election/proclaim", {"value": b64("two")})
    s.post("/v3/election/resign")
    s.post("/v3/lock/lock", {"name": b64("lock"), "lease": "4711"})
    s.post("/v3/lock/unlock")
