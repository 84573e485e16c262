#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that stands still for longer than an election timeout: its node does not lead, and the others go on."""

import contextlib
import subprocess
import tempfile

from cluster import Cluster
from harness import Worker, errno_of, expect, load, require, run, save, until

STALL = "20s"  # of each sync: for as long as the case takes


@contextlib.contextmanager
def stalled(node):
    """Each sync of the node's files takes STALL from now on; until the end, when those under way go on at once. Yields what says
    whether it has noticed."""
    before = _stalls(node)
    with tempfile.TemporaryFile("w+") as said:
        strace = subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-p", str(node.process.pid), "-e", "trace=fdatasync,fsync",
                                   "-e", f"inject=fdatasync,fsync:delay_enter={STALL}"], stderr=said)
        try:
            until(lambda: "attached" in _said(said) or strace.poll() is not None, 20, "strace is attached")
            expect(strace.poll() is None, f"strace ended: {_said(said)}")
            yield lambda: _stalls(node) > before
        finally:
            strace.terminate()
            strace.wait(30)


def _stalls(node):
    return node.log.read_text(errors="replace").count(" disk_stalled ")


def _said(file):
    file.seek(0)
    return file.read()


def a_leader_whose_disk_stands_still_makes_room(cluster):
    leader, others = cluster.leader(), cluster.followers()
    with stalled(leader) as has_noticed:
        writer = Worker(lambda: errno_of(save, others[0] / "during", "x"))  # what the leader cannot write
        until(lambda: any(other.members()[other.name]["role"] == "leader" for other in others), 30, "another one leads")
        writer.stop()
        expect(has_noticed(), "the one that led has noticed")
        save(others[1] / "while", "it stands still")
        expect(load(others[0] / "while") == "it stands still", "the others go on")


def it_is_not_elected_meanwhile(cluster):
    leader, others = cluster.leader(), cluster.followers()
    with stalled(others[0]) as has_noticed:
        save(leader / "more", "than it can write")
        until(has_noticed, 30, "it has noticed")
        refused = leader.etcfs("leader", "move", others[0].name, "--timeout", "5s", status=None)
        expect(leader.members()[others[0].name]["role"] != "leader", f"it does not lead: {refused}")
        leader.stop()  # hands over, to the other one
        until(lambda: others[1].members()[others[1].name]["role"] in ("leader", "candidate"), 30, "the other one would lead")
        expect(others[1].members()[others[0].name]["role"] != "leader", "and not the one whose disk stands still")
    leader.start().wait_ready()


def it_takes_part_again_afterwards(cluster):
    for node in cluster:
        node.wait_ready()
        save(node / node.name, "is back")
        expect(all(load(other / node.name) == "is back" for other in cluster), f"{node.name} is back")


if __name__ == "__main__":
    require("strace")
    run(Cluster(3), a_leader_whose_disk_stands_still_makes_room, it_takes_part_again_afterwards,
        it_is_not_elected_meanwhile, it_takes_part_again_afterwards)
