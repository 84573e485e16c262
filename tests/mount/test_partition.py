#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes that cannot reach each other: the majority goes on, the rest says so, and nobody reads what is old."""

import errno
import os
import random
import subprocess
import time

from cluster import Cluster
from harness import errno_of, expect, load, require, run, save, sh, until
from register import exercise

READ_SECONDS, WRITE_SECONDS = 2, 3
CUT_SECONDS = 3  # three election timeouts


class Networked(Cluster):
    """Three nodes in network namespaces of their own, on a switch in a fourth; the mounts are in ours."""

    def __init__(self):
        super().__init__(3, starts=False, allow_plain_peers=True, read_timeout=f"{READ_SECONDS}s",
                         write_timeout=f"{WRITE_SECONDS}s")

    def __enter__(self):
        super().__enter__()
        self.switch = f"etcfs-{os.getpid()}"
        sh(f"ip netns add {self.switch} && ip -n {self.switch} link add switch type bridge &&"
           f"ip -n {self.switch} link set switch up")
        for number, node in enumerate(self, 1):
            self._plug(number, node)
        for node in self:
            node.options["initial_cluster"] = ",".join(other.peer for other in self)
        self.start()
        return self

    def _plug(self, number, node):
        space, node.host = f"{self.switch}-{node.name}", f"10.0.0.{number}"
        sh(f"ip netns add {space} && ip -n {space} link set lo up &&"
           f"ip link add eth0 netns {space} type veth peer name {node.name} netns {self.switch} &&"
           f"ip -n {self.switch} link set {node.name} master switch up &&"
           f"ip -n {space} addr add {node.host}/24 dev eth0 && ip -n {space} link set eth0 up")
        node.prefix = ["nsenter", f"--net=/run/netns/{space}", *node.prefix]

    def _clean(self):
        super()._clean()
        for space in [f"{self.switch}-{node.name}" for node in self] + [self.switch]:
            subprocess.run(["ip", "netns", "del", space], check=False)

    def isolate(self, node):
        """Nothing comes or goes; no connection is told of it."""
        sh(f"ip -n {self.switch} link set {node.name} down")

    def part(self, one, other):
        """These two do not reach each other; both reach the third."""
        for node in (one, other):
            sh(f"bridge -n {self.switch} link set dev {node.name} isolated on")

    def heal(self):
        for node in self:
            sh(f"ip -n {self.switch} link set {node.name} up && bridge -n {self.switch} link set dev {node.name} isolated off")


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


def every_read_and_write_has_its_place_while_links_fail(cluster):
    watched = cluster.followers()[0]

    def nemesis(what):
        others = [node for node in cluster if node is not watched]
        if what == "isolate":
            cluster.isolate(random.choice(others))
        elif what == "isolate leader":
            leader = cluster.leader()
            cluster.isolate(leader if leader is not watched else random.choice(others))
        else:
            cluster.part(*others)
        over = time.monotonic() + CUT_SECONDS
        until(lambda: time.monotonic() > over, CUT_SECONDS + 1, "the cut is over")
        cluster.heal()
        for node in cluster:
            node.wait_ready()
    exercise(cluster, watched, ("isolate leader", "part", "isolate", "isolate leader", "part"), nemesis)


if __name__ == "__main__":
    require("ip", "bridge", "nsenter")
    run(Networked(), a_leader_that_is_cut_off_says_so_and_shows_nothing_old,
        two_that_only_reach_the_third_do_not_disturb_it, every_read_and_write_has_its_place_while_links_fail)
