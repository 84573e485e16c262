#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The disk of a node is full: saves say so or the node ends and says so; with room again, all is there."""

import errno
import os
import random
import subprocess

from cluster import STOP_SECONDS, Cluster, is_mounted
from harness import expect, load, require, run, save, sh

DISK_MIB, MORE_MIB = 160, 640
FILE_BYTES = 1 << 20
FILES_MAX = 400


class SmallDisk(Cluster):
    """One node whose data directory is a small filesystem of its own."""

    def __init__(self):
        super().__init__(1, starts=False)

    def __enter__(self):
        super().__enter__()
        self[1].data.mkdir()
        sh(f"mount -t tmpfs -o size={DISK_MIB}m etcfs-test '{self[1].data}'")
        return self

    def _clean(self):
        for node in getattr(self, "nodes", []):
            node.clean()
            if is_mounted(node.data):
                subprocess.run(["umount", "-l", node.data], check=False)
        super()._clean()


def a_full_disk_loses_nothing(cluster):
    node = cluster[1].start().wait_ready()
    saved, error = _fill(node)
    print(f"       {len(saved)} MiB saved, then {errno.errorcode.get(error, error)}")
    expect(error in (errno.ENOSPC, errno.EIO, errno.EROFS, errno.ENOTCONN, errno.ECONNABORTED), f"errno {error}")
    if error in (errno.ENOTCONN, errno.ECONNABORTED):
        node.process.wait(STOP_SECONDS)
        expect(node.process.returncode == 1, f"it ended with status {node.process.returncode}")
    said = node.log_tail().lower()
    expect("disk is full" in said or "no space" in said, f"the log does not say that the disk is full:\n{said}")
    expect(str(node.data) in said, "the log names the place")
    sh(f"mount -o remount,size={MORE_MIB}m '{node.data}'")
    if not node.is_running:
        node.start()
    node.wait_ready()
    for name, text in saved.items():
        expect(load(node / name) == text, f"{name} is as it was saved")
    save(node / "after", "after")
    expect(load(node / "after") == "after", "and it goes on")


def _fill(node):
    saved = {}
    for i in range(FILES_MAX):
        text = random.Random(i).randbytes(FILE_BYTES // 2).hex()  # the store compresses what can be
        try:
            save(node / f"{i}", text)
        except OSError as caught:
            return saved, caught.errno
        saved[f"{i}"] = text
    raise AssertionError(f"{FILES_MAX} MiB fit on a disk of {DISK_MIB} MiB")


if __name__ == "__main__":
    require()
    run(SmallDisk(), a_full_disk_loses_nothing)
