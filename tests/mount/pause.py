# SPDX-License-Identifier: Apache-2.0
"""A node that is stopped for a while and goes on: the others do not wait for it, and it shows nothing old as new."""

import signal
import time

from harness import Worker, expect, load, save, until

READERS = 8
ANSWERS = 300
SECONDS_MAX = 60  # to answer again, and for the others to go on


class Counter:
    """A number in a file, raised by one writer; it knows the newest one whose save has returned."""

    def __init__(self, node):
        self.node, self.acknowledged, self.answers = node, 0, 0
        save(node / "counter", "0")

    def raise_once(self):
        save(self.node / "counter", str(self.acknowledged + 1))
        self.acknowledged += 1

    def try_to_raise(self):
        try:
            self.raise_once()
        except OSError:
            return False
        return True

    def look(self, node):
        """What a node shows is at least what was acknowledged before the look; no answer is no old answer."""
        before = self.acknowledged
        try:
            found = int(load(node / "counter"))
        except OSError:
            return
        expect(found >= before, f"{node.name} shows {found}, but {before} was acknowledged before the read began")
        self.answers += 1


def pause(cluster, node, seconds):
    """Others write and read while `node` is stopped; reads of it that began then are answered after it goes on."""
    writing, reading = [other for other in cluster if other is not node]
    counter = Counter(writing)
    node.signal(signal.SIGSTOP)
    try:
        stopped = time.monotonic()
        until(counter.try_to_raise, SECONDS_MAX, "the others go on")
        print(f"       the others saved again after {time.monotonic() - stopped:.2f} s")
        workers = [Worker(counter.raise_once), Worker(lambda: counter.look(reading))]
        until(lambda: time.monotonic() - stopped >= seconds, seconds + 1, "the pause is over")
        workers += [Worker(lambda: counter.look(node)) for _ in range(READERS)]
    finally:
        node.signal(signal.SIGCONT)
    wanted = counter.answers + ANSWERS
    until(lambda: counter.answers >= wanted, SECONDS_MAX, "reads are answered")
    for worker in workers:
        worker.stop()
    node.wait_ready()
    expect(int(load(node / "counter")) == counter.acknowledged, "in the end all agree")
