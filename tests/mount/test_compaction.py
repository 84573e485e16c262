#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""History goes by itself once it is older than it is kept for, on every node alike, also after the leader has changed."""

import etcdctl
from cluster import Cluster
from harness import expect, load, require, run, save, until

RETENTION = "3s"
COMPACTED = "required revision has been compacted"


def is_compacted(node, revision):
    said = etcdctl.run(node, "get", "/file", "--rev", revision, status=None)
    expect(COMPACTED in said or "/file" in said, f"{node.name} says: {said}")
    return COMPACTED in said


def old_history_goes_and_new_history_stays(cluster):
    for leader in (1, 2):  # and again with another leader
        save(cluster[1] / "file", "old")
        old = etcdctl.revision(cluster[1])
        save(cluster[1] / "file", "older than the newest")
        expect(not is_compacted(cluster[2], old), "at first it can be read")
        for node in cluster:
            until(lambda node=node, old=old: is_compacted(node, old), 20, f"{node.name} has compacted {old}")
        expect(load(cluster[3] / "file") == "older than the newest", "what lives stays, however old")
        last = etcdctl.revision(cluster[1])
        expect(not is_compacted(cluster[2], last), "and can be read at its revision")
        if leader == 1:
            cluster.leader().stop()
            for node in cluster:
                if not node.is_running:
                    node.start().wait_ready()


def a_physical_compaction_is_answered(cluster):
    for number in range(50):
        etcdctl.put(cluster[1], "/file", str(number).encode())
    revision = etcdctl.revision(cluster[1])
    said = etcdctl.run(cluster[2], "compaction", "--physical", revision)
    expect(f"compacted revision {revision}" in said, said)
    expect(is_compacted(cluster[3], revision - 1), "and it is so everywhere")


if __name__ == "__main__":
    require("etcdctl")
    run(Cluster(3, auto_compaction_retention=RETENTION), old_history_goes_and_new_history_stays, a_physical_compaction_is_answered)
