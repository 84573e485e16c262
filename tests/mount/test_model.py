#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same random operations on a local filesystem and on the mounts, each on another node: every answer is the same.

A failure prints the seed and the operations before it; `test_model.py SEED` runs that seed again.
"""

import ctypes
import errno
import os
import random
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from cluster import Cluster
from harness import Failure, expect, require, run

OPERATIONS = 1500
TREE_EVERY = 100
SHOWN = 25
HANDLES_MAX = 6
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2

_libc = ctypes.CDLL(None, use_errno=True)


def _renameat2(source, target, flags):
    if _libc.renameat2(-100, os.fsencode(source), -100, os.fsencode(target), flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _facts(status):
    """What must be alike: a directory's size and links are each filesystem's own affair."""
    is_directory = stat.S_ISDIR(status.st_mode)
    return (oct(status.st_mode), status.st_uid, status.st_gid, None if is_directory else status.st_size,
            None if is_directory else status.st_nlink)


class Side:
    """One of the two: runs an operation in one of its roots and gives its answer, or the name of its error."""

    def __init__(self, roots):
        self.roots, self.handles = roots, {}

    def answer(self, turn, name, *arguments):
        """Handles are all on the first node: a file without a name is each node's own, if several have it open."""
        root = self.roots[0 if name.startswith("handle") else turn % len(self.roots)]
        try:
            return getattr(self, name)(root, *arguments)
        except OSError as caught:
            return errno.errorcode[caught.errno]

    def write(self, root, path, flags, offset, data):
        fd = os.open(root / path, flags, 0o644)
        try:
            return os.pwrite(fd, data, offset)
        finally:
            os.close(fd)

    def append(self, root, path, data):
        return self.write(root, path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0, data)

    def truncate(self, root, path, size):
        return os.truncate(root / path, size)

    def mkdir(self, root, path, mode):
        return os.mkdir(root / path, mode)

    def rmdir(self, root, path):
        return os.rmdir(root / path)

    def unlink(self, root, path):
        return os.unlink(root / path)

    def rename(self, root, source, target, flags):
        return _renameat2(root / source, root / target, flags)

    def symlink(self, root, text, path):
        return os.symlink(text, root / path)

    def readlink(self, root, path):
        return os.readlink(root / path)

    def chmod(self, root, path, mode):
        os.chmod(root / path, mode)
        return _facts(os.stat(root / path))

    def chown(self, root, path, uid, gid):
        os.chown(root / path, uid, gid, follow_symlinks=False)
        return _facts(os.lstat(root / path))

    def utime(self, root, path, atime, mtime):
        os.utime(root / path, ns=(atime, mtime), follow_symlinks=False)
        status = os.lstat(root / path)
        return status.st_atime_ns, status.st_mtime_ns

    def lstat(self, root, path):
        return _facts(os.lstat(root / path))

    def listdir(self, root, path):
        return sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in os.scandir(root / path))

    def access(self, root, path):
        return os.access(root / path, os.X_OK)

    def handle_open(self, root, number, path):
        if number in self.handles:
            os.close(self.handles.pop(number))
        self.handles[number] = os.open(root / path, os.O_RDWR | os.O_CREAT, 0o600)
        os.fsync(self.handles[number])  # a new file is on its own node alone until it is saved for the first time

    def handle_write(self, _, number, offset, data):
        written = os.pwrite(self._handle(number), data, offset)
        os.fsync(self._handle(number))
        return written

    def handle_read(self, _, number):
        os.fstat(self._handle(number))  # asks for what is newest; a read alone shows at least what the open saw
        return os.pread(self._handle(number), 1 << 16, 0)

    def handle_truncate(self, _, number, size):
        os.ftruncate(self._handle(number), size)
        os.fsync(self._handle(number))

    def handle_size(self, _, number):
        status = os.fstat(self._handle(number))
        return stat.S_IFMT(status.st_mode), status.st_size

    def _handle(self, number):
        if number not in self.handles:
            raise OSError(errno.EBADF, "not open")
        return self.handles[number]

    def close(self):
        for fd in self.handles.values():
            os.close(fd)

    def tree(self, root):
        rows = []
        for folder, folders, files in os.walk(root):
            for name in folders + files:
                path = Path(folder, name)
                status = path.lstat()
                content = path.read_bytes() if stat.S_ISREG(status.st_mode) else \
                    os.readlink(path) if stat.S_ISLNK(status.st_mode) else None
                rows.append((str(path.relative_to(root)), _facts(status), content))
        return sorted(rows)


class Dice:
    """Operations on few names, so that they meet."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def path(self):
        return "/".join(self.random.choice("abcd") for _ in range(self.random.choice((1, 1, 2, 2, 3))))

    def data(self):
        return bytes([self.random.randrange(256)]) * self.random.choice((0, 1, 10, 300, 5000))

    def operation(self):
        coin, path, dice = self.random, self.path(), self.random.randrange
        flags = os.O_WRONLY | coin.choice((0, os.O_CREAT, os.O_CREAT | os.O_TRUNC, os.O_CREAT | os.O_EXCL, os.O_TRUNC))
        handle = dice(HANDLES_MAX)
        return coin.choice((
            ("write", path, flags, coin.choice((0, 0, 5, 4096)), self.data()), ("append", path, self.data()),
            ("write", path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0, self.data()),
            ("truncate", path, coin.choice((0, 3, 6000))), ("mkdir", path, coin.choice((0o755, 0o700, 0o1777))),
            ("mkdir", path, 0o755), ("rmdir", path), ("unlink", path), ("rename", path, self.path(), 0),
            ("rename", path, self.path(), 0), ("rename", path, self.path(), RENAME_NOREPLACE),
            ("rename", path, self.path(), RENAME_EXCHANGE), ("symlink", self.path(), path), ("readlink", path),
            ("chmod", path, coin.choice((0o644, 0o1755, 0o600, 0o000))), ("chown", path, dice(3), dice(3)),
            ("utime", path, dice(1 << 60), dice(1 << 60)), ("lstat", path), ("listdir", path), ("access", path),
            ("handle_open", handle, path), ("handle_write", handle, coin.choice((0, 7, 5000)), self.data()),
            ("handle_read", handle), ("handle_truncate", handle, coin.choice((0, 2, 9000))), ("handle_size", handle)))


def _show(value):
    """Data by its size and first byte, an operation as it is called."""
    if isinstance(value, bytes):
        return f"{len(value)} * {value[:1]}"
    if isinstance(value, tuple) and value and isinstance(value[0], str) and not value[0].startswith("0o"):
        return f"{value[0]}({', '.join(map(_show, value[1:]))})"
    return repr(value)


def _compare(seed, local, mounts, roots):
    dice, said = Dice(seed), []
    for turn in range(OPERATIONS):
        operation = dice.operation()
        wanted, found = local.answer(turn, *operation), mounts.answer(turn, *operation)
        said.append(f"{turn % len(roots) + 1}: {_show(operation)} = {_show(wanted)}")
        if wanted != found:
            raise Failure("\n".join([f"seed {seed}:", *said[-SHOWN:], f"but the mount says {_show(found)}"]))
        if turn % TREE_EVERY == 0:
            for root in roots:
                _expect_same_tree(seed, said, set(local.tree(local.roots[0])), set(mounts.tree(root)))


def _expect_same_tree(seed, said, wanted, found):
    rows = [f"{sign} {row[0]} {row[1]} {_show(row[2])}" for sign, rows in (("local", wanted - found), ("mount", found - wanted))
            for row in rows]
    expect(not rows, "\n".join([f"seed {seed}:", *said[-TREE_EVERY:], "and then the trees differ:", *rows]))


def each_answer_is_that_of_a_local_filesystem(cluster):
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().getrandbits(32)
    print(f"       seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        os.mkdir(cluster[1] / "model")
        roots = [node / "model" for node in cluster]
        local, mounts = Side([Path(folder)]), Side(roots)
        try:
            _compare(seed, local, mounts, roots)
        finally:
            local.close()
            mounts.close()
    shutil.rmtree(cluster[1] / "model")


if __name__ == "__main__":
    require()
    run(Cluster(3), each_answer_is_that_of_a_local_filesystem)
