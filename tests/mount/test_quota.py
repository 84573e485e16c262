#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The store is full: nothing more is taken, on whichever side, until there is room again; what was refused was not done."""

import errno
import json
import os
import urllib.error
import urllib.request

import etcdctl
from cluster import Cluster
from harness import errno_of, expect, load, require, run, save, until

QUOTA_MIB, FILE_BYTES = 4, 256 << 10
EXCEEDED = "etcdserver: mvcc: database space exceeded"


def health(node, query=""):
    try:
        with urllib.request.urlopen(f"{node.client_url}/health{query}", timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def alarms(node):
    return etcdctl.run(node, "alarm", "list").split("\n")[:-1]


def fill(node):
    """Files until one is refused; how many were saved."""
    os.makedirs(node / "full/dir", exist_ok=True)
    for number in range(2 * QUOTA_MIB * (1 << 20) // FILE_BYTES):
        error = errno_of(save, node / f"full/dir/{number}", str(number % 10) * FILE_BYTES)
        if error:
            expect(error == errno.ENOSPC, f"a full store says ENOSPC, not {errno.errorcode.get(error, error)}")
            return number
    raise AssertionError("the store takes more than its quota")


def a_full_store_takes_deletes_alone_until_there_is_room(cluster):
    until(lambda: health(cluster[1]) == (200, {"health": "true", "reason": ""}), 10, "all is well")
    expect(alarms(cluster[1]) == [], "and no alarm is raised")
    saved = fill(cluster[1])
    expect(saved == QUOTA_MIB * (1 << 20) // FILE_BYTES - 1, f"{saved} files of {FILE_BYTES} bytes were saved")
    expect(errno_of(os.stat, cluster[1] / f"full/dir/{saved}") in (0, errno.ENOENT), "what was refused")
    for node in cluster:
        until(lambda node=node: len(alarms(node)) == 1 and "alarm:NOSPACE" in alarms(node)[0], 10, f"{node.name} tells of the alarm")
        expect(health(node) == (503, {"health": "false", "reason": "ALARM NOSPACE"}), f"{node.name} is not well: {health(node)}")
        expect(health(node, "?exclude=NOSPACE")[0] == 200, f"{node.name} is well but for that")
        status = json.loads(etcdctl.run(node, "endpoint", "status", "--write-out", "json"))[0]["Status"]
        expect(any("NOSPACE" in error for error in status["errors"]), f"{node.name}'s status says so: {status}")
        expect("alarm NOSPACE" in node.etcfs("status"), f"and etcfs status: {node.etcfs('status')}")
        expect("no space" in load(node / ".etcfs/health"), f"and the mount: {load(node / '.etcfs/health')}")
        before = etcdctl.revision(node)
        said = etcdctl.run(node, "put", f"/more/{node.name}", "x", status=1)
        expect(EXCEEDED in said, f"{node.name} says: {said}")
        expect(etcdctl.get(node, f"/more/{node.name}") is None and etcdctl.revision(node) == before, "nothing was changed")
        expect(errno_of(save, node / f"more-{node.name}", "x") == errno.ENOSPC, f"{node.name} saves nothing")
    # What does not grow: the same size again, less of it, and what is removed. The last of a directory leaves a marker.
    save(cluster[2] / "full/dir/0", "9" * FILE_BYTES)
    save(cluster[2] / "full/dir/0", "9" * (FILE_BYTES - 1))
    etcdctl.run(cluster[3], "compaction", etcdctl.revision(cluster[3]))
    for number in range(saved):
        os.unlink(cluster[3] / f"full/dir/{number}")
    for node in cluster:
        until(lambda node=node: alarms(node) == [], 10, f"{node.name} has room again")
        save(node / f"after-{node.name}", "x")
        expect(load(node / f"after-{node.name}") == "x", f"{node.name} saves")
        expect(health(node)[0] == 200, f"{node.name} is well")
    etcdctl.put(cluster[2], "/after/put", b"x")


def a_larger_quota_ends_the_alarm(cluster):
    fill(cluster[1])
    expect(len(alarms(cluster[1])) >= 1, "it is full")
    for node in cluster:
        node.stop()
        node.options["quota_backend_bytes"] = f"{4 * QUOTA_MIB}MiB"
    cluster.start()
    until(lambda: alarms(cluster[1]) == [], 20, "there is room by the new quota")
    save(cluster[1] / "larger", "x" * FILE_BYTES)


if __name__ == "__main__":
    require("etcdctl")
    run(Cluster(3, quota_backend_bytes=f"{QUOTA_MIB}MiB"), a_full_store_takes_deletes_alone_until_there_is_room,
        a_larger_quota_ends_the_alarm)
