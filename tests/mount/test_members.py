#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes join, are replaced, lose their vote and leave, by one command each, and what is saved meanwhile stays."""

import json

from cluster import REMOVED, Cluster, expect_alike
from harness import expect, load, require, run, save, until
from ledger import Ledger

FAILED, USAGE, NO_MEMBER = 1, 2, 3
JOIN_SECONDS = 60


def one_becomes_three_while_files_are_saved(cluster):
    n1 = cluster[1]
    save(n1 / "before", "before")
    with Ledger([n1], "grow") as ledger:
        ledger.wait_saves(20, until)
        n2 = cluster.join(n1).wait_ready(JOIN_SECONDS)
        until(lambda: n1.members()["n2"]["caught_up"], JOIN_SECONDS, "n2 has caught up")
        expect(n1.voters() == {"n1"}, "of two nodes one votes")
        expect("caught up" in _line(n1.etcfs("status"), "n2"), f"etcfs status says so:\n{n1.etcfs('status')}")
        n3 = cluster.join(n2).wait_ready(JOIN_SECONDS)  # through a member that does not lead
        cluster.wait_voters(n1, n2, n3)
        ledger.add(n3)
        ledger.wait_saves(50, until)
    print(f"       {ledger.summary()}")
    ledger.check_failures([n1, n3], allowed=())
    ledger.check(cluster)
    for node in (n2, n3):
        expect(load(node / "before") == "before", "what was there before has come along")
        expect_alike(n1.mount, node.mount)


def _line(text, name):
    return next((line for line in text.splitlines() if line.startswith(name)), "")


def a_joined_node_restarts_with_the_same_words(cluster):
    n3 = cluster[3]
    n3.stop()
    save(cluster[1] / "meanwhile", "meanwhile")
    n3.start().wait_ready()
    expect(load(n3 / "meanwhile") == "meanwhile", "it is the member that it was")
    expect(len(cluster[1].members()) == 3, "and nobody new")


def all_restart_at_once_and_are_the_same_members(cluster):
    before = {name: member["id"] for name, member in cluster[1].members().items()}
    cluster.kill_all()
    cluster.start()
    for node in cluster:
        until(lambda node=node: {name: member["id"] for name, member in node.members().items()} == before,
              JOIN_SECONDS, f"{node.name} knows the members")
    expect(load(cluster[2] / "before") == "before", "with their files")


def leadership_moves_where_it_is_sent(cluster):
    for node in (cluster[2], cluster[3], cluster[1]):
        asked = cluster.followers()[0]  # not the leader: it is passed on
        said = asked.etcfs("leader", "move", node.name)
        expect(node.name in said, f"etcfs leader move says: {said}")
        for other in cluster:
            until(lambda other=other, node=node: other.etcfs("leader").strip() == node.name, 10,
                  f"{other.name} knows that {node.name} leads")
        save(asked / "led by", node.name)
    cluster[2].etcfs("leader", "move")
    until(lambda: cluster.leader() is not cluster[1], 10, "somebody else leads, whoever")


def whom_nobody_knows_is_not_changed(cluster):
    n1 = cluster[1]
    for words in (["member", "remove", "n9"], ["member", "promote", "abcdef"], ["leader", "move", "n9"]):
        said = n1.etcfs(*words, status=NO_MEMBER)
        expect(words[-1] in said and all(name in said for name in ("n1", "n2", "n3")), f"etcfs {words} says: {said}")
    expect("n2" in n1.etcfs("member", "add", "n2", "tcp://127.0.0.1:1", status=FAILED), "a name is given once")
    said = n1.etcfs("member", "add", "n9", cluster[3].peer_url, status=FAILED)
    expect("n3" in said or cluster[3].peer_url in said, f"an address is given once: {said}")
    for url in ("n9", "tcp://127.0.0.1", "ftp://127.0.0.1:1"):
        expect(url in n1.etcfs("member", "add", "n9", url, status=FAILED), f"{url} is no address")
    expect(list(n1.members()) == ["n1", "n2", "n3"], "nothing has changed, and the list is in order")


def a_demoted_member_has_everything_and_no_vote(cluster):
    n1, n2, n3 = cluster
    identity = n1.members()["n3"]["id"]
    n1.etcfs("member", "demote", identity)  # by its id, for once
    until(lambda: n1.voters() == {"n1", "n2"}, 10, "two vote")
    expect("demoted" in _line(n2.etcfs("status"), "n3"), f"etcfs status says so:\n{n2.etcfs('status')}")
    save(n3 / "learner", "saved on a learner")
    expect(load(n1 / "learner") == "saved on a learner", "it reads and writes as all do")
    n2.etcfs("member", "promote", "n3")
    cluster.wait_voters(n1, n2, n3)


def a_member_moves_to_another_address(cluster):
    n1, n2, n3 = cluster
    n3.stop()
    n3.peer_port = cluster.ports.take()
    n3.options.update(listen_peer_urls=n3.peer_url, initial_advertise_peer_urls=n3.peer_url)
    n1.etcfs("member", "update", "n3", n3.peer_url)
    n3.start().wait_ready()
    save(n2 / "moved", "to another port")
    expect(load(n3 / "moved") == "to another port", "n3 has what was saved after it moved")
    until(lambda: n2.members()["n3"]["reachable"], 30, "the others reach it there")
    expect(n2.members()["n3"]["peer_urls"] == n3.peer_url, "its address is the new one")


def a_removal_that_would_lose_the_quorum_is_refused(cluster):
    n1, n2, n3 = cluster
    n3.kill()
    until(lambda: not n1.members()["n3"]["reachable"], 30, "n1 misses n3")
    said = n1.etcfs("member", "remove", "n2", status=FAILED)
    print("       " + said.strip())
    expect("n3" in said or "quorum" in said or "majority" in said, f"the reason is said: {said}")
    expect(n1.voters() == {"n1", "n2", "n3"}, "and nothing was changed")
    save(n2 / "still", "written")


def a_dead_node_is_replaced_by_one_command(cluster):
    n1, n2, n3 = cluster
    with Ledger([n1, n2], "replace") as ledger:
        ledger.wait_saves(20, until)
        n4 = cluster.join(n1, replace="n3").wait_ready(JOIN_SECONDS)
        cluster.wait_voters(n1, n2, n4)
        ledger.wait_saves(20, until)
    expect(set(n1.members()) == {"n1", "n2", "n4"}, "n4 has taken the place of n3")
    ledger.check_failures([n1, n2], allowed=())
    ledger.check([n1, n2, n4])
    n3.start()  # it was dead, and does not know
    n3.wait_removed()


def a_lost_disk_is_replaced_under_the_same_name_and_address(cluster):
    n1, n2, _, n4 = cluster
    old = n1.members()["n4"]["id"]
    n4.kill()
    n4.forget()
    n4.options["replace"] = old
    n4.start().wait_ready(JOIN_SECONDS)
    cluster.wait_voters(n1, n2, n4)
    expect(n1.members()["n4"]["id"] != old, "it is another member")
    expect(load(n4 / "before") == "before", "with everything")


def a_removed_node_says_so_and_ends(cluster):
    n1, n2, _, n4 = cluster
    said = json.loads(n1.etcfs("member", "remove", "n4", "--json"))
    expect(said["id"], f"the id is told: {said}")
    n4.wait_removed()
    expect(set(n1.members()) == {"n1", "n2"}, "it is not listed any more")
    n4.start()
    expect(n4.process.wait(JOIN_SECONDS) == REMOVED, "its directory does not start again")
    expect("data-dir" in n4.log_tail() or str(n4.data) in n4.log_tail(), f"and says what to do:\n{n4.log_tail()}")
    save(n2 / "after", "after")
    expect(load(n1 / "after") == "after", "the others go on")


def a_leader_may_be_removed(cluster):
    leader = cluster.leader()
    other = cluster.followers()[0]
    leader.etcfs("member", "remove", leader.name)
    leader.wait_removed()
    until(lambda: other.voters() == {other.name}, 30, "one is left")
    save(other / "alone", "alone")
    said = other.etcfs("member", "remove", other.name, status=FAILED)
    print("       " + said.strip())
    expect("no voter would be left" in said, f"the last voter stays: {said}")


if __name__ == "__main__":
    require()
    run(Cluster(1), one_becomes_three_while_files_are_saved, a_joined_node_restarts_with_the_same_words,
        all_restart_at_once_and_are_the_same_members, leadership_moves_where_it_is_sent, whom_nobody_knows_is_not_changed,
        a_demoted_member_has_everything_and_no_vote, a_member_moves_to_another_address, a_removal_that_would_lose_the_quorum_is_refused,
        a_dead_node_is_replaced_by_one_command, a_lost_disk_is_replaced_under_the_same_name_and_address,
        a_removed_node_says_so_and_ends, a_leader_may_be_removed)
