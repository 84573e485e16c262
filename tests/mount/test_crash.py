#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Daemons die by SIGKILL while files are saved: what was acknowledged stays, once, and the others go on."""

import errno
import os
import subprocess
import time

from cluster import Cluster, expect_alike, is_mounted
from harness import errno_of, expect, load, require, run, save, until
from ledger import Ledger

RESUME_SECONDS_MAX = 15  # 3 on an idle machine; the pause is printed


def the_leader_dies_during_saves_on_the_others(cluster):
    leader = cluster.leader()
    with Ledger(cluster.followers(), "once") as ledger:
        ledger.wait_saves(50, until)
        moment = time.monotonic()
        leader.kill()
        ledger.wait_saves(50, until)
        pause = ledger.pause_after(moment)
        leader.start().wait_ready()
        ledger.wait_saves(50, until)
    print(f"       {ledger.summary()}; saving paused for {pause:.2f} s")
    expect(pause < RESUME_SECONDS_MAX, f"saving paused for {pause:.1f} s")
    ledger.check(cluster)


def the_leader_dies_again_and_again(cluster):
    with Ledger(cluster.nodes, "again") as ledger:
        for _ in range(3):
            leader = cluster.leader()
            ledger.wait_saves(20, until)
            leader.kill()
            ledger.wait_saves(10, until)
            leader.start().wait_ready()
    print(f"       {ledger.summary()}")
    ledger.check(cluster)


def a_dead_daemon_is_an_error_and_not_an_empty_directory(cluster):
    node = cluster.followers()[0]
    others = [other for other in cluster if other is not node]
    save(node / "before", "before")
    node.kill()
    for call in (os.listdir, os.stat, lambda path: save(path / "x", "x")):
        expect(errno_of(call, node.mount) == errno.ENOTCONN, "a call on the dead mount says ENOTCONN")
    done = subprocess.run(["ls", node.mount], capture_output=True, text=True, check=False)
    expect(done.returncode != 0 and "not connected" in done.stderr, f"ls says: {done.stderr}")
    expect(is_mounted(node.mount), "the dead mount still covers the directory")
    save(others[0] / "meanwhile", "meanwhile")
    node.start().wait_ready()
    expect(load(node / "before") + load(node / "meanwhile") == "beforemeanwhile", "it is back, and has caught up")
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        mounts = [line for line in file if line.split()[4] == str(node.mount)]
    expect(len(mounts) == 1, f"the dead mount is gone, and one is there: {mounts}")


def all_die_at_once_and_nothing_is_lost(cluster):
    ledger = Ledger(cluster.nodes, "all")
    with ledger:
        ledger.wait_saves(100, until)
        cluster.kill_all()
    print(f"       {ledger.summary()}")
    cluster.start()
    ledger.check(cluster)
    for node in cluster.nodes[1:]:
        expect_alike(cluster[1].mount, node.mount)


def a_file_that_was_open_when_its_daemon_died_fails_for_good(cluster):
    node = cluster[2]
    save(node / "open", "x")
    with open(node / "open", encoding="ascii") as file:
        node.kill()
        expect(errno_of(os.fstat, file.fileno()) == errno.ENOTCONN, "the old handle fails")
        node.start().wait_ready()
        expect(errno_of(os.fstat, file.fileno()) == errno.ENOTCONN, "after the restart too")
    expect(load(node / "open") == "x", "and a new handle works")


if __name__ == "__main__":
    require()
    run(Cluster(3), the_leader_dies_during_saves_on_the_others, the_leader_dies_again_and_again,
        a_dead_daemon_is_an_error_and_not_an_empty_directory, all_die_at_once_and_nothing_is_lost,
        a_file_that_was_open_when_its_daemon_died_fails_for_good)
