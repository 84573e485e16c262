#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node that was away for so long that the log it needs is gone comes back by a snapshot, and is like the others."""

import os
from concurrent.futures import ThreadPoolExecutor

from cluster import Cluster, expect_alike
from harness import errno_of, expect, load, require, run, save, until

SAVES, WRITERS = 500, 4  # each
FILES = 50
SIZE_BYTES = 4096
KEPT_SECONDS = 40  # the log is kept for a while for a member that was just alive


def _member(asked, name):
    return next(member for member in asked.status()["members"] if member["name"] == name)


def _save_many(node, number):
    for i in range(SAVES):
        until(lambda i=i: errno_of(save, node / f"many/{number}.{i % FILES}", f"{i:04}" + "x" * SIZE_BYTES) == 0, 30, "a save")


def _leave_behind(cluster, node):
    """Saves until the others have thrown away what `node` would need."""
    last = _member(node, node.name)["last_index"]
    node.kill()
    others = cluster.running
    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(lambda number: _save_many(others[number % len(others)], number), range(WRITERS)))
    for other in others:
        until(lambda other=other: _member(other, other.name)["first_index"] > last + 1, KEPT_SECONDS,
              f"{other.name} has let go of its log up to {last + 1}, which {node.name} needs")


def a_follower_comes_back_by_snapshot(cluster):
    node = cluster.followers()[0]
    os.makedirs(cluster[1] / "many")
    save(node / "old", "old")
    try:
        _leave_behind(cluster, node)
    finally:
        node.start()
    node.wait_ready()
    for other in cluster:
        expect_alike(other.mount, node.mount)
    save(node / "after", "after")
    expect(load(cluster.leader() / "after") == "after", "and it takes part again")


def the_old_leader_comes_back_by_snapshot(cluster):
    node = cluster.leader()
    try:
        _leave_behind(cluster, node)
    finally:
        node.start()
    node.wait_ready()
    for other in cluster:
        expect_alike(other.mount, node.mount)


def it_votes_and_leads_after_the_snapshot(cluster):
    for leader in cluster.nodes:
        leader.kill()
        until(lambda leader=leader: errno_of(save, cluster.running[0] / "turn", leader.name) == 0, 30, "a save")
        leader.start().wait_ready()
        expect(load(leader / "turn") == leader.name, f"{leader.name} is back")


if __name__ == "__main__":
    require()
    run(Cluster(3, snapshot_count=50), a_follower_comes_back_by_snapshot,
        the_old_leader_comes_back_by_snapshot, it_votes_and_leads_after_the_snapshot)
