#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes that cannot reach each other: the majority goes on, the rest says so, and nobody reads what is old."""

import errno
import os
import time

from harness import errno_of, expect, load, require, run, save, until
from networked import Networked

def _try_save(path, text):
    return errno_of(save, path, text) == 0


def a_leader_that_is_cut_off_says_so_and_shows_nothing_old(cluster):
    leader = cluster.leader()
    others = [node for node in cluster if node is not leader]
    save(leader / "file", "before")
    cluster.isolate(leader)
    start = time.monotonic()
    until(lambda: _try_save(others[0] / "file", "after"), 30, "the others go on")
    print(f"       the others saved again after {time.monotonic() - start:.2f} s")
    expect(load(others[1] / "file") == "after", "both of them")
    expect(errno_of(load, leader / "file") == errno.EIO, "the one that is cut off answers EIO")
    error = errno_of(save, leader / "other", "x")
    expect(error in (errno.EROFS, errno.EIO), f"and does not save: {errno.errorcode.get(error, error)}")
    cluster.heal()
    until(lambda: errno_of(os.stat, leader / "file") == 0, 30, "it comes back")
    expect(load(leader / "file") == "after", "and shows what was saved meanwhile")
    if error == errno.EROFS:
        expect(not os.path.exists(others[0] / "other"), "what failed for certain did not happen")


def _replace_leader(cluster, cut):
    leader = cluster.leader()
    others = [node for node in cluster if node is not leader]
    after = f"after {cut.__name__}"
    save(leader / "file", f"before {cut.__name__}")
    cut(leader)
    start = time.monotonic()
    until(lambda: _try_save(others[0] / "file", after), 30, "the others go on")
    print(f"       {cut.__name__}: the others saved again after {time.monotonic() - start:.2f} s")
    expect(load(others[1] / "file") == after, "both of them")
    expect(errno_of(load, leader / "file") == errno.EIO, "the one that is cut off shows nothing old")
    cluster.heal()
    until(lambda: errno_of(load, leader / "file") == 0, 30, "it comes back")
    expect(load(leader / "file") == after, "and shows what was saved meanwhile")


def a_leader_that_only_sends_is_replaced(cluster):
    _replace_leader(cluster, cluster.deafen)


def a_leader_that_only_hears_is_replaced(cluster):
    _replace_leader(cluster, cluster.mute)


def two_that_only_reach_the_third_do_not_disturb_it(cluster):
    leader, (one, other) = cluster.leader(), cluster.followers()
    for pair in ((one, other), (leader, one)):
        cluster.part(*pair)
        start = time.monotonic()
        third = next(node for node in cluster if node not in pair)
        for i in range(20):
            until(lambda i=i: _try_save(third / "third", f"{i}"), 30, "the one that reaches both saves")
        print(f"       {pair[0].name} and {pair[1].name} apart: 20 saves in {time.monotonic() - start:.2f} s")
        until(lambda: cluster.leader() is not None, 30, "somebody leads")
        cluster.heal()
        for node in cluster:
            node.wait_ready()
            expect(load(node / "third") == "19", f"{node.name} has the last of them")


if __name__ == "__main__":
    require("ip", "bridge", "nsenter")
    run(Networked(read_timeout="2s", write_timeout="3s"), a_leader_that_is_cut_off_says_so_and_shows_nothing_old,
        a_leader_that_only_sends_is_replaced, a_leader_that_only_hears_is_replaced,
        two_that_only_reach_the_third_do_not_disturb_it)
