#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads and writes on all nodes have one order that agrees with real time, while nodes die, stop and come back."""

import errno
import random
import signal
import time

from cluster import Cluster
from harness import require, run, until
from register import Operation, check, check_by_search, exercise

STOP_SECONDS = 2.5  # more than two election timeouts
NEMESES = ("kill", "stop", "kill leader", "stop leader", "kill", "stop leader")


def every_read_and_write_has_its_place(cluster):
    watched = cluster.followers()[0]

    def nemesis(what):
        victims = [node for node in cluster if node is not watched]
        leader = cluster.leader()
        node = leader if "leader" in what and leader is not watched else random.choice(victims)
        if what.startswith("kill"):
            node.kill()
            node.start()
        else:
            node.signal(signal.SIGSTOP)
            resume = time.monotonic() + STOP_SECONDS
            until(lambda: time.monotonic() > resume, STOP_SECONDS + 1, "the pause is over")
            node.signal(signal.SIGCONT)
        node.wait_ready()
    exercise(cluster, watched, NEMESES, nemesis)


def the_checks_find_what_is_wrong(cluster):
    """The checkers themselves: an old read, a lost write, a write that took effect before it began."""
    history = [(2, "a"), (3, "b"), (4, "c")]
    good = [Operation("write", "n1", "a", 0, 1), Operation("write", "n1", "b", 2, 3), Operation("read", "n2", "b", 4, 5),
            Operation("write", "n2", "c", 4, error=errno.EIO), Operation("read", "n1", "b", 5, 6)]
    check(good, history)
    for wrong in (Operation("read", "n3", "a", 4, 5), Operation("write", "n3", "x", 4, 5),
                  Operation("write", "n3", "c", 7, 8, errno.EROFS)):
        _expect_fails([*good, wrong], history)
    _expect_fails([Operation("read", "n1", "c", 0, 1), Operation("write", "n1", "b", 2, 3)], history)
    _expect_fails(good, [*history, (5, "b")])
    path = cluster.folder / "history.txt"
    check_by_search(good, path)
    for wrong in (Operation("read", "n3", "a", 4, 5), Operation("create", "n3", "x", 4, 5), Operation("read", "n3", "-", 4, 5),
                  Operation("delete", "n3", "-", 4, 5, errno.ENOENT)):
        _expect_fails([*good, wrong], path, check_by_search)


def _expect_fails(operations, history, checker=check):
    try:
        checker(operations, history)
    except AssertionError:
        return
    raise AssertionError(f"not found: {operations[-1]}")


if __name__ == "__main__":
    require()
    run(Cluster(3), the_checks_find_what_is_wrong, every_read_and_write_has_its_place)
