#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""As test_netns, by chance, and while the network fails a node is killed or stopped too."""

import random
import signal
import time

from harness import require, run, until
from networked import FAILURES, Networked
from register import exercise, expect_the_same_everywhere

ROUNDS = 14  # some two minutes
SECONDS = (0.3, 4)  # of one failure


def every_read_and_write_has_its_place_whatever_fails(cluster):
    watched, seed = cluster[1], random.getrandbits(32)
    chance = random.Random(seed)
    print(f"       seed {seed}")

    def last():
        over = time.monotonic() + chance.uniform(*SECONDS)
        until(lambda: time.monotonic() > over, SECONDS[1] + 1, "it has lasted")

    def nemesis(what):
        fault, victim = chance.choice(("kill", "stop", "none")), chance.choice([node for node in cluster if node is not watched])
        cluster.fail(what)
        last()
        if fault == "kill":
            victim.kill()
        elif fault == "stop":
            victim.signal(signal.SIGSTOP)
        last()
        if chance.random() < 0.5:
            cluster.heal()
            last()
        if fault == "kill":
            victim.start()
        victim.signal(signal.SIGCONT)
        cluster.heal()
        for node in cluster:
            node.wait_ready()
    exercise(cluster, watched, [chance.choice(FAILURES) for _ in range(ROUNDS)], nemesis)
    expect_the_same_everywhere(cluster)


if __name__ == "__main__":
    require("ip", "bridge", "nsenter")
    run(Networked(read_timeout="1s", write_timeout="2s"), every_read_and_write_has_its_place_whatever_fails)
