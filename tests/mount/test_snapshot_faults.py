#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Snapshots of some size between real daemons: the receiver is killed in the middle, and the sender's disk has changed a bit."""

import os

from cluster import Cluster, expect_alike
from harness import expect, require, run, until

FILE_BYTES = 900_000  # of what does not compress
KEPT_SECONDS = 60  # the log is kept for a while for a member that was just alive
KILLS_MAX = 20
SOME_BYTES = 4 << 20  # of a file, that are worth going on with


def _leave_behind(cluster, leader, node, name, count):
    """Saves large files until the others have thrown away what `node` would need."""
    last = leader.members()[node.name]["last_index"]
    node.kill()
    os.mkdir(leader / name)
    for i in range(count):
        (leader / f"{name}/{i}").write_bytes(os.urandom(FILE_BYTES))
    for other in cluster.running:
        until(lambda other=other: other.members()[other.name]["first_index"] > last + 1, KEPT_SECONDS,
              f"{other.name} has let go of its log up to {last + 1}")


def _said(node):
    """In its present life."""
    return node.log.read_text(errors="replace").split(" starting version=")[-1]


def _has_fetched_some(node):
    try:
        return any(path.stat().st_size >= SOME_BYTES for path in (node.data / "snapshots").rglob("*"))
    except FileNotFoundError:  # installed meanwhile
        return False


def _kill_while_it_fetches(node):
    node.start()
    until(lambda: _has_fetched_some(node) or "_installed" in _said(node), 30, "it fetches")
    node.kill()


def a_receiver_that_is_killed_goes_on_where_it_was(cluster):
    leader, node = cluster.leader(), cluster.followers()[0]
    _leave_behind(cluster, leader, node, "large", 150)
    for _ in range(KILLS_MAX):
        _kill_while_it_fetches(node)
        if " snapshot_fetch_goes_on " in _said(node) or "_installed" in _said(node):
            break
    node.start().wait_ready()
    expect(" snapshot_fetch_goes_on " in node.log.read_text(errors="replace"), "it went on")
    expect_alike(leader / "large", node / "large")


def _flip_a_bit(node):
    tables = sorted((node.data / "store").glob("db-*/*.sst"), key=lambda path: path.stat().st_size)
    with open(tables[-1], "r+b") as file:
        file.seek(tables[-1].stat().st_size // 3)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def a_leader_whose_disk_has_changed_its_state_spreads_it_to_nobody(cluster):
    leader, (node, other) = cluster.leader(), cluster.followers()
    _leave_behind(cluster, leader, node, "more", 60)
    _flip_a_bit(leader)
    node.start().wait_ready(60)
    expect_alike(other / "more", node / "more")
    if leader.is_running:  # else it has found out by itself, and ended
        expect(" snapshot_fetch_failed " in _said(node), "it did not take what the leader had")
        expect(" state_damaged " in leader.log.read_text(errors="replace"), "the leader says so")
        leader.kill()


if __name__ == "__main__":
    require()
    run(Cluster(3, snapshot_count=50), a_receiver_that_is_killed_goes_on_where_it_was,
        a_leader_whose_disk_has_changed_its_state_spreads_it_to_nobody)
