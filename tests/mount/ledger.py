# SPDX-License-Identifier: Apache-2.0
"""Writers that remember what each save returned, and the check that the cluster remembers it too."""

import errno
import os
import threading
import time
from collections import Counter

from harness import Worker, append, expect, load, save

CERTAIN = errno.EROFS  # this failure says that the change never happens; any other that it may or may not
RETRY_SECONDS = 0.05


class Ledger:
    """Lines appended to one shared file, and files of their own, by a writer on each given node."""

    def __init__(self, nodes, name):
        self.file, self.folder = name, f"{name}.d"
        self._lock, self._nodes = threading.Lock(), nodes
        self.lines, self.files = {}, {}  # name: errno, 0 for success
        self.times = []  # of successes
        os.makedirs(nodes[0] / self.folder, exist_ok=True)

    def __enter__(self):
        self._workers = [Worker(self._turn(node)) for node in self._nodes]
        return self

    def __exit__(self, kind, *_):
        for worker in self._workers:
            worker.stop()

    def _turn(self, node):
        numbers = iter(range(1 << 30))

        def step():
            name = f"{node.name}-{next(numbers):06}"
            self._try(self.lines, name, append, node / self.file, name + "\n")
            self._try(self.files, name, save, node / f"{self.folder}/{name}", name)
        return step

    def _try(self, record, name, action, *arguments):
        error = 0
        try:
            action(*arguments)
        except OSError as caught:
            error = caught.errno
        with self._lock:
            record[name] = error
            if error == 0:
                self.times.append(time.monotonic())
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

    def summary(self):
        errors = Counter(errno.errorcode[error] for record in (self.lines, self.files)
                         for error in record.values() if error)
        return f"{len(self.times)} saves succeeded, others: {dict(errors) or 'none'}"
