# SPDX-License-Identifier: Apache-2.0
"""Files as registers: clients that read, replace, create and delete them on all nodes, and the checks that they saw one order.

By witness: a watch gives the revision of each value, and then every read and write must lie between those that ended before it
began and those that began after it ended. By search: tests/checker/linearizable finds an order of all operations, with
those that a revision says nothing of: what found nothing, and what was refused.
"""

import contextlib
import ctypes
import errno
import json
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from harness import BUILDDIR, Failure, Worker, errno_of, expect, load, save, until

FOLDER, STAGED = "registers", "staged"
OPERATIONS_PER_KEY = 400  # the search is quick with some hundred operations a key
FAILED_SECONDS = 0.01  # a dead mount answers at once, and would fill the processor with failures
RENAME_NOREPLACE = 1
NEVER = float("inf")
libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Operation:
    kind: str  # read, write, create or delete
    client: str
    value: str  # of a read that found nothing, and of a delete: -
    begun: float
    ended: float = NEVER  # of a change without an answer: it may happen at any time
    error: int = 0  # EEXIST of a create, ENOENT of a delete: refused
    key: str = "k0"

    @property
    def is_refused(self):
        return (self.kind, self.error) in (("create", errno.EEXIST), ("delete", errno.ENOENT))

    @property
    def is_change(self):
        return self.kind != "read"

    def line(self):
        """As the search reads it."""
        rules = {"read": f"{self.key}=={self.value}", "write": f"{self.key}={self.value}",
                 "create": f"{self.key}==- {self.key}={self.value}", "delete": f"{self.key}!=- {self.key}=-"}
        ended = "?" if self.ended == NEVER else f"{self.ended:.0f}"
        return f"{self.client} {self.begun:.0f} {ended} {'refused ' if self.is_refused else ''}{rules[self.kind]}"


@contextlib.contextmanager
def opened(folder):
    """A directory in the mount, to find names in: a path goes to what is under the mount, while a daemon is started again."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


def create(source, target, source_folder, target_folder):
    """A rename that finds nothing at the target, or is refused."""
    if libc.renameat2(source_folder, source.encode(), target_folder, target.encode(), RENAME_NOREPLACE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def _load_or_absent(name, folder):
    try:
        with open(os.open(name, os.O_RDONLY, dir_fd=folder), encoding="ascii") as file:
            return file.read()
    except FileNotFoundError:
        return "-"


class Clients:
    """A writer and a reader on each node; the file that they are at is another one after some hundred operations."""

    def __init__(self, cluster):
        self.cluster, self.operations = cluster, []
        self._workers = [Worker(Writer(self, node).step) for node in cluster]
        self._workers += [Worker(lambda node=node: self.read(node, self.key, f"{node.name}.r")) for node in cluster]

    @property
    def key(self):
        return f"k{len(self.operations) // OPERATIONS_PER_KEY}"

    def read(self, node, key, client):
        try:
            with opened(node / FOLDER) as folder:
                begun, value = time.monotonic_ns(), _load_or_absent(key, folder)
        except OSError:
            time.sleep(FAILED_SECONDS)
            return
        self.operations.append(Operation("read", client, value, begun, time.monotonic_ns(), key=key))

    def stop(self):
        """And what all nodes show in the end."""
        keys = [f"k{number}" for number in range(int(self.key[1:]) + 1)]
        for worker in self._workers:
            worker.stop()
        for node in self.cluster:
            for key in keys:
                self.read(node, key, f"{node.name}.last")


class Writer:
    """It has another name after an operation without an answer, as that one may be under way for ever."""

    def __init__(self, clients, node):
        self._clients, self._node, self._lives, self._count = clients, node, 0, 0
        self._mark = f"{node.name}.{random.getrandbits(32):x}"

    def step(self):
        """A change of the name: what is staged in a file itself would be seen on its own node before it is everybody's."""
        self._count += 1
        operation = Operation(random.choice(("write", "write", "write", "create", "delete")),
                              f"{self._node.name}.w{self._lives}", f"{self._mark}.{self._count}", 0, key=self._clients.key)
        try:
            with opened(self._node / STAGED) as staged, opened(self._node / FOLDER) as folder:
                self._try(operation, staged, folder)
        except OSError:
            self._rest()  # it has not begun
        if operation.begun:
            self._clients.operations.append(operation)

    def _try(self, operation, staged, folder):
        name = f"{self._node.name}.{self._lives}"
        if operation.kind == "delete":
            operation.value = "-"
        else:
            save(self._node / STAGED / name, operation.value)
        operation.begun = time.monotonic_ns()
        if operation.kind == "delete":
            operation.error = errno_of(lambda: os.unlink(operation.key, dir_fd=folder))
        elif operation.kind == "create":
            operation.error = errno_of(create, name, operation.key, staged, folder)
        else:
            operation.error = errno_of(lambda: os.rename(name, operation.key, src_dir_fd=staged, dst_dir_fd=folder))
        if operation.error == 0 or operation.is_refused:
            operation.ended = time.monotonic_ns()
        else:
            self._rest()

    def _rest(self):
        self._lives += 1
        time.sleep(FAILED_SECONDS)


class History:
    """What a watch on one node has seen of the files: (revision, value), in its order."""

    def __init__(self, cluster, node):
        self._log = cluster.folder / "watch.log"
        for name in (FOLDER, STAGED):
            os.makedirs(node / name, exist_ok=True)
        with open(self._log, "w", encoding="utf-8") as file:
            command = [BUILDDIR / "etcfs", "--data-dir", node.data, "watch", "--json", f"/{FOLDER}"]
            self._process = subprocess.Popen([str(word) for word in command], stdout=file, stdin=subprocess.DEVNULL)
        probes = iter(range(1 << 30))

        def begun():
            save(node / FOLDER / "probe", f"probe {next(probes)}")
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
                for event in change["events"] if event["type"] == "put"]


def check(operations, history):
    revisions = [revision for revision, _ in history]
    expect(revisions == sorted(set(revisions)), "the watch's revisions rise")
    revision_of = dict((value, revision) for revision, value in history)
    twice = [(revision, value) for revision, value in history if revision_of[value] != revision]
    expect(not twice, f"each write has happened at most once: {[(*pair, revision_of[pair[1]]) for pair in twice[:5]]}")
    operations = [operation for operation in operations if operation.value != "-"]
    for operation in operations:
        happened = operation.value in revision_of
        if operation.error == errno.EROFS or operation.is_refused:
            expect(not happened, f"happened, though it failed for certain: {operation}")
        elif operation.error == 0:
            expect(happened, f"lost, or read from nowhere: {operation}")
    for key in {operation.key for operation in operations}:
        _check_order([operation for operation in operations
                      if operation.key == key and operation.value in revision_of], revision_of)


def _check_order(operations, revision_of):
    """Sweeps over time with the newest revision that any ended operation on the key has shown."""
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
        if operation.is_change:
            expect(revision > least, f"{operation} at {revision}, though {earlier} had shown {least} before it began")
        else:
            expect(revision >= least, f"{operation} at {revision}, though {earlier} had shown {least} before it began")
        if operation.ended != NEVER:
            newest = max(newest, (revision, operation), key=lambda pair: pair[0])


def check_by_search(operations, path):
    """The operations have an order; if not, they are kept for whoever wants to know."""
    lines = [operation.line() for operation in operations if operation.error != errno.EROFS]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run([BUILDDIR / "tests/checker/linearizable", path], text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        kept = BUILDDIR / f"{Path(sys.argv[0]).stem}.history"
        shutil.copy(path, kept)
        raise Failure(f"{done.stdout}(exit status {done.returncode}; the history is in {kept})")


def exercise(cluster, watched, nemeses, nemesis):
    """Clients on all nodes while nemesis(what) does each of `nemeses`; then the checks. The watched node is to be spared."""
    history = History(cluster, watched)
    clients = Clients(cluster)
    for what in nemeses:
        before = len(clients.operations)
        until(lambda before=before: len(clients.operations) > before + 100, 60, "the clients go on")
        nemesis(what)
    clients.stop()
    save(watched / FOLDER / "probe", "last")
    history.stop("last")
    changes = [operation for operation in clients.operations if operation.is_change]
    print(f"       {len(clients.operations) - len(changes)} reads, {len(changes)} changes of {clients.key[1:]} files, "
          f"{sum(operation.is_refused for operation in changes)} refused, "
          f"{sum(operation.ended == NEVER for operation in changes)} without an answer")
    check(clients.operations, history.values())
    check_by_search(clients.operations, cluster.folder / "history.txt")


def expect_the_same_everywhere(cluster):
    for node in cluster:
        node.wait_ready()
    save(cluster[1] / FOLDER / "healed", "x")
    shown = [{path.name: load(path) for path in (node / FOLDER).iterdir()} for node in cluster]
    expect(all(files == shown[0] for files in shown), f"all nodes show the same: {shown}")
