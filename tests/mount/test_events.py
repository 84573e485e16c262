#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a watcher on one node is told of a change made on another, beside what the same change, made locally, tells on tmpfs.

docs/inotify.md has the table that --table prints, and explains the differences."""

import contextlib
import os
import socket
import sys

from cluster import Cluster
from harness import Failure, expect, load, require, run, save, sh, until
from recorder import Recorder

MASKS = {"systemd": "CLOSE_WRITE|MOVED_TO", "fsnotify": "MODIFY|CREATE|MOVED_TO|DELETE",
         "entr": "CLOSE_WRITE|DELETE_SELF|MOVE_SELF|ATTRIB"}


def create(path, text=""):
    save(path, text, os.O_WRONLY | os.O_CREAT | os.O_EXCL)


def write_over(path, text):
    save(path, text, os.O_WRONLY)


def replace(path, text):
    """As sed -i, vim and most programs that take care."""
    create(f"{path}.new", text)
    os.rename(f"{path}.new", path)


def exchange(left, right):
    sh(f"mv --exchange -T {left} {right} 2>/dev/null || {sys.executable} -c '"
       "import ctypes, sys; libc = ctypes.CDLL(None, use_errno=True); "
       f"sys.exit(libc.renameat2(-100, b\"{left}\", -100, b\"{right}\", 2))'")


def bind(path):
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


# What is done, in a tree with d/ (file, other, full/inside, empty/) and e/.
CHANGES = {
    "create, empty (touch)": lambda at: save(at / "d/new", "", os.O_WRONLY | os.O_CREAT),
    "create, with content (echo > new)": lambda at: save(at / "d/new", "content"),
    "create with O_EXCL, with content": lambda at: create(at / "d/new", "content"),
    "create with O_EXCL, and leave empty": lambda at: create(at / "d/new"),
    "save over (truncate, write)": lambda at: save(at / "d/file", "other content"),
    "write without truncating": lambda at: write_over(at / "d/file", "CON"),
    "append": lambda at: save(at / "d/file", "more", os.O_WRONLY | os.O_APPEND),
    "truncate by path": lambda at: os.truncate(at / "d/file", 2),
    "empty by opening (: > file)": lambda at: save(at / "d/file", ""),
    "replace by rename (sed -i)": lambda at: replace(at / "d/file", "other content"),
    "delete": lambda at: os.unlink(at / "d/file"),
    "mkdir": lambda at: os.mkdir(at / "d/new"),
    "rmdir": lambda at: os.rmdir(at / "d/empty"),
    "rename": lambda at: os.rename(at / "d/file", at / "d/new"),
    "rename over a file": lambda at: os.rename(at / "d/file", at / "d/other"),
    "rename to another directory": lambda at: os.rename(at / "d/file", at / "e/new"),
    "rename a directory": lambda at: os.rename(at / "d/full", at / "d/new"),
    "rename a directory to another directory": lambda at: os.rename(at / "d/full", at / "e/full"),
    "rename a directory over an empty one": lambda at: os.rename(at / "d/full", at / "d/empty"),
    "exchange": lambda at: exchange(at / "d/file", at / "d/other"),
    "exchange with a directory": lambda at: exchange(at / "d/file", at / "d/full"),
    "chmod": lambda at: os.chmod(at / "d/file", 0o600),
    "chmod of a directory": lambda at: os.chmod(at / "d", 0o700),
    "chown": lambda at: os.chown(at / "d/file", 1, 1),
    "utimes": lambda at: os.utime(at / "d/file", (1, 1)),
    "symlink": lambda at: os.symlink("file", at / "d/new"),
    "mkfifo": lambda at: os.mkfifo(at / "d/new"),
    "socket": lambda at: bind(at / "d/new"),
}
# What differs, as docs/inotify.md explains it: the events on another node.
DIFFERENT = {
    "create with O_EXCL, and leave empty": ["D CREATE new"],
}
WATCHED = {"D": "d", "E": "e", "F": "d/file", "O": "d/other", "S": "d/full", "I": "d/full/inside", "M": "d/empty"}

# Made by a client of the API on the other node, and what is the same by hand.
CLIENT_CHANGES = {
    "put of a new key": ("put /{at}/d/new content", lambda at: create(at / "d/new", "content")),
    "put of an old key": ("put /{at}/d/file content", lambda at: save(at / "d/file", "content")),
    "put of a deep key": ("put /{at}/d/a/b/c content", lambda at: os.makedirs(at / "d/a/b")),
    "delete of a key": ("del /{at}/d/file", lambda at: os.unlink(at / "d/file")),
    "delete of the last key of a directory without a marker":
        ("del /{at}/d/only/key", lambda at: (os.unlink(at / "d/only/key"), os.rmdir(at / "d/only"))),
}
CLIENT_WATCHED = {"D": "d", "F": "d/file", "L": "d/only", "K": "d/only/key"}


def prepare(at):
    """The tree that a change is made in, and beside it the directory of the recording's marks."""
    for folder in ("d/full", "d/empty", "e", "marks"):
        os.makedirs(at / folder)
    for name in ("d/file", "d/other", "d/full/inside"):
        create(at / name, "content")


def prepare_client(node, at):
    prepare(node / at)
    node.etcfs("put", f"/{at}/d/only/key", "content")


def prepare_client_locally(at):
    prepare(at)
    os.mkdir(at / "d/only")
    create(at / "d/only/key", "content")


def record(watched, there, change, here, mask="all"):
    """The events of paths here of a change made there."""
    recorder = Recorder({label: here / path for label, path in watched.items()}, here / "marks", mask)
    recorder.begin(there / "marks")
    change(there)
    return recorder.end(there / "marks")


def normal(lines):
    """What programs can rely on: the events of each watch in their order. Reads are left out (nobody replays them); inotify itself merges
    a repeated event, but only if no event of another watch came between, and a save that truncates and writes is one commit here, so
    one MODIFY."""
    kept = {}
    for line in lines:
        label, event = line.split(maxsplit=1)
        if event.startswith(("ACCESS", "CLOSE_NOWRITE", "OPEN|ISDIR")):
            continue
        events = kept.setdefault(label, [])
        if events[-1:] != [event]:
            events.append(event)
    return kept


def masked(lines, mask):
    return [line for line in lines if mask == "all" or set(line.split()[1].split("|")) & set(mask.split("|"))]


def compare(name, remote, local, mask="all"):
    if name in DIFFERENT:
        local = masked(DIFFERENT[name], mask)
    expect(normal(remote) == normal(local),
           f"{name}:\n  on another node: {'; '.join(remote)}\n  to be expected:  {'; '.join(local)}")


@contextlib.contextmanager
def places(cluster):
    """A tmpfs, mounted beside the nodes."""
    tmpfs = cluster.folder / "tmpfs"
    tmpfs.mkdir(exist_ok=True)
    sh(f"mount -t tmpfs tmpfs {tmpfs}")
    try:
        yield tmpfs
    finally:
        sh(f"umount {tmpfs}")


def both(cluster, tmpfs, number, name, mask="all"):
    """The events of a change on n2 when it is made on n1, and on tmpfs."""
    at = f"case{number}-{len(mask)}"
    prepare(cluster[1] / at)
    prepare(tmpfs / at)
    expect(load(cluster[2] / at / "d/file") == "content", "n2 sees the tree")
    remote = record(WATCHED, cluster[1] / at, CHANGES[name], cluster[2] / at, mask)
    return remote, record(WATCHED, tmpfs / at, CHANGES[name], tmpfs / at, mask)


def compare_all(cluster, mask):
    failures = []
    with places(cluster) as tmpfs:
        for number, name in enumerate(CHANGES):
            try:
                compare(name, *both(cluster, tmpfs, number, name, mask), mask)
            except Failure as failure:
                failures.append(str(failure))
    expect(not failures, "\n".join(failures))


def each_change_tells_what_it_tells_on_tmpfs(cluster):
    compare_all(cluster, "all")


def programs_with_a_mask_are_told_the_same(cluster):
    for mask in MASKS.values():
        compare_all(cluster, mask)


def changes_of_clients_tell_what_they_amount_to(cluster):
    failures = []
    with places(cluster) as tmpfs:
        for number, (name, (command, by_hand)) in enumerate(CLIENT_CHANGES.items()):
            at = f"client{number}"
            prepare_client(cluster[1], at)
            prepare_client_locally(tmpfs / at)
            until(lambda: os.path.exists(cluster[2] / at / "d/only/key"), 10, "n2 sees the tree")
            remote = record(CLIENT_WATCHED, cluster[1] / at,
                            lambda _: cluster[1].etcfs(*command.format(at=at).split()), cluster[2] / at)
            local = record(CLIENT_WATCHED, tmpfs / at, by_hand, tmpfs / at)
            try:
                compare(name, remote, local)
            except Failure as failure:
                failures.append(str(failure))
    expect(not failures, "\n".join(failures))


def a_client_of_this_node_is_as_remote_as_any(cluster):
    at = "here"
    prepare(cluster[2] / at)
    lines = record(WATCHED, cluster[2] / at, lambda _: cluster[2].etcfs("put", f"/{at}/d/file", "other"), cluster[2] / at)
    expect("F MODIFY" in lines and "D CLOSE_WRITE file" in lines, f"the put is told: {lines}")


def a_local_change_is_told_once(cluster):
    """Its events are those of the call itself; nothing is replayed."""
    with places(cluster) as tmpfs:
        for number, name in enumerate(CHANGES):
            for place in (cluster[2].mount, tmpfs):
                prepare(place / f"local{number}")
            there = cluster[2] / f"local{number}"
            local = record(WATCHED, there, CHANGES[name], there)
            expected = record(WATCHED, tmpfs / f"local{number}", CHANGES[name], tmpfs / f"local{number}")
            expect(normal(local) == normal(expected), f"{name}: {'; '.join(local)}, and on tmpfs {'; '.join(expected)}")


def a_reader_that_is_told_sees_the_new_content(cluster):
    prepare(cluster[1] / "fresh")
    here = cluster[2] / "fresh"
    load(here / "d/file")  # now in the page cache
    for turn in range(30):
        content = f"turn {turn}" + "x" * turn
        recorder = Recorder({"F": here / "d/file"}, here / "marks", "MODIFY|CLOSE_WRITE")
        recorder.wait_mark(cluster[1] / "fresh/marks", f"begin{turn}")
        save(cluster[1] / "fresh/d/file", content)
        until(lambda: recorder.lines, 10, "the change is told")
        expect(load(here / "d/file") == content, "the content is the new one")
        recorder.wait_mark(cluster[1] / "fresh/marks", f"end{turn}")


def told(lines):
    text = "; ".join(f"{label}: {' '.join(events)}" for label, events in sorted(normal(lines).items()))
    return text.replace("|", ",").replace(" IGNORED", "")


def print_table(cluster):
    with places(cluster) as tmpfs:
        for number, name in enumerate(CHANGES):
            remote, local = both(cluster, tmpfs, number, name)
            print(f"| {name} | {told(local)} | {'the same' if normal(remote) == normal(local) else told(remote)} |")


if __name__ == "__main__":
    require()
    if "--table" in sys.argv:
        run(Cluster(2), print_table)
    else:
        run(Cluster(2, **({"reads": "local"} if "--local" in sys.argv else {})), each_change_tells_what_it_tells_on_tmpfs, programs_with_a_mask_are_told_the_same,
            changes_of_clients_tell_what_they_amount_to, a_client_of_this_node_is_as_remote_as_any,
            a_local_change_is_told_once, a_reader_that_is_told_sees_the_new_content)
