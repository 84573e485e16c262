#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The daemon as a service: its start, what it says when it is ready, its stop, and restarts under load."""

import errno
import os
import signal
import socket
import subprocess
import urllib.request

from cluster import STOP_SECONDS, Cluster, is_mounted
from harness import errno_of, expect, load, require, run, save, sh, until
from ledger import Ledger


class Services(Cluster):
    """Three nodes that a case starts itself, each with a socket for what systemd is told."""

    def __init__(self):
        super().__init__(3, starts=False)

    def __enter__(self):
        super().__enter__()
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(str(self.folder / "notify"))
        self.notified.settimeout(30)
        return self


def a_node_without_a_quorum_waits_for_the_others(cluster):
    n1, n2 = cluster[1], cluster[2]
    usual = dict(n1.options)
    n1.options.update(read_timeout="1s", write_timeout="1s")
    try:
        n1.start()
        until(lambda: is_mounted(n1.mount), 30, "n1 mounts alone")
        expect(errno_of(os.listdir, n1.mount) == errno.EIO, "and answers that it cannot know")
        expect("quorum" in load(n1 / ".etcfs/health").lower(), "its health says why")
        n1.stop()
    finally:
        n1.options = usual
    n1.start()
    n2.start().wait_ready()
    n1.wait_ready()
    save(n1 / "first", "first")
    expect(load(n2 / "first") == "first", "two of three are a quorum")
    cluster.start()


def systemd_is_told_when_it_is_ready_and_when_it_stops(cluster):
    n3 = cluster[3]
    n3.stop()
    os.environ["NOTIFY_SOCKET"] = str(cluster.folder / "notify")
    try:
        n3.start()
    finally:
        del os.environ["NOTIFY_SOCKET"]
    expect(b"READY=1" in cluster.notified.recv(4096), "READY=1")
    expect(is_mounted(n3.mount), "ready means mounted")
    n3.wait_ready()
    n3.stop()
    expect(b"STOPPING=1" in cluster.notified.recv(4096), "STOPPING=1")
    n3.start().wait_ready()


def a_stop_commits_what_is_open(cluster):
    n1, n2 = cluster[1], cluster[2]
    fd = os.open(n2 / "unfinished", os.O_WRONLY | os.O_CREAT)
    os.write(fd, b"written before the stop")
    n2.signal(signal.SIGTERM)
    until(lambda: os.path.exists(n1 / "unfinished") and load(n1 / "unfinished") != "", 20, "n1 sees it")
    expect(load(n1 / "unfinished") == "written before the stop", "all of it")
    errno_of(os.close, fd)  # of a mount that is gone
    expect(n2.process.wait(STOP_SECONDS) == 0, "the stop is clean")
    n2.start().wait_ready()


def a_leader_that_stops_hands_over_first(cluster):
    def hands_over():
        leader = cluster.leader()
        fd = os.open(leader / "last words", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(fd, leader.name.encode())
        leader.stop()
        errno_of(os.close, fd)  # of a mount that is gone
        expect(load(cluster.running[0] / "last words") == leader.name, "what was open is committed")
        handed_over = "handed_over" in leader.log_tail()
        leader.start().wait_ready()
        return handed_over

    until(hands_over, 60, "a leader hands over within an election timeout, if the machine lets it")


def an_umount_from_outside_ends_the_daemon_cleanly(cluster):
    n3 = cluster[3]
    save(n3 / "before", "x")
    sh(f"umount '{n3.mount}'")
    expect(n3.process.wait(STOP_SECONDS) == 0, f"the daemon ended with status {n3.process.returncode}")
    n3.start().wait_ready()
    expect(load(n3 / "before") == "x", "and starts again")


def a_rolling_restart_loses_nothing(cluster):
    for node in cluster:
        with Ledger([other for other in cluster if other is not node], f"without-{node.name}") as ledger:
            ledger.wait_saves(30, until)
            node.stop()
            ledger.wait_saves(30, until)
            node.start().wait_ready()
            ledger.wait_saves(30, until)
        print(f"       {node.name}: {ledger.summary()}")
        ledger.check(cluster)


def health_and_version_are_served_over_http(cluster):
    for node in cluster:
        for path, text in (("health", "true"), ("version", "etcfs"), ("metrics", "has_leader"), ("readyz", "ok")):
            with urllib.request.urlopen(f"{node.client_url}/{path}", timeout=10) as answer:
                body = answer.read().decode()
            expect(text in body, f"{node.name}/{path} says {body[:200]}")


def flags_come_from_the_environment_and_a_file_too(cluster):
    n1 = cluster[1]
    n1.stop()
    file = cluster.folder / "etcfs.conf"
    save(file, "# a comment\nread-timeout = 2s\nwrite-timeout: 3s\n")
    command = n1.command(mount=None, config_file=file, read_timeout=None, write_timeout=None)
    with open(n1.log, "a", encoding="utf-8") as log:
        n1.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "ETCFS_MOUNT": str(n1.mount)})
    n1.wait_ready()
    expect(load(n1 / "first") == "first", "it serves the mount that the environment names")


if __name__ == "__main__":
    require()
    run(Services(), a_node_without_a_quorum_waits_for_the_others, systemd_is_told_when_it_is_ready_and_when_it_stops,
        a_stop_commits_what_is_open, a_leader_that_stops_hands_over_first, an_umount_from_outside_ends_the_daemon_cleanly, a_rolling_restart_loses_nothing,
        health_and_version_are_served_over_http, flags_come_from_the_environment_and_a_file_too)
