# SPDX-License-Identifier: Apache-2.0
"""One file as a register: clients that read and write it on all nodes, and the check that they saw one order of it.

The witness is the revision: a watch gives each value's, and then every operation must lie between those that ended before it
began and those that began after it ended. (With a witness in hand no search is needed: each operation has its place.)
"""

import errno
import json
import os
import random
import subprocess
import time
from dataclasses import dataclass


from harness import BUILDDIR, Worker, expect, load, save, until

FILE = "register"
FAILED_SECONDS = 0.01  # a dead mount answers at once, and would fill the processor with failures


@dataclass
class Operation:
    kind: str  # read or write
    node: str
    value: str
    begun: float
    ended: float = float("inf")  # of a write without an answer: it may happen at any time
    error: int = 0


class Clients:
    """A writer and a reader on each node."""

    def __init__(self, cluster):
        self.operations = []
        self._workers = [Worker(self._writes(node)) for node in cluster]
        self._workers += [Worker(lambda node=node: self._read(node)) for node in cluster]

    def _writes(self, node):
        count, mark = iter(range(1 << 30)), f"{node.name}.{random.getrandbits(32):x}"
        return lambda: self._write(node, f"{mark}.{next(count)}")

    def _write(self, node, value):
        """By rename: what is staged in the file itself would be seen on its own node before it is everybody's."""
        operation = Operation("write", node.name, value, time.monotonic())
        try:
            save(node / f"{FILE}.{node.name}", value)
            os.rename(node / f"{FILE}.{node.name}", node / FILE)
            operation.ended = time.monotonic()
        except OSError as caught:
            operation.error = caught.errno
            time.sleep(FAILED_SECONDS)
        self.operations.append(operation)

    def _read(self, node):
        begun = time.monotonic()
        try:
            value = load(node / FILE)
        except OSError:
            time.sleep(FAILED_SECONDS)
            return
        self.operations.append(Operation("read", node.name, value, begun, time.monotonic()))

    def stop(self):
        for worker in self._workers:
            worker.stop()


class History:
    """What a watch on one node has seen of the file: (revision, value), in its order."""

    def __init__(self, cluster, node):
        self._log = cluster.folder / "watch.log"
        with open(self._log, "w", encoding="utf-8") as file:
            command = [BUILDDIR / "etcfs", "--data-dir", node.data, "watch", "--json", f"/{FILE}"]
            self._process = subprocess.Popen([str(word) for word in command], stdout=file, stdin=subprocess.DEVNULL)
        probes = iter(range(1 << 30))

        def begun():
            save(node / FILE, f"probe {next(probes)}")
            return "probe" in self._log.read_text()
        until(begun, 20, "the watch has begun")

    def stop(self, newest):
        until(lambda: newest in self._log.read_text(), 30, f"the watch has seen {newest}")
        self._process.terminate()
        self._process.wait(10)

    def values(self):
        answers = [json.loads(line) for line in self._log.read_text().splitlines()]
        changes = [answer["change"] for answer in answers if answer.get("change")]
        return [(int(change["revision"]), event["record"]["value"]) for change in changes
                for event in change["events"]]


def check(operations, history):
    revisions = [revision for revision, _ in history]
    expect(revisions == sorted(set(revisions)), "the watch's revisions rise")
    revision_of = dict((value, revision) for revision, value in history)
    twice = [(revision, value) for revision, value in history if revision_of[value] != revision]
    expect(not twice, f"each write has happened at most once: {[(*pair, revision_of[pair[1]]) for pair in twice[:5]]}")
    for operation in operations:
        happened = operation.value in revision_of
        if operation.error == errno.EROFS:
            expect(not happened, f"happened, though its save failed for certain: {operation}")
        elif operation.error == 0:
            expect(happened, f"lost, or read from nowhere: {operation}")
    _check_order([operation for operation in operations if operation.value in revision_of], revision_of)


def _check_order(operations, revision_of):
    """Sweeps over time with the newest revision that any ended operation has shown."""
    newest, bound = (0, None), {}
    moments = [(operation.begun, 0, number) for number, operation in enumerate(operations)]
    moments += [(operation.ended, 1, number) for number, operation in enumerate(operations)]
    for _, is_end, number in sorted(moments):
        operation = operations[number]
        revision = revision_of[operation.value]
        if not is_end:
            bound[number] = newest
            continue
        least, earlier = bound[number]
        if operation.kind == "write":
            expect(revision > least, f"{operation} at {revision}, though {earlier} had shown {least} before it began")
        else:
            expect(revision >= least, f"{operation} at {revision}, though {earlier} had shown {least} before it began")
        if operation.ended != float("inf"):
            newest = max(newest, (revision, operation), key=lambda pair: pair[0])


def exercise(cluster, watched, nemeses, nemesis):
    """Clients on all nodes while nemesis(what) does each of `nemeses`; then the check. The watched node is to be spared."""
    history = History(cluster, watched)
    save(watched / FILE, "first")
    clients = Clients(cluster)
    for what in nemeses:
        before = len(clients.operations)
        until(lambda before=before: len(clients.operations) > before + 100, 60, "the clients go on")
        nemesis(what)
    clients.stop()
    save(watched / FILE, "last")
    history.stop("last")
    writes = [operation for operation in clients.operations if operation.kind == "write"]
    print(f"       {len(clients.operations) - len(writes)} reads, {len(writes)} writes, "
          f"{sum(operation.error != 0 for operation in writes)} of them without success")
    check(clients.operations, history.values())
