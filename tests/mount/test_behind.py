#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node that was away for so long that the log it needs is gone comes back by a snapshot, and is like the others."""

import os

from cluster import Cluster, expect_alike
from harness import expect, load, require, run, save

SAVES = 400
FILES = 50
SIZE_BYTES = 4096


def _member(cluster, asked, name):
    return next(member for member in asked.status()["members"] if member["name"] == name)


def _leave_behind(cluster, node):
    """Saves until the others have thrown away what `node` would need."""
    other = next(other for other in cluster if other is not node)
    last = _member(cluster, other, node.name)["last_index"]
    node.kill()
    for i in range(SAVES):
        save(other / f"many/{i % FILES}", f"{i:04}" + "x" * SIZE_BYTES)
    os.unlink(other / "many/0")
    for survivor in cluster.running:
        first = _member(cluster, survivor, survivor.name)["first_index"]
        expect(first > last + 1, f"{survivor.name} still holds its log from {first} on; {node.name} needs {last + 1}")


def a_follower_comes_back_by_snapshot(cluster):
    node = cluster.followers()[0]
    os.makedirs(cluster[1] / "many")
    save(node / "old", "old")
    _leave_behind(cluster, node)
    node.start().wait_ready()
    for other in cluster:
        expect_alike(other.mount, node.mount)
    save(node / "after", "after")
    expect(load(cluster.leader() / "after") == "after", "and it takes part again")


def the_old_leader_comes_back_by_snapshot(cluster):
    node = cluster.leader()
    _leave_behind(cluster, node)
    node.start().wait_ready()
    for other in cluster:
        expect_alike(other.mount, node.mount)


def it_votes_and_leads_after_the_snapshot(cluster):
    for leader in cluster.nodes:
        leader.kill()
        save(cluster.running[0] / "turn", leader.name)
        leader.start().wait_ready()
        expect(load(leader / "turn") == leader.name, f"{leader.name} is back")


if __name__ == "__main__":
    require()
    run(Cluster(3, snapshot_count=50), a_follower_comes_back_by_snapshot,
        the_old_leader_comes_back_by_snapshot, it_votes_and_leads_after_the_snapshot)
