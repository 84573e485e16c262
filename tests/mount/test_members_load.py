#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A cluster grows from one node to five and shrinks back to one while every node writes and reads: nothing is lost."""

import errno
import time
from collections import Counter

from cluster import Cluster, expect_alike
from harness import Worker, expect, load, require, run, until
from ledger import CERTAIN, Ledger

JOIN_SECONDS = 90
SAVES = 100  # between two changes
RETRYABLE = (CERTAIN, errno.EIO)  # documented: nothing happened, or it may have


class Readers:
    """A reader on each node: what fails, and with what."""

    def __init__(self, path):
        self.path, self.reads, self.failed, self._workers = path, 0, {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self._workers.values():
            worker.stop()

    def add(self, node):
        self.failed[node.name] = Counter()
        self._workers[node.name] = Worker(lambda: self._step(node))

    def leave(self, node):
        self._workers.pop(node.name).stop()

    def _step(self, node):
        try:
            load(node / self.path)
            self.reads += 1
        except OSError as error:
            self.failed[node.name][error.errno] += 1
        time.sleep(0.005)  # readers leave the machine to the writers

    def check(self, nodes):
        for node in nodes:
            others = [errno.errorcode[error] for error in self.failed[node.name] if error != errno.EIO]
            expect(not others, f"reads on {node.name} failed: {others}")


def one_to_five_and_back_under_load(cluster):
    n1 = cluster[1]
    with Ledger([n1], "load") as ledger, Readers("load") as readers:
        readers.add(n1)
        ledger.wait_saves(SAVES, until)
        for size in (3, 5):
            grow(cluster, size, ledger, readers)
            settled(cluster.running, ledger)
        while len(cluster.running) > 1:
            shrink(cluster, ledger, readers)
            if len(cluster.running) == 3:
                settled(cluster.running, ledger)
        ledger.wait_saves(SAVES, until)
        last = cluster.running
        print(f"       {ledger.summary()}, {readers.reads} reads; on {last[0].name} failed "
              f"{sum(ledger.failed[last[0].name].values())} saves, {sum(readers.failed[last[0].name].values())} reads")
    ledger.check_failures(last, RETRYABLE)
    readers.check(last)
    ledger.check(last)
    again = cluster.join(last[0]).wait_ready(JOIN_SECONDS)
    ledger.check([again])
    expect_alike(last[0].mount, again.mount)


def grow(cluster, size, ledger, readers):
    """Two at once, through whoever comes first."""
    joined = [cluster.join(cluster.running[i]) for i in range(size - len(cluster.running))]
    for node in joined:
        node.wait_ready(JOIN_SECONDS)
        ledger.add(node)
        readers.add(node)
    cluster.wait_voters(*cluster.running, seconds=JOIN_SECONDS)
    ledger.wait_saves(SAVES, until)
    print(f"       {size} vote; {ledger.summary()}")


def shrink(cluster, ledger, readers):
    """The leader and a follower in turns; its own writer goes on until it is gone."""
    leads = len(cluster.running) % 2 == 0
    node = cluster.leader() if leads else cluster.followers()[-1]
    left = [other for other in cluster.running if other is not node]
    left[0].etcfs("member", "remove", node.name)
    node.wait_removed()
    ledger.leave(node)
    readers.leave(node)
    cluster.wait_voters(*left, seconds=JOIN_SECONDS)
    ledger.wait_saves(SAVES, until)
    ledger.check_failures(left, RETRYABLE)
    readers.check(left)
    print(f"       {node.name}, {'the leader' if leads else 'a follower'}, is removed; {ledger.summary()}")


def settled(nodes, ledger):
    """While all go on: each knows the whole of what was acknowledged until now."""
    with ledger.paused():
        ledger.check(nodes)
        for node in nodes[1:]:
            expect_alike(nodes[0].mount, node.mount)


if __name__ == "__main__":
    require()
    run(Cluster(1), one_to_five_and_back_under_load)
