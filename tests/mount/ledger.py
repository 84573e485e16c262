# SPDX-License-Identifier: Apache-2.0
"""Writers that remember what each save returned, and the check that the cluster remembers it too."""

import contextlib
import errno
import os
import threading
import time
from collections import Counter

from harness import Worker, expect, load, save

CERTAIN = errno.EROFS  # this failure says that the change never happens; any other that it may or may not
RETRY_SECONDS = 0.05
# What is below a mount that has gone away must not take what was meant for it: neither makes what is not there.
APPEND = os.O_WRONLY | os.O_APPEND
CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


class Ledger:
    """Lines appended to one shared file, and files of their own, by a writer on each given node; nodes may come and go."""

    def __init__(self, nodes, name):
        self.file, self.folder = name, f"{name}.d"
        self._lock, self._nodes, self._workers = threading.Lock(), list(nodes), {}
        self._numbers = {}  # of each node's names
        self.lines, self.files = {}, {}  # name: errno, 0 for success
        self.failed = {}  # of each node's saves that failed: how often with which errno
        self.times = []  # of successes
        os.makedirs(nodes[0] / self.folder, exist_ok=True)
        save(nodes[0] / self.file, "")

    def __enter__(self):
        for node in self._nodes:
            self._begin(node)
        return self

    def __exit__(self, kind, *_):
        for worker in self._workers.values():
            worker.stop()

    def add(self, node):
        self._nodes.append(node)
        self._begin(node)

    def _begin(self, node):
        self.failed.setdefault(node.name, Counter())
        self._numbers.setdefault(node.name, iter(range(1 << 30)))
        self._workers[node.name] = Worker(self._turn(node))

    def leave(self, node):
        self._workers.pop(node.name).stop()

    @contextlib.contextmanager
    def paused(self):
        """Nobody writes meanwhile."""
        nodes = [node for node in self._nodes if node.name in self._workers]
        for node in nodes:
            self.leave(node)
        yield
        for node in nodes:
            self._begin(node)

    def _turn(self, node):
        numbers = self._numbers[node.name]

        def step():
            name = f"{node.name}-{next(numbers):06}"
            self._try(node, self.lines, name, node / self.file, name + "\n", APPEND)
            self._try(node, self.files, name, node / f"{self.folder}/{name}", name, CREATE)
        return step

    def _try(self, node, record, name, path, text, flags):
        error = 0
        try:
            save(path, text, flags)
        except OSError as caught:
            error = caught.errno
        with self._lock:
            record[name] = error
            if error == 0:
                self.times.append(time.monotonic())
            else:
                self.failed[node.name][error] += 1
        if error:
            time.sleep(RETRY_SECONDS)  # a failing writer does not spin

    def wait_saves(self, count, until):
        """Waits for that many more successes."""
        wanted = len(self.times) + count
        until(lambda: len(self.times) >= wanted, 60, f"{count} more saves succeed")

    def pause_after(self, moment):
        """The longest time without a success from a moment on."""
        times = [moment] + [at for at in sorted(self.times) if at >= moment]
        return max(later - earlier for earlier, later in zip(times, times[1:], strict=False))

    def check(self, nodes):
        """Each success is there exactly once, each unknown at most once, each certain failure never, on each node."""
        for node in nodes:
            lines = Counter(load(node / self.file).splitlines())
            self._check(node, "line", self.lines, lines)
            names = os.listdir(node / self.folder)
            self._check(node, "file", self.files, Counter(names))
            for name in names[:: max(1, len(names) // 200)]:
                text = load(node / f"{self.folder}/{name}")
                expect(text == name, f"{node.name}: file {name} holds {text!r}")

    @staticmethod
    def _check(node, what, record, found):
        lost = [name for name, error in record.items() if error == 0 and found[name] == 0]
        expect(not lost, f"{node.name} lost {len(lost)} acknowledged {what}s of {len(record)}: {lost[:5]}")
        twice = [name for name, count in found.items() if count > 1]
        expect(not twice, f"{node.name} has {what}s more than once: {twice[:5]}")
        risen = [(name, record[name]) for name in found if record.get(name) == CERTAIN]
        expect(not risen, f"{node.name} has {what}s whose save failed for certain: {risen[:5]}")
        unheard = [name for name in found if name not in record]
        expect(not unheard, f"{node.name} has {what}s that nobody wrote: {unheard[:5]}")

    def check_failures(self, nodes, allowed):
        """Saves on these nodes have failed with these errors alone, if at all."""
        for node in nodes:
            others = {errno.errorcode[error]: count for error, count in self.failed[node.name].items()
                      if error not in allowed}
            expect(not others, f"saves on {node.name} failed: {others}")

    def summary(self):
        errors = Counter(errno.errorcode[error] for record in (self.lines, self.files)
                         for error in record.values() if error)
        return f"{len(self.times)} saves succeeded, others: {dict(errors) or 'none'}"
