# SPDX-License-Identifier: Apache-2.0
"""From a save on one node to the inotify event on another."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from harness import BUILDDIR
from harness import expect, save, sh

WATCH = BUILDDIR / "tests/support/watch"


class Watcher:
    """The times of the events of a directory, by file; --time is the clock of clock()."""

    def __init__(self, folder, mask):
        self._process = subprocess.Popen([WATCH, "--time", mask, f"D={folder}"], text=True, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE)
        expect(self._process.stdout.readline() == "ready\n", "the watch is there")

    def next(self):
        time_ns, _, _, name = self._process.stdout.readline().split()
        return int(time_ns), name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(10)


def clock():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def percentiles(times_ns):
    times_ns.sort()
    return " / ".join(f"{times_ns[int((len(times_ns) - 1) * part)] / 1000:,.0f}" for part in (0.5, 0.99))


def one_by_one(there, here, count):
    """Three lists of ns: how long a save takes, and when its event is read, from its beginning and from its end."""
    saves, from_begin, from_end = [], [], []
    with Watcher(here, "CLOSE_WRITE") as watcher:
        for turn in range(count):
            begin = clock()
            save(there / "file", f"turn {turn}")
            end = clock()
            told, _ = watcher.next()
            saves.append(end - begin)
            from_begin.append(told - begin)
            from_end.append(told - end)
    return saves, from_begin, from_end


def burst(load, there, here):
    """1,000 files made as fast as 16 writers can; how many a second are told, and by how many ms the last event is later than the last save."""
    os.mkdir(there / "d0000")  # where load puts the first thousand
    os.stat(here / "d0000")
    count = 1000
    with Watcher(here / "d0000", "CREATE") as watcher:
        begin = clock()
        made = load("fill", there, 16, count)
        end = clock()
        told = begin
        for _ in range(int(made["count"])):
            told, _ = watcher.next()
    return made["count"] / ((told - begin) / 1e9), max(0, told - end) / 1e6


def on_tmpfs(count):
    with tempfile.TemporaryDirectory() as folder:
        sh(f"mount -t tmpfs tmpfs {folder}")
        try:
            return one_by_one(Path(folder), Path(folder), count)
        finally:
            sh(f"umount {folder}")


def prepare(cluster, name):
    """A directory that each node's kernel knows."""
    os.mkdir(cluster[1] / name)
    save(cluster[1] / name / "file", "begin")
    for node in cluster:
        os.stat(node / name / "file")
    return name
