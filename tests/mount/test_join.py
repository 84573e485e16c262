#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A machine joins a running cluster by the URL of a member alone, and what becomes of one that may not."""

import signal

from cluster import REMOVED, STOP_SECONDS, Cluster, is_mounted
from harness import expect, load, require, run, save, until

IN_THE_WAY = 3  # the exit status of a daemon that a restart does not cure
FAILED = 1


def contents(node):
    return {path.name: load(path) for path in sorted(node.mount.iterdir())}


def refused(node, status, *words):
    """The daemon ends with that status and leaves no mount; the log says why, in these words."""
    found = node.process.wait(STOP_SECONDS)
    said = node.log_tail()
    expect(found == status, f"{node.name} ended with status {found}, not {status}:\n{said}")
    for word in words:
        expect(word in said, f"{node.name} does not say {word!r}:\n{said}")
    expect(not is_mounted(node.mount), f"{node.name} left its mount behind")


def attempt(cluster, **options):
    """The fourth machine tries it with these options, and with an empty data directory."""
    if len(cluster.nodes) < 4:
        return cluster.join(cluster[2], **options)
    node = cluster[4]
    node.forget()
    node.options.update({"name": "n4", "join": cluster[2].peer_url, "election_timeout": "1s", "replace": None, **options})
    return node.start()


def two_machines_join_one(cluster):
    save(cluster[1] / "before", "there was one\n")
    second = cluster.join(cluster[1]).wait_ready()
    expect(load(second / "before") == "there was one\n", "the second has what was there before it")
    third = cluster.join(second)  # which does not lead: it says who does
    third.wait_ready()
    save(third / "after", "now there are three\n")
    for node in cluster:
        expect(contents(node) == {"before": "there was one\n", "after": "now there are three\n"}, f"{node.name} has all")
    cluster.wait_voters(*cluster)
    ids = {member["id"] for member in cluster[1].members().values()}
    expect(len(ids) == 3, "each has an id of its own")


def a_joiner_that_restarts_is_the_same(cluster):
    node = cluster[3]
    before = node.status()["member_id"]
    node.stop()
    save(cluster[1] / "meanwhile", "two wrote\n")
    node.start().wait_ready()
    expect(load(node / "meanwhile") == "two wrote\n", "it has what it missed")
    expect("join_ignored" in node.log_tail(), "it says that --join has nothing to say any more")
    node.stop()
    node.options["join"] = None  # what the data directory holds is enough
    node.start().wait_ready()
    expect(node.status()["member_id"] == before and len(node.members()) == 3, "it is the same member")


def where_nobody_answers_it_waits_and_can_be_stopped(cluster):
    node = attempt(cluster, join="tcp://127.0.0.1:1")
    until(lambda: "waits_for" in node.log_tail(), 30, "it says what it waits for")
    expect("127.0.0.1:1" in node.log_tail() and not is_mounted(node.mount), "it waits for an answer there, without a mount")
    node.signal(signal.SIGTERM)
    refused(node, 0, "join_given_up")


def at_the_url_for_clients_nobody_is_let_in(cluster):
    node = attempt(cluster, join=cluster[1].client_url)
    refused(node, FAILED, "join_failed", "peer URL", "clients")


def a_taken_name_and_another_election_timeout_are_refused(cluster):
    node = attempt(cluster, name="n1")
    refused(node, IN_THE_WAY, "join_refused", "the name n1 is that of member", "--replace")
    node = attempt(cluster, election_timeout="3s")
    refused(node, IN_THE_WAY, "join_refused", "--election-timeout 1000ms")
    node = attempt(cluster, replace="nobody")
    refused(node, IN_THE_WAY, "join_refused", "no member is called nobody")
    expect(len(cluster[1].members()) == 3, "none of them was added")


def what_began_to_join_begins_no_cluster_of_its_own(cluster):
    cluster[4].options.update(join=None, replace=None)
    cluster[4].start()
    refused(cluster[4], IN_THE_WAY, "join_unfinished", "--join URL")


def a_joiner_that_lost_its_disk_takes_its_own_place(cluster):
    node = cluster[3]
    before = node.status()["member_id"]
    node.kill()
    node.forget()
    node.options["join"] = cluster[1].peer_url
    node.start()
    refused(node, IN_THE_WAY, "join_refused", "the name n3 is that of member", "--replace")
    node.options["replace"] = "n3"
    node.start().wait_ready()
    until(lambda: before not in [member["id"] for member in cluster[1].status()["members"]], 30, "the one that was is gone")
    cluster.wait_voters(*cluster.running)
    expect(contents(node) == contents(cluster[1]), "it has everything")
    expect(node.status()["member_id"] != before, "an id is not given twice")


def one_that_was_removed_learns_it_and_does_not_start_again(cluster):
    node = cluster[3]
    cluster[1].etcfs("member", "remove", node.name)
    node.wait_removed()
    node.start()
    refused(node, REMOVED, "removed", "--join URL and an empty data directory")
    save(cluster[1] / "later", "two go on\n")
    expect(load(cluster[2] / "later") == "two go on\n", "the others go on")


def one_that_was_away_when_it_was_removed_learns_it_from_the_others(cluster):
    node = attempt(cluster).wait_ready()
    until(lambda: node.name in cluster[1].members(), 30, "it is a member")
    node.stop()
    cluster[1].etcfs("member", "remove", node.name)
    node.start()
    node.wait_removed()
    expect(node.name not in cluster[1].members(), "the others know no more of it")


def main():
    require()
    run(Cluster(1, heartbeat_interval="100ms", election_timeout="1s"), two_machines_join_one, a_joiner_that_restarts_is_the_same,
        where_nobody_answers_it_waits_and_can_be_stopped, at_the_url_for_clients_nobody_is_let_in,
        a_taken_name_and_another_election_timeout_are_refused, what_began_to_join_begins_no_cluster_of_its_own,
        a_joiner_that_lost_its_disk_takes_its_own_place,
        one_that_was_removed_learns_it_and_does_not_start_again,
        one_that_was_away_when_it_was_removed_learns_it_from_the_others)


if __name__ == "__main__":
    main()
