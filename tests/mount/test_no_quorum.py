#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One node of three is left: reads and writes end in the documented error after the documented time."""

import errno
import os
import signal
import subprocess
import time

from cluster import Cluster
from harness import errno_of, expect, load, require, run, save, sh, until

READ_SECONDS, WRITE_SECONDS = 3, 4
LATE_SECONDS = 6  # how much later an answer may come on a busy machine
BLOCKED_SECONDS = 0.5


def alone(cluster, survivor):
    save(cluster[1] / "file", "content\n")
    expect(load(survivor / "file") == "content\n", "it is everywhere")
    fd = os.open(survivor / "file", os.O_WRONLY)  # while there was a quorum, so that a write can be tried at all
    for node in cluster:
        if node is not survivor:
            node.kill()
    until(lambda: not survivor.status()["has_quorum"], 30, "the survivor knows that it is alone")
    return fd


def _timed(action, *arguments):
    start = time.monotonic()
    return errno_of(action, *arguments), time.monotonic() - start


def _expect_in_time(seconds, limit, what):
    expect(limit - 0.1 <= seconds < limit + LATE_SECONDS, f"{what} ended after {seconds:.1f} s, not {limit} s")


def _calls_fail_as_documented(cluster, survivor):
    fd = alone(cluster, survivor)
    error, seconds = _timed(load, survivor / "file")
    expect(error == errno.EIO, f"a read says {errno.errorcode.get(error, error)}, not EIO")
    _expect_in_time(seconds, READ_SECONDS, "a read")
    os.write(fd, b"changed!")
    error, seconds = _timed(os.close, fd)
    expect(error in (errno.EROFS, errno.EIO), f"a save says {errno.errorcode.get(error, error)}, not EROFS or EIO")
    _expect_in_time(seconds, WRITE_SECONDS, "a save")
    expect("Input/output error" in sh(f"cat '{survivor / 'file'}'", status=1), "cat says so")
    _answers_without_quorum(survivor)
    cluster.start()
    expected = {errno.EROFS: ("content\n",), errno.EIO: ("content\n", "changed!")}[error]
    expect(load(cluster[1] / "file") in expected, f"after {errno.errorcode[error]} it holds {load(cluster[1] / 'file')!r}")
    save(survivor / "file", "again\n")
    expect(load(cluster[2] / "file") == "again\n", "with a quorum all works again")


def _answers_without_quorum(survivor):
    start = time.monotonic()
    health = load(survivor / ".etcfs/health")
    status = survivor.etcfs("status")
    expect("quorum" in health.lower(), f".etcfs/health says {health!r}")
    expect("quorum" in status.lower(), f"etcfs status says:\n{status}")
    expect(all(name in status for name in ("n1", "n2", "n3")), f"etcfs status knows all members:\n{status}")
    expect(time.monotonic() - start < LATE_SECONDS, "both answer at once")


def a_follower_that_is_left_alone_fails_loudly(cluster):
    _calls_fail_as_documented(cluster, cluster.followers()[0])


def a_leader_that_is_left_alone_fails_loudly(cluster):
    _calls_fail_as_documented(cluster, cluster.leader())


def ctrl_c_ends_a_blocked_call(cluster):
    survivor = cluster.followers()[0]
    os.close(alone(cluster, survivor))
    for command in (["cat", survivor / "file"], ["ls", survivor.mount], ["touch", survivor / "new"],
                    ["sh", "-c", f"echo x > '{survivor / 'file'}'"]):
        start = time.monotonic()
        words = ["env", "--default-signal=INT", *(str(word) for word in command)]  # who started us may ignore it
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            process.wait(BLOCKED_SECONDS)
            raise AssertionError(f"{command} did not block")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
        process.wait(LATE_SECONDS)
        took = time.monotonic() - start - BLOCKED_SECONDS
        expect(process.returncode in (-signal.SIGINT, 128 + signal.SIGINT), f"{command}: status {process.returncode}")
        print(f"       {command[0]} ended {took * 1000:.0f} ms after SIGINT")
    cluster.start()


if __name__ == "__main__":
    require()
    run(Cluster(3, read_timeout=f"{READ_SECONDS}s", write_timeout=f"{WRITE_SECONDS}s"),
        a_follower_that_is_left_alone_fails_loudly, a_leader_that_is_left_alone_fails_loudly, ctrl_c_ends_a_blocked_call)
