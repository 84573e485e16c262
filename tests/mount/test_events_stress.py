#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Local calls and replayed changes on the same few names at once: nothing hangs, and in the end a watcher that only followed the events
knows every name that is there, and none that is not."""

import os
import random
import signal

from cluster import Cluster, expect_alike
from harness import Worker, children, expect, require, run, save, until
from recorder import Recorder

FOLDERS = ["one", "one/two", "one/two/three", "one/two/three/four"]
NAMES = ["a", "b", "c", "d"]
LOCAL_WORKERS, OPERATIONS, SEED = 3, 250, 7
EXPECTED_ERRORS = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, OSError)
GONE_SECONDS = 10


class Stream:
    """Random operations below a directory; each may fail, as somebody else is always about."""

    def __init__(self, root, seed):
        self.root, self.random, self.done = root, random.Random(seed), 0

    def path(self):
        return self.root / self.random.choice(FOLDERS) / self.random.choice(NAMES)

    def step(self):
        if self.done >= OPERATIONS:
            return
        self.done += 1
        operation = self.random.choice([self._save, self._save, self._create, os.unlink, self._rename, self._rename,
                                        os.mkdir, os.rmdir, self._chmod, self._symlink])
        try:
            operation(self.path())
        except EXPECTED_ERRORS:
            pass

    def _save(self, path):
        save(path, f"{self.done}\n" * self.random.randrange(1, 50))

    def _create(self, path):
        save(path, "", os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    def _rename(self, path):
        os.rename(path, self.path())

    def _chmod(self, path):
        os.chmod(path, self.random.choice([0o600, 0o644, 0o755]))

    def _symlink(self, path):
        os.symlink("nowhere", path)


def prepare(cluster, root):
    for folder in (*FOLDERS, "marks"):
        os.makedirs(cluster[1] / root / folder)
    return cluster[1] / root, cluster[2] / root


def watcher_of(here):
    paths = {folder: here / folder for folder in FOLDERS}
    return Recorder(paths, here / "marks", "CREATE|DELETE|MOVED_FROM|MOVED_TO|MODIFY|ATTRIB")


def known_by_events(lines):
    """Folder → the names that the events amount to."""
    known = {folder: set(os.path.basename(below) for below in FOLDERS if os.path.dirname(below) == folder)
             for folder in FOLDERS}
    for line in lines:
        folder, masks, *rest = line.split()
        masks = masks.split("|")
        if {"CREATE", "MOVED_TO"} & set(masks):
            known[folder].add(rest[0])
        elif {"DELETE", "MOVED_FROM"} & set(masks):
            known[folder].discard(rest[0])
    return known


def run_all(streams):
    workers = [Worker(stream.step) for stream in streams]
    until(lambda: all(stream.done >= OPERATIONS for stream in streams), 120, "all operations end")
    for worker in workers:
        worker.stop()


def local_and_remote_calls_on_the_same_names(cluster):
    there, here = prepare(cluster, "stress")
    recorder = watcher_of(here)
    run_all([Stream(here, SEED + number) for number in range(LOCAL_WORKERS)] + [Stream(there, SEED)])
    lines = recorder.end(there / "marks")
    expect_alike(there, here)
    known = known_by_events(lines)
    for folder in FOLDERS:
        present = set(os.listdir(here / folder))
        expect(known[folder] == present, f"{folder}: the events amount to {sorted(known[folder])}, there are {sorted(present)}; "
                                         f"the last events: {'; '.join(lines[-60:])}")


def remote_calls_alone_are_followed_exactly(cluster):
    there, here = prepare(cluster, "remote")
    recorder = watcher_of(here)
    run_all([Stream(there, SEED + 100 + number) for number in range(2)])
    lines = recorder.end(there / "marks")
    known = known_by_events(lines)
    for folder in FOLDERS:
        expect(known[folder] == set(os.listdir(here / folder)), f"{folder}: the events amount to {sorted(known[folder])}, there are {sorted(os.listdir(here / folder))}")


def helper_of(node):
    """The helper's process id, or None."""
    return next(iter(children(node.process.pid)), None)


def a_helper_that_is_killed_is_replaced(cluster):
    there, here = prepare(cluster, "helper")
    first = until(lambda: helper_of(cluster[2]), 10, "there is a helper")
    recorder = watcher_of(here)
    stream = Stream(there, SEED + 200)
    worker = Worker(stream.step)
    os.kill(first, signal.SIGKILL)
    until(lambda: helper_of(cluster[2]) not in (None, first), 20, "another helper is there")
    until(lambda: stream.done >= OPERATIONS, 120, "the stream ends")
    worker.stop()
    recorder.end(there / "marks")


def a_killed_daemon_releases_everybody(cluster):
    there, here = prepare(cluster, "killed")
    node = cluster[2]
    helper = until(lambda: helper_of(node), 10, "there is a helper")
    released = set()

    def until_it_is_gone(number):
        def step():
            try:
                os.listdir(here)
                Stream(here, number).step()
            except OSError:
                released.add(number)
        return step

    workers = [Worker(until_it_is_gone(number)) for number in range(LOCAL_WORKERS)]
    remote = Stream(there, SEED + 300)
    stream = Worker(remote.step)
    until(lambda: remote.done > OPERATIONS // 4, 60, "the stream is under way")
    node.kill()
    until(lambda: len(released) == LOCAL_WORKERS, GONE_SECONDS, "every local caller got an error")
    until(lambda: not os.path.exists(f"/proc/{helper}"), GONE_SECONDS, "the helper is gone")
    for worker in workers:
        worker.stop()
    stream.stop()
    node.clean()
    node.start().wait_ready()
    expect_alike(cluster[1] / "killed", cluster[2] / "killed")


if __name__ == "__main__":
    require()
    run(Cluster(2), local_and_remote_calls_on_the_same_names, remote_calls_alone_are_followed_exactly,
        a_helper_that_is_killed_is_replaced, a_killed_daemon_releases_everybody)
