#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""git, vim and sed on one node, and what the other nodes see of it."""

import os
import stat
from pathlib import Path

from cluster import Cluster, expect_alike
from harness import expect, load, require, run, save, sh

GIT = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@a",
       "GIT_CONFIG_GLOBAL": "/dev/null"}


def git_keeps_history_that_another_node_can_read(cluster):
    n1, n2, n3 = cluster
    repository = n1 / "git"
    os.mkdir(repository)
    sh("cp -a /etc/default /etc/pam.d .", cwd=repository)
    sh("git init -q . && git add . && git commit -qm first", cwd=repository, env=GIT)
    Path(repository / "default" / "added").write_text("line\n", encoding="ascii")
    expect("?? default/added" in sh("git status --short", cwd=n2 / "git", env=GIT), "n2 sees the new file")
    sh("git add . && git commit -qm second", cwd=n2 / "git", env=GIT)
    sh("git gc -q", cwd=repository, env=GIT)
    expect(sh("git status --short", cwd=n3 / "git", env=GIT) == "", "n3 sees a clean tree")
    sh("git fsck --strict", cwd=n3 / "git", env=GIT)
    expect(sh("git log --format=%s", cwd=n3 / "git", env=GIT) == "second\nfirst\n", "n3 sees both commits")
    sh("git checkout -q HEAD~1", cwd=n3 / "git", env=GIT)
    expect(not os.path.exists(repository / "default" / "added"), "a checkout on n3 is seen on n1")


def vim_saves_in_place(cluster):
    n1, n2 = cluster[1], cluster[2]
    save(n1 / "edited", "one\ntwo\n")
    inode = os.stat(n1 / "edited").st_ino
    sh(f"vim.tiny -u NONE -es -c '%s/one/eins/' -c wq '{n1 / 'edited'}'")
    expect(load(n2 / "edited") == "eins\ntwo\n", "n2 reads what vim wrote")
    expect(os.stat(n2 / "edited").st_ino == inode, "the file is the same one")
    expect(os.listdir(n2.mount).count(".edited.swp") == 0, "the swap file is gone")


def perl_i_saves_by_rename_and_keeps_a_backup(cluster):
    n1, n2 = cluster[1], cluster[2]
    save(n1 / "renamed", "one\n")
    sh(f"perl -i.bak -pe s/one/eins/ '{n2 / 'renamed'}'")
    expect(load(n1 / "renamed") == "eins\n" and load(n1 / "renamed.bak") == "one\n", "n1 reads the file and its backup")


def sed_i_keeps_mode_and_owner(cluster):
    n1, n3 = cluster[1], cluster[3]
    save(n1 / "sed", "port 80\n")
    os.chmod(n1 / "sed", 0o640)
    os.chown(n1 / "sed", 1, 2)
    sh(f"sed -i s/80/8080/ '{n3 / 'sed'}'")
    status = os.stat(n1 / "sed")
    expect(load(n1 / "sed") == "port 8080\n", "n1 reads what sed wrote")
    expect((status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o640, 1, 2), f"n1 sees {status}")


def a_shell_user_sees_nothing_strange(cluster):
    n1, n2 = cluster[1], cluster[2]
    sh("mkdir -p a/b/c && echo x > a/b/c/f && ln -s ../b a/link && mkfifo fifo && chmod 4755 a/b/c/f &&"
       "touch -d @1000000000.123456789 a/b/c/f && cp -a a copy && cp -a fifo copy.fifo", cwd=n1.mount)
    expect_alike(n1 / "a", n2 / "a")
    expect_alike(n2 / "a", n1 / "copy")
    expect(stat.S_ISFIFO(os.lstat(n2 / "copy.fifo").st_mode), "a FIFO is one on n2")
    expect(sh("stat -c %Y.%y a/b/c/f", cwd=n2.mount).startswith("1000000000.2001-09-09"), "the time is kept")
    expect(".123456789" in sh("stat -c %y a/b/c/f", cwd=n2.mount), "to the nanosecond")
    expect(sh("df --output=fstype . | tail -1", cwd=n1.mount).startswith("fuse"), "df knows the mount")


if __name__ == "__main__":
    require("git", "vim.tiny")
    run(Cluster(3), git_keeps_history_that_another_node_can_read, vim_saves_in_place, perl_i_saves_by_rename_and_keeps_a_backup,
        sed_i_keeps_mode_and_owner,
        a_shell_user_sees_nothing_strange)
