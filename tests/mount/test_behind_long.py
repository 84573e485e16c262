#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node that was down while 200,000 changes happened comes back by a snapshot and is like the others; says what it took, and what
the others' writers felt of it."""

import os
import time

from cluster import Cluster, expect_alike
from harness import BUILDDIR, Worker, expect, require, run, save, sh, until

CHANGES = 200_000
FILES = 2_000
LARGE, LARGE_BYTES = 150, 1_000_000  # so that the way of the snapshot can be seen
LOAD = BUILDDIR / "tests/bench/load"
PUT_SECONDS = 5  # a look at how far it is between two runs
KEPT_SECONDS = 60  # the log is kept for a while for a member that was just alive, and trimmed in steps
BACK_SECONDS = 120


class Writer:
    """Saves one file again and again; how long each save took."""

    def __init__(self, path):
        self.seconds, self._path = [], path

    def __enter__(self):
        self._worker = Worker(self._save)
        return self

    def __exit__(self, *_):
        self._worker.stop()

    def _save(self):
        start = time.monotonic()
        save(self._path, str(start))
        self.seconds.append(time.monotonic() - start)
        time.sleep(0.002)

    def __str__(self):
        times = sorted(self.seconds)
        return f"{len(times)} saves, median {times[len(times) // 2] * 1000:.1f} ms, longest {times[-1] * 1000:.0f} ms"


def _make_changes(node):
    first = node.status()["revision"]
    sh(f"'{LOAD}' fill '{node / 'many'}' 32 {FILES}", seconds=200)
    os.mkdir(node / "large")
    for i in range(LARGE):
        (node / f"large/{i}").write_bytes(os.urandom(LARGE_BYTES))
    while (made := node.status()["revision"] - first) < CHANGES:
        sh(f"'{LOAD}' put '{node.data / 'control.sock'}' 64 {PUT_SECONDS}")
    return made


def a_node_comes_back_after_many_changes(cluster):
    node, leader = cluster.followers()[0], cluster.leader()
    os.mkdir(leader / "many")
    last = leader.members()[node.name]["last_index"]
    node.kill()
    start = time.monotonic()
    made = _make_changes(leader)
    print(f"       {made} changes in {time.monotonic() - start:.0f} s", flush=True)
    other = next(each for each in cluster.running if each is not leader)
    for each in (leader, other):
        until(lambda each=each: each.members()[each.name]["first_index"] > last + 1, KEPT_SECONDS,
              f"{each.name} has let go of its log up to {last + 1}")
    with Writer(other / "meanwhile") as before:
        time.sleep(5)  # for the numbers only
    print(f"       before: {before}", flush=True)
    start, seen = time.monotonic(), set()
    with Writer(other / "meanwhile") as during:
        node.start()
        until(lambda: _is_back(node, leader, seen), BACK_SECONDS, "it has all that the leader has")
    print(f"       back after {time.monotonic() - start:.1f} s; meanwhile: {during}; seen of the snapshot, %: {sorted(seen)}", flush=True)
    expect("snapshot_installed" in node.log_tail(), "by a snapshot")
    node.wait_ready()


def _is_back(node, leader, seen):
    member = leader.members()[node.name]
    if member["snapshot_total_bytes"]:
        seen.add(100 * member["snapshot_done_bytes"] // member["snapshot_total_bytes"])
    return member["reachable"] and member["lag"] < 100 and "snapshot_installed" in node.log_tail()


def it_is_like_the_others(cluster):
    start = time.monotonic()
    for other in cluster.nodes[1:]:
        for folder in ("many", "large", "puts"):
            expect_alike(other / folder, cluster[1] / folder)
    print(f"       compared in {time.monotonic() - start:.0f} s", flush=True)
    sh(f"'{LOAD}' put '{cluster[1].data / 'control.sock'}' 64 1")  # beyond the next index whose checksum is told
    checksums = until(lambda: _checksums(cluster), 30, "the checksums of one index are told by all")
    expect(len(checksums) == 1, f"one checksum: {checksums}")


def _checksums(cluster):
    marks = {(member["checksum_index"], member["checksum"]) for member in cluster[1].members().values()}
    return {checksum for _, checksum in marks} if len({index for index, _ in marks}) == 1 else None


if __name__ == "__main__":
    require(str(LOAD))
    run(Cluster(3), a_node_comes_back_after_many_changes, it_is_like_the_others)
