#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads and writes on all nodes have one order that agrees with real time, while the network between them fails in each way."""

import time

from harness import require, run, until
from networked import FAILURES, Networked
from register import exercise, expect_the_same_everywhere

CUT_SECONDS = 3  # three election timeouts


def every_read_and_write_has_its_place_while_the_network_fails(cluster):
    def nemesis(what):
        cluster.fail(what)
        over = time.monotonic() + CUT_SECONDS
        until(lambda: time.monotonic() > over, CUT_SECONDS + 1, "the cut is over")
        cluster.heal()
        for node in cluster:
            node.wait_ready()
    exercise(cluster, cluster[1], FAILURES, nemesis)
    expect_the_same_everywhere(cluster)


if __name__ == "__main__":
    require("ip", "bridge", "nsenter")
    run(Networked(read_timeout="1s", write_timeout="2s"), every_read_and_write_has_its_place_while_the_network_fails)
