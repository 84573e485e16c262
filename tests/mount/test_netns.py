#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads and writes on all nodes have one order that agrees with real time, while the network between them fails in each way."""

import random
import time

from harness import expect, load, require, run, save, until
from networked import Networked
from register import FOLDER, exercise

CUT_SECONDS = 3  # three election timeouts
NEMESES = ("isolate leader", "deafen leader", "mute leader", "part followers", "isolate follower", "deafen follower",
           "mute follower", "part leader")


def cut(cluster, what):
    leader, (how, whom) = cluster.leader(), what.split()
    others = [node for node in cluster if node is not leader]
    if how == "part":
        cluster.part(*(others if whom == "followers" else (leader, random.choice(others))))
    else:
        getattr(cluster, how)(leader if whom == "leader" else random.choice(others))


def expect_the_same_everywhere(cluster):
    for node in cluster:
        node.wait_ready()
    save(cluster[1] / FOLDER / "healed", "x")
    shown = [{path.name: load(path) for path in (node / FOLDER).iterdir()} for node in cluster]
    expect(shown[0] == shown[1] == shown[2], f"all nodes show the same: {shown}")


def every_read_and_write_has_its_place_while_the_network_fails(cluster):
    def nemesis(what):
        cut(cluster, what)
        over = time.monotonic() + CUT_SECONDS
        until(lambda: time.monotonic() > over, CUT_SECONDS + 1, "the cut is over")
        cluster.heal()
        for node in cluster:
            node.wait_ready()
    exercise(cluster, cluster[1], NEMESES, nemesis)
    expect_the_same_everywhere(cluster)


if __name__ == "__main__":
    require("ip", "bridge", "nsenter")
    run(Networked(read_timeout="1s", write_timeout="2s"), every_read_and_write_has_its_place_while_the_network_fails)
