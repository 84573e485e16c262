# SPDX-License-Identifier: Apache-2.0
"""Three nodes in network namespaces of their own, on a switch in a fourth; the mounts are in ours.

No packet filter is needed: a link that is down cuts a node off, ports that are isolated from each other part two nodes, and a
neighbour at an address that nobody has is sent to and never reached, in one direction alone.
"""

import os
import random
import re
import subprocess

from cluster import Cluster
from harness import sh

FAILURES = ("isolate leader", "deafen leader", "mute leader", "part followers", "isolate follower", "deafen follower",
            "mute follower", "part leader")
NOBODY = "02:00:00:00:00:01"
NAME = re.compile(r"etcfs-(\d+)\b")


def _clear_left_over():
    """Namespaces of scripts that were killed; nothing else is left of them."""
    for space in sh("ip netns list").split():
        name = NAME.match(space)
        if name and not os.path.exists(f"/proc/{name.group(1)}"):
            subprocess.run(["ip", "netns", "del", space], check=False)


class Networked(Cluster):
    def __init__(self, **options):
        super().__init__(3, starts=False, allow_plain_peers=True, **options)

    def __enter__(self):
        _clear_left_over()
        super().__enter__()
        self.switch = f"etcfs-{os.getpid()}"
        try:
            self._wire()
        except BaseException:
            self._clean()
            raise
        self.start()
        return self

    def _wire(self):
        sh(f"ip netns add {self.switch} && ip -n {self.switch} link add switch type bridge &&"
           f"ip -n {self.switch} link set switch up")
        for number, node in enumerate(self, 1):
            self._plug(number, node)
        for node in self:
            node.options["initial_cluster"] = ",".join(other.peer for other in self)

    def _space(self, node):
        return f"{self.switch}-{node.name}"

    def _plug(self, number, node):
        space, node.host = self._space(node), f"10.0.0.{number}"
        sh(f"ip netns add {space} && ip -n {space} link set lo up &&"
           f"ip link add eth0 netns {space} type veth peer name {node.name} netns {self.switch} &&"
           f"ip -n {self.switch} link set {node.name} master switch up &&"
           f"ip -n {space} addr add {node.host}/24 dev eth0 && ip -n {space} link set eth0 up")
        node.prefix = ["nsenter", f"--net=/run/netns/{space}", *node.prefix]

    def _clean(self):
        super()._clean()
        for space in [self._space(node) for node in self] + [self.switch]:
            if os.path.exists(f"/run/netns/{space}"):
                subprocess.run(["ip", "netns", "del", space], check=False)

    def isolate(self, node):
        """Nothing comes or goes; no connection is told of it."""
        sh(f"ip -n {self.switch} link set {node.name} down")

    def part(self, one, other):
        """These two do not reach each other; both reach the third."""
        for node in (one, other):
            sh(f"bridge -n {self.switch} link set dev {node.name} isolated on")

    def mute(self, node):
        """It hears the others, and they do not hear it."""
        for other in self:
            if other is not node:
                self._lose(node, other)

    def deafen(self, node):
        """The others hear it, and it does not hear them."""
        for other in self:
            if other is not node:
                self._lose(other, node)

    def _lose(self, sender, receiver):
        sh(f"ip -n {self._space(sender)} neigh replace {receiver.host} lladdr {NOBODY} dev eth0 nud permanent")

    def fail(self, what):
        """How and to whom: isolate, deafen, mute or part; leader or follower(s)."""
        leader, (how, whom) = self.leader(), what.split()
        others = [node for node in self if node is not leader]
        if how == "part":
            self.part(*(others if whom == "followers" else (leader, random.choice(others))))
        else:
            getattr(self, how)(leader if whom == "leader" else random.choice(others))

    def heal(self):
        for node in self:
            sh(f"ip -n {self.switch} link set {node.name} up && bridge -n {self.switch} link set dev {node.name} isolated off")
            sh(f"ip -n {self._space(node)} neigh flush dev eth0 nud permanent")
