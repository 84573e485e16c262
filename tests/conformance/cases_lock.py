# SPDX-License-Identifier: Apache-2.0
"""Lock and Election: by lease and by order of coming."""

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
