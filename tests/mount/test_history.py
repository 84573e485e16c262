#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`.etcfs/at/WHEN/`: the whole tree as it was, on every node, unchangeable, and for nobody who might not see it then or may not today."""

import errno
import os
import re
import time

import etcdctl
from cluster import Cluster, expect_same_text, listing
from harness import errno_of, expect, load, require, run, save, sh

NOBODY, SOMEBODY = 65534, 12345


def now(cluster):
    return cluster[1].status()["revision"]


def at(node, when, path=""):
    return node.mount / ".etcfs" / "at" / str(when) / path


def as_user(uid, action, *arguments):
    """The errno of a call that another user makes; 0: it succeeded."""
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        os._exit(errno_of(action, *arguments))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def may_read(node, uid, when, path):
    os.chmod(node.folder.parent, 0o755)  # so that others than root reach the mount
    error = as_user(uid, load, at(node, when, path))
    expect(error in (0, errno.EACCES), f"{path} at {when} says {os.strerror(error)}")
    return error == 0


def the_tree_is_there_as_it_was(cluster):
    n1 = cluster[1]
    sh("mkdir -p tree/deep/er tree/empty && echo one > tree/a && echo two > tree/deep/er/b && ln -s deep/er tree/link &&"
       " chmod 751 tree/deep && chmod 640 tree/a && chown 7:8 tree/a && touch -d 2001-02-03T04:05:06Z tree/a &&"
       " mkfifo tree/pipe && setfattr -n user.colour -v green tree/a", cwd=n1.mount)
    etcdctl.put(n1, "/tree/made/by/a/client", b"three")
    then, seen = now(cluster), listing(n1.mount / "tree")
    sh("rm -r tree/deep tree/link tree/pipe && echo other > tree/a && chmod 600 tree/a && setfattr -x user.colour tree/a &&"
       " mkdir tree/new && mv tree/made tree/moved && rmdir tree/empty", cwd=n1.mount)
    for node in cluster:
        past = at(node, then, "tree")
        expect_same_text(_without_times_of_directories(seen), _without_times_of_directories(listing(past)), f"then and {node.name}")
        expect(load(past / "a") == "one\n" and load(past / "link" / "b") == "two\n", "contents")
        expect(load(past / "made/by/a/client") == "three", "what a client of the API had put")
        expect(os.getxattr(past / "a", "user.colour") == b"green" and "user.colour" in os.listxattr(past / "a"), "xattrs")
        expect(int(os.getxattr(past / "a", "user.etcfs.revision")) <= then, "and those of the store")
        stat = os.stat(past / "a")
        expect((stat.st_uid, stat.st_gid, stat.st_mtime) == (7, 8, 981173106), f"owner and time: {stat}")
        expect(not os.path.exists(past / "new") and not os.path.exists(past / "moved"), "what came later is not there")


def _without_times_of_directories(text):
    """Those of its members' coming and going are not known of the past."""
    return re.sub(r"(?m)^(.*\td\t.*\t.*\t).*\t$", r"\1", text)


def a_file_of_the_past_is_another_than_that_of_today(cluster):
    n1 = cluster[1]
    save(n1 / "same", "old\n")
    then = now(cluster)
    save(n1 / "same", "new\n")
    sh(f"cp .etcfs/at/{then}/same copied && diff copied .etcfs/at/{then}/same", cwd=n1.mount)
    expect("-old\n+new\n" in sh(f"diff -ru .etcfs/at/{then}/ . | grep '^[-+][on]'", cwd=n1.mount, status=None), "diff(1)")
    sh(f"cp -a .etcfs/at/{then}/same same", cwd=n1.mount)
    expect(load(cluster[2] / "same") == "old\n", "cp brings it back")


def a_time_is_the_newest_revision_of_that_time(cluster):
    n1 = cluster[1]
    save(n1 / "timed", "first")
    before = time.time()
    time.sleep(1.1)  # the clock itself is what this is about
    save(n1 / "timed", "second")
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before + 0.5)) + f".{int((before + 0.5) % 1 * 1000):03}"
    for node in cluster:
        for when in (stamp + "Z", stamp, "-600ms" if time.time() < before + 1.4 else stamp):
            expect(load(at(node, when, "timed")) == "first", f"at {when}")
        expect(load(at(node, "-0ms", "timed")) == "second", "now")
        expect(load(at(node, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60)), "timed")) == "second",
               "a clock that is ahead sees the newest")


def what_is_no_revision_is_said_to_be_none(cluster):
    for node in cluster:
        expect(os.listdir(node.mount / ".etcfs/at") == [], "at lists nothing")
        expect("at" in os.listdir(node.mount / ".etcfs"), "and is listed")
        for when, wanted in (("0", errno.ENOENT), ("yesterday", errno.ENOENT), ("-5", errno.ENOENT), ("2026-02-30", errno.ENOENT),
                             (now(cluster) + 1000000, errno.ERANGE)):
            got = errno_of(os.stat, at(node, when))
            expect(got == wanted, f"{when}: {os.strerror(got)}, not {os.strerror(wanted)}")
        expect(os.listdir(at(node, "2001-01-01")) == [], "before anything was there, there was nothing")


def nothing_of_the_past_can_be_changed(cluster):
    n1 = cluster[1]
    sh("mkdir -p fixed/below && echo x > fixed/file", cwd=n1.mount)
    then = now(cluster)
    for folder in (at(n1, then, "fixed"), n1.mount / ".etcfs/at"):
        calls = [(save, folder / "new", "x"), (os.mkdir, folder / "made"), (os.symlink, "x", folder / "linked"),
                 (os.rename, n1 / "fixed/file", folder / "moved")]
        if folder.name == "fixed":
            calls += [(save, folder / "file", "x"), (os.unlink, folder / "file"), (os.rmdir, folder / "below"),
                      (os.chmod, folder / "file", 0o600), (os.chown, folder / "file", 1, 1), (os.truncate, folder / "file", 0),
                      (os.utime, folder / "file"), (os.setxattr, folder / "file", "user.a", b"b"),
                      (os.removexattr, folder / "file", "user.a"), (os.rename, folder / "file", n1 / "stolen"),
                      (os.rename, folder / "file", folder / "renamed")]
        for call, *arguments in calls:
            got = errno_of(call, *arguments)
            expect(got == errno.EROFS, f"{call.__name__} {arguments}: {os.strerror(got)}")
    expect(load(n1 / "fixed/file") == "x\n" and now(cluster) == then, "and nothing was")


def who_may_not_today_may_not_in_the_past(cluster):
    n1, n2 = cluster[1], cluster[2]
    sh("mkdir open && chmod 755 open && echo s > open/file && echo t > open/closed && chmod 644 open/file && chmod 600 open/closed",
       cwd=n1.mount)
    then = now(cluster)
    expect(may_read(n2, NOBODY, then, "open/file"), "at first everybody may")
    expect(not may_read(n2, NOBODY, then, "open/closed"), "but not what was closed then")
    os.chmod(n1 / "open/closed", 0o644)
    expect(not may_read(n2, NOBODY, then, "open/closed"), "opening it today opens nothing of the past")
    os.chmod(n1 / "open/file", 0o600)
    expect(not may_read(n2, NOBODY, then, "open/file"), "what is closed today is closed in the past")
    os.chmod(n1 / "open/file", 0o644)
    expect(may_read(n2, NOBODY, then, "open/file"), "and open again")
    os.chmod(n1 / "open", 0o700)
    expect(not may_read(n2, NOBODY, then, "open/file"), "a directory that is closed today")
    expect(as_user(NOBODY, os.listdir, at(n2, then, "open")) == errno.EACCES, "is not listed either")
    expect(as_user(NOBODY, os.stat, at(n2, then, "open/file")) == errno.EACCES, "and nothing in it is found")
    os.chmod(n1 / "open", 0o755)
    os.chown(n1 / "open/file", SOMEBODY, SOMEBODY)
    os.chmod(n1 / "open/file", 0o640)
    expect(not may_read(n2, NOBODY, then, "open/file") and may_read(n2, SOMEBODY, then, "open/file"), "by owner, today's")


def what_is_gone_or_another_today_is_for_its_owner(cluster):
    n1, n2 = cluster[1], cluster[2]
    sh(f"mkdir gone && chmod 755 gone && echo s > gone/file && echo t > gone/his && chown {SOMEBODY} gone/his && chmod 644 gone/*"
       " && mkdir gone/below && echo u > gone/below/file", cwd=n1.mount)
    then = now(cluster)
    expect(all(may_read(n2, NOBODY, then, f"gone/{name}") for name in ("file", "his", "below/file")), "at first everybody may")
    sh("rm gone/his && mv gone/file elsewhere && chmod 600 elsewhere && echo other > gone/file && chmod 644 gone/file"
       " && mv gone/below belowground && mkdir gone/below && chmod 755 gone/below", cwd=n1.mount)
    expect(load(n2 / "gone/file") == "other\n", "another has the name")
    for name in ("file", "his", "below/file"):
        expect(not may_read(n2, NOBODY, then, f"gone/{name}"), f"gone/{name} is not for everybody any more")
        expect(load(at(n2, then, f"gone/{name}")), "but for root")
    expect(may_read(n2, SOMEBODY, then, "gone/his"), "and for its owner")
    os.chmod(n1 / "gone", 0o700)
    expect(not may_read(n2, SOMEBODY, then, "gone/his"), "who cannot pass a closed directory either")


def a_large_directory_is_listed_whole(cluster):
    n1 = cluster[1]
    sh("mkdir many && cd many && for i in $(seq 600); do echo $i > f$i; done && mkdir d && echo x > d/x", cwd=n1.mount)
    then = now(cluster)
    sh("rm -r many", cwd=n1.mount)
    names = os.listdir(at(cluster[3], then, "many"))
    expect(sorted(names) == sorted(["d", *(f"f{i}" for i in range(1, 601))]), f"{len(names)} names")
    expect(sh("find . -type f | wc -l; du -s . >/dev/null; tar cf /dev/null .", cwd=at(cluster[3], then, "many")).startswith("601\n"),
           "tools walk it")


def names_that_need_an_escape_have_the_same_in_the_past(cluster):
    n1 = cluster[1]
    for key in ("/odd/both", "/odd/both/below", "/odd//x", "/odd/.", "/odd/" + "n" * 300, "/odd/" + "m" * 300 + "/y"):
        etcdctl.put(n1, key, key.encode())
    then, seen = now(cluster), listing(n1.mount / "odd")
    past = at(cluster[2], then, "odd")
    expect(len(os.listdir(past)) == len(os.listdir(n1.mount / "odd")), "as many")
    for folder, _, files in os.walk(past):
        for name in files:
            expect(load(os.path.join(folder, name)).startswith("/odd/"), f"{name} is read")
    expect(len(seen) > 6 and load(past / ".etcfs:vboth") == "/odd/both", "the value beside a directory")


def what_was_compacted_is_said_to_be_gone(cluster):
    n1 = cluster[1]
    save(n1 / "fading", "one")
    then = now(cluster)
    save(n1 / "fading", "two")
    with open(at(n1, then, "fading"), encoding="ascii") as held:
        etcdctl.run(n1, "compaction", now(cluster))
        expect(held.read() == "one", "who has it open reads on")
    for node in cluster:
        sh("ls", cwd=node.mount)  # after which it is compacted here as well
        for when in (then, "2001-01-01"):
            got = errno_of(os.stat, at(node, when, "fading"))
            expect(got == errno.ENODATA, f"{when}: {os.strerror(got)}")
    expect(load(at(n1, now(cluster), "fading")) == "two", "the newest is always there")


def without_a_quorum_the_past_is_there(cluster):
    n1 = cluster[1]
    save(n1 / "lasting", "yes")
    then = now(cluster)
    for node in cluster:
        expect(load(at(node, then, "lasting")) == "yes", "at first")
    cluster[2].kill()
    cluster[3].kill()
    expect(load(at(n1, then, "lasting")) == "yes", "and alone")
    for number in (2, 3):
        cluster[number].start().wait_ready()


require("setfattr", "etcdctl", "setpriv")
run(Cluster(3, read_timeout="2s"), the_tree_is_there_as_it_was, a_file_of_the_past_is_another_than_that_of_today,
    a_time_is_the_newest_revision_of_that_time, what_is_no_revision_is_said_to_be_none, nothing_of_the_past_can_be_changed,
    who_may_not_today_may_not_in_the_past, what_is_gone_or_another_today_is_for_its_owner, a_large_directory_is_listed_whole,
    names_that_need_an_escape_have_the_same_in_the_past, what_was_compacted_is_said_to_be_gone,
    without_a_quorum_the_past_is_there)
