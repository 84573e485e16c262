#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a save, an append, an exclusive create, a rename and an inode number mean when two nodes do it at once."""

import errno
import os
import threading

from cluster import Cluster
from harness import Worker, append, errno_of, expect, load, require, run, save, sh, until

ROUNDS = 60


def revision(cluster):
    return cluster[1].status()["revision"]


def a_save_is_one_revision(cluster):
    n1 = cluster[1]
    for what, command in (("a new file", "echo x > saved"), ("an existing file", "echo y > saved"),
                          ("an append", "echo z >> saved"), ("a larger file", "seq 20000 > saved")):
        before = revision(cluster)
        sh(command, cwd=n1.mount)
        expect(revision(cluster) == before + 1, f"{what} made {revision(cluster) - before} revisions")
    expect(os.getxattr(cluster[2] / "saved", "user.etcfs.version") == b"4", "the xattr counts its versions")
    expect(int(os.getxattr(cluster[2] / "saved", "user.etcfs.revision")) == revision(cluster), "and knows its revision")


def a_reader_never_sees_an_empty_or_half_file(cluster):
    n1, n2 = cluster[1], cluster[2]
    texts = {letter * 5000 + "\n" for letter in "abcdefgh"}
    save(n1 / "whole", min(texts))
    seen = []

    def look():
        seen.append(load(n2 / "whole"))
        expect(seen[-1] in texts, f"half a file: {len(seen[-1])} bytes, {set(seen[-1])}")
    reader = Worker(look)
    for _ in range(ROUNDS // 10):
        for text in sorted(texts):
            save(n1 / "whole", text)
    reader.stop()
    expect(len(set(seen)) > 1, "the reader saw changes at all")


def appends_of_two_nodes_keep_all_lines(cluster):
    def write(node):
        for i in range(ROUNDS):
            append(node / "appended", f"{node.name}-{i}\n")
    threads = [threading.Thread(target=write, args=[node]) for node in cluster]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = {f"{node.name}-{i}" for node in cluster for i in range(ROUNDS)}
    for node in cluster:
        lines = load(node / "appended").splitlines()
        expect(len(lines) == len(wanted) and set(lines) == wanted, f"{node.name} has {len(lines)} lines")


def an_exclusive_create_has_one_winner(cluster):
    os.mkdir(cluster[1] / "locks")
    for i in range(ROUNDS // 3):
        won, line = [], threading.Barrier(len(cluster.nodes))

        def take(node, name=f"locks/{i}", won=won, line=line):
            line.wait()
            if errno_of(save, node / name, node.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL) == 0:
                won.append(node.name)
        threads = [threading.Thread(target=take, args=[node]) for node in cluster]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect(len(won) == 1, f"round {i}: {won} created it")
        expect(load(cluster[2] / f"locks/{i}") == won[0], "and what the winner wrote is there")


def an_open_file_outlives_its_name(cluster):
    n1, n2 = cluster[1], cluster[2]
    save(n1 / "doomed", "still here")
    with open(n1 / "doomed", encoding="ascii") as here, open(n2 / "doomed", encoding="ascii") as there:
        os.unlink(n2 / "doomed")
        expect(not os.path.exists(n1 / "doomed"), "the name is gone on n1")
        expect(here.read() == "still here" and there.read() == "still here", "both handles still read it")
        expect(os.fstat(here.fileno()).st_size == 10, "and know its size")


def a_rename_over_a_file_is_atomic(cluster):
    n1, n3 = cluster[1], cluster[3]
    save(n1 / "target", "0")

    def look():
        seen = load(n3 / "target")
        expect(seen.isdigit(), f"the reader saw {seen!r}, a file that is not whole")
        expect(os.stat(n3 / "target").st_size > 0, "and a size that it never had")
    reader = Worker(look)
    for i in range(ROUNDS):
        save(n1 / "target.new", str(i))
        os.rename(n1 / "target.new", n1 / "target")
        expect(load(n3 / "target") == str(i), f"n3 reads the rename that returned on n1: {i}")
    reader.stop()


def two_renames_of_one_file_have_one_winner(cluster):
    n1, n2 = cluster[1], cluster[2]
    for i in range(ROUNDS // 3):
        save(n1 / f"from{i}", "x")
        errors = {}

        def move(node, name=f"from{i}", errors=errors):
            errors[node.name] = errno_of(os.rename, node / name, node / f"{name}.{node.name}")
        threads = [threading.Thread(target=move, args=[node]) for node in (n1, n2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect(sorted(errors.values()) == [0, errno.ENOENT], f"round {i}: {errors}")


def a_directory_with_a_new_file_is_not_removed(cluster):
    n1, n2 = cluster[1], cluster[2]
    for i in range(ROUNDS // 3):
        os.mkdir(n1 / f"dir{i}")
        errors = {}

        def fill(name=f"dir{i}", errors=errors):
            errors["fill"] = errno_of(save, n2 / f"{name}/f", "x")
        thread = threading.Thread(target=fill)
        thread.start()
        errors["rmdir"] = errno_of(os.rmdir, n1 / f"dir{i}")
        thread.join()
        one_lost = errors in ({"fill": 0, "rmdir": errno.ENOTEMPTY}, {"fill": errno.ENOENT, "rmdir": 0})
        expect(one_lost, f"round {i}: {errors}")


def times_and_modes_are_alike_on_all_nodes(cluster):
    n1 = cluster[1]
    save(n1 / "timed", "x")
    os.utime(n1 / "timed", ns=(1_111_111_111_222_333_444, 1_222_222_222_333_444_555))
    os.chmod(n1 / "timed", 0o2751)
    os.chown(n1 / "timed", 1234, 4321)
    for node in cluster:
        status = os.stat(node / "timed")
        found = status.st_atime_ns, status.st_mtime_ns, status.st_uid, status.st_gid
        expect(found == (1_111_111_111_222_333_444, 1_222_222_222_333_444_555, 1234, 4321), f"{node.name}: {status}")
    ctimes = {os.stat(node / "timed").st_ctime_ns for node in cluster}
    expect(len(ctimes) == 1, f"one ctime: {ctimes}")
    save(n1 / "timed", "y")
    expect(len({os.stat(node / "timed").st_mtime_ns for node in cluster}) == 1, "a save has one time on all nodes")
    expect(os.stat(n1 / "timed").st_mtime_ns > 1_700_000_000_000_000_000, "and it is now")


def inode_numbers_are_stable(cluster):
    n1 = cluster[1]
    os.mkdir(n1 / "ino")
    save(n1 / "ino/f", "x")
    os.symlink("f", n1 / "ino/l")
    names = ("ino", "ino/f", "ino/l", ".")
    numbers = {name: os.lstat(n1 / name).st_ino for name in names}
    expect(len(set(numbers.values())) == len(names), f"they are different: {numbers}")
    save(n1 / "ino/f", "y")
    os.rename(n1 / "ino", n1 / "ino2")
    os.rename(n1 / "ino2", n1 / "ino")
    cluster[2].stop()
    cluster[2].start().wait_ready()
    for node in cluster:
        found = {name: os.lstat(node / name).st_ino for name in names}
        expect(found == numbers, f"{node.name} after saves, renames and a restart: {found}, not {numbers}")


def staged_data_is_committed_without_a_close(cluster):
    n1, n2 = cluster[1], cluster[2]
    fd = os.open(n1 / "kept-open", os.O_WRONLY | os.O_CREAT)
    try:
        os.write(fd, b"first")
        expect(load(n1 / "kept-open") == "first", "a local reader sees staged data at once")
        until(lambda: os.path.exists(n2 / "kept-open") and load(n2 / "kept-open") == "first", 10, "n2 sees it too")
        os.write(fd, b" second")
        os.fsync(fd)
        expect(load(n2 / "kept-open") == "first second", "fsync commits")
    finally:
        os.close(fd)


if __name__ == "__main__":
    require()
    run(Cluster(3), a_save_is_one_revision, a_reader_never_sees_an_empty_or_half_file,
        appends_of_two_nodes_keep_all_lines, an_exclusive_create_has_one_winner, an_open_file_outlives_its_name,
        a_rename_over_a_file_is_atomic, two_renames_of_one_file_have_one_winner,
        a_directory_with_a_new_file_is_not_removed, times_and_modes_are_alike_on_all_nodes, inode_numbers_are_stable,
        staged_data_is_committed_without_a_close)
