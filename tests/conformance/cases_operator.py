# SPDX-License-Identifier: Apache-2.0
"""Cluster, Maintenance, Auth, health: what operators ask, of one node."""

from marks import fresh, spoils

STRANGER = 0x4711


def the_status(s):
    s.put("a", "1")
    s.call("Maintenance.Status")


@fresh
def the_status_of_a_new_server(s):
    s.call("Maintenance.Status")


def alarms_that_there_are_none(s):
    s.call("Maintenance.Alarm")
    s.call("Maintenance.Alarm", action="GET", alarm="NOSPACE")
    s.call("Maintenance.Alarm", action="GET", alarm="CORRUPT", memberID=STRANGER)
    s.call("Maintenance.Alarm", action="DEACTIVATE", alarm="NOSPACE")
    s.call("Maintenance.Alarm", action="DEACTIVATE", alarm="NOSPACE", memberID=STRANGER)


@fresh
def an_alarm_of_a_full_store_is_raised_and_cleared(s):
    s.put("a", "1")
    s.call("Maintenance.Alarm", action="ACTIVATE", alarm="NOSPACE", memberID=s.own_id)
    s.call("Maintenance.Alarm", action="ACTIVATE", alarm="NOSPACE", memberID=s.own_id)
    s.call("Maintenance.Alarm", action="GET")
    s.call("Maintenance.Alarm", action="GET", alarm="NOSPACE")
    s.call("Maintenance.Alarm", action="GET", alarm="CORRUPT")
    s.put("b", "1")
    s.range("a")
    s.grant(600, 7)
    s.txn([], [{"request_put": {"key": "c"}}])
    s.txn([], [{"request_range": {"key": "a"}}])
    s.txn([], [{"request_delete_range": {"key": "nothing"}}])
    s.delete("a")
    s.compact(s.at(1))
    s.http("GET", "/health")
    s.http("GET", "/health?exclude=NOSPACE")
    s.call("Maintenance.Alarm", action="DEACTIVATE", alarm="NOSPACE", memberID=STRANGER)
    s.put("b", "1")
    s.call("Maintenance.Alarm", action="DEACTIVATE", alarm="NOSPACE", memberID=s.own_id)
    s.call("Maintenance.Alarm", action="GET")
    s.put("b", "1")


def hashes_of_keys(s):
    s.put("a", "1")
    s.call("Maintenance.HashKV")
    s.call("Maintenance.HashKV", revision=s.at(1))
    s.call("Maintenance.HashKV", revision=s.at(2))
    s.put("a", "2")
    s.compact(s.at(2))
    s.call("Maintenance.HashKV", revision=s.at(1))
    s.call("Maintenance.HashKV", revision=s.at(2))


def hashes_change_with_what_they_are_of(s):
    """Their values are each server's own; when they are equal is not."""
    hashes = []
    for key, value in (("a", "1"), ("a", "2"), ("b", "2")):
        s.ask("KV.Put", key=key, value=value)
        hashes.append(s.ask("Maintenance.HashKV").hash)
    hashes.append(s.ask("Maintenance.HashKV").hash)
    hashes.append(s.ask("Maintenance.HashKV", revision=s.at(1)).hash)
    s.record("which are the same", [hashes.index(one) for one in hashes])
    before = s.ask("Maintenance.Hash").hash
    s.ask("KV.Put", key="c")
    s.record("the whole has changed", before != s.ask("Maintenance.Hash").hash)


def nothing_is_to_be_defragmented(s):
    s.put("a", "1")
    s.call("Maintenance.Defragment")
    s.range("a")


def a_snapshot_says_how_much_is_to_come(s):
    s.put("a", "1")
    remaining, size, last = [], 0, b""
    message = s.wire.make(s.wire.method("Maintenance.Snapshot").input_type, {})
    for answer in s.channel.server_stream("Maintenance.Snapshot", message):
        remaining.append(answer.remaining_bytes)
        size, last = size + len(answer.blob), answer.blob
    s.record("it decreases", remaining == sorted(remaining, reverse=True))
    s.record("it ends with 0", remaining[-1])
    s.record("the digest comes by itself", len(last))
    s.record("the rest is whole blocks", (size - len(last)) % 512)


def leadership_is_not_moved_to_strangers(s):
    s.call("Maintenance.MoveLeader", targetID=STRANGER)
    s.call("Maintenance.MoveLeader")


def downgrades(s):
    s.call("Maintenance.Downgrade", action="VALIDATE", version="3.3.0")
    s.call("Maintenance.Downgrade", action="CANCEL")


def the_members(s):
    s.call("Cluster.MemberList")
    s.call("Cluster.MemberList", linearizable=True)


@fresh
def a_member_that_is_well_has_told_where_its_clients_find_it(s):
    s.call("Cluster.MemberList")


def members_that_are_not_there(s):
    s.call("Cluster.MemberRemove", ID=STRANGER)
    s.call("Cluster.MemberRemove")
    s.call("Cluster.MemberUpdate", ID=STRANGER, peerURLs=["http://127.0.0.1:1"])
    s.call("Cluster.MemberPromote", ID=STRANGER)


def addresses_that_are_none(s):
    for urls in (["nonsense"], ["127.0.0.1:1"], ["http://"], ["http://127.0.0.1"], ["ftp://127.0.0.1:1"],
                 ["http://127.0.0.1:1/path"], ["http://127.0.0.1:1", "nonsense"]):
        s.call("Cluster.MemberAdd", peerURLs=urls)


def no_addresses(s):
    s.call("Cluster.MemberAdd")


def voters_are_not_promoted(s):
    s.call("Cluster.MemberPromote", ID=s.own_id)


@fresh
def a_learner_comes_and_goes(s):
    added = s.call("Cluster.MemberAdd", peerURLs=["http://127.0.0.1:7"], isLearner=True)
    s.call("Cluster.MemberList")
    s.call("Cluster.MemberPromote", ID=added.member.ID)
    s.call("Cluster.MemberUpdate", ID=added.member.ID, peerURLs=["http://127.0.0.1:9"])
    s.call("Cluster.MemberRemove", ID=added.member.ID)
    s.call("Cluster.MemberRemove", ID=added.member.ID)
    s.call("Cluster.MemberList")
    s.put("a", "1")


@fresh
@spoils
def a_second_learner(s):
    s.call("Cluster.MemberAdd", peerURLs=["http://127.0.0.1:7"], isLearner=True)
    s.call("Cluster.MemberAdd", peerURLs=["http://127.0.0.1:8"], isLearner=True)


def the_last_member_stays(s):
    s.call("Cluster.MemberRemove", ID=s.own_id)


def nobody_is_known(s):
    s.call("Auth.AuthStatus")
    s.call("Auth.AuthEnable")
    s.call("Auth.AuthDisable")
    s.call("Auth.Authenticate", name="root", password="x")
    s.call("Auth.Authenticate")
    s.call("Auth.UserList")
    s.call("Auth.RoleList")


def users_and_roles_that_are_not_there(s):
    s.call("Auth.UserGet", name="x")
    s.call("Auth.UserDelete", name="x")
    s.call("Auth.UserChangePassword", name="x", password="y")
    s.call("Auth.UserGrantRole", user="x", role="y")
    s.call("Auth.UserRevokeRole", name="x", role="y")
    s.call("Auth.RoleGet", role="x")
    s.call("Auth.RoleDelete", role="x")
    s.call("Auth.RoleGrantPermission", name="x", perm={"key": "k"})
    s.call("Auth.RoleRevokePermission", role="x", key="k")


def users_and_roles_without_a_name(s):
    s.call("Auth.UserAdd")
    s.call("Auth.UserGet")
    s.call("Auth.RoleAdd")
    s.call("Auth.RoleGet")


def health_by_grpc(s):
    s.call("Health.Check")
    s.call("Health.Check", service="etcdserverpb.KV")
