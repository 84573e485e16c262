#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A whole /etc on one node is the same /etc on another, to the tools that people use on it."""

import os
from pathlib import Path

from cluster import Cluster, expect_alike, expect_same_text, listing
from harness import expect, require, run, sh

TREE = "etc"


def cp_a_of_etc_is_alike_on_another_node(cluster):
    n1, n3 = cluster[1], cluster[3]
    os.mkdir(n1 / TREE)
    sh(f"cp -a /etc/. '{n1 / TREE}'")
    expect_alike(n1 / TREE, n3 / TREE)
    expect_same_text(_without_directory_sizes("/etc"), _without_directory_sizes(n3 / TREE), "/etc and its copy")
    sh(f"diff -r --no-dereference /etc '{n3 / TREE}'")


def _without_directory_sizes(folder):
    """What a directory's size says is each filesystem's own affair."""
    rows = [line.split("\t") for line in listing(folder).splitlines()]
    return "\n".join("\t".join(row[:4] + ["-" if row[1] == "d" else row[4]] + row[5:]) for row in rows)


def rsync_a_second_time_transfers_nothing(cluster):
    n1, n2, n3 = cluster
    sh(f"rsync -a /etc/ '{n1 / 'rsync'}/'")
    for node in (n1, n2, n3):
        expect(sh(f"rsync -a --itemize-changes /etc/ '{node / 'rsync'}/'") == "", f"rsync found changes on {node.name}")
    Path(n2 / "rsync" / "hostname").write_text("another\n", encoding="ascii")
    changes = sh(f"rsync -a --itemize-changes /etc/ '{n3 / 'rsync'}/'")
    expect(changes.split()[-1] == "hostname" and len(changes.splitlines()) == 1, f"rsync saw:\n{changes}")


def tar_packs_and_unpacks(cluster):
    n1, n2, n3 = cluster
    archive = cluster.folder / "etc.tar"
    sh(f"tar -C '{n2 / TREE}' -cf '{archive}' .")
    os.mkdir(n1 / "tar")
    sh(f"tar -C '{n1 / 'tar'}' -xpf '{archive}'")
    sh(f"diff -r --no-dereference /etc '{n3 / 'tar'}'")
    sh(f"tar -C '{n3 / 'tar'}' --compare -f '{archive}'")


def find_grep_and_du_agree(cluster):
    n1, n3 = cluster[1], cluster[3]
    for command in ("find . -type f -perm /o+r | sort", "find . -type l -lname '/*' | sort", "find . -empty | sort",
                    "grep -rl root . | sort", "grep -rc . --include=*.conf . | sort", "find . -newer passwd | sort"):
        here, there = sh(command, cwd="/etc"), sh(command, cwd=n3 / TREE)
        expect_same_text(here, there, command)
    expect(sh("du -s --apparent-size .", cwd=n1 / TREE) == sh("du -s --apparent-size .", cwd=n3 / TREE), "du differs")
    blocks = int(sh("du -s .", cwd=n3 / TREE).split()[0])
    expect(blocks > 100, f"du counts {blocks} KiB for all of /etc")


def mv_of_a_full_directory_is_one_rename(cluster):
    n1, n3 = cluster[1], cluster[3]
    before = listing(n1 / TREE)
    revision = n1.status()["revision"]
    sh(f"mv '{n1 / TREE}' '{n1 / 'moved'}'")
    expect(n1.status()["revision"] == revision + 1, "a rename of a directory is one revision")
    expect(not os.path.exists(n3 / TREE), "the old name is gone")
    expect_same_text(before, listing(n3 / "moved"), "the directory before and after")


def rm_r_leaves_nothing(cluster):
    n1, n2, n3 = cluster
    sh(f"rm -r '{n2 / 'moved'}' '{n1 / 'rsync'}' '{n3 / 'tar'}'")
    for node in cluster:
        expect(os.listdir(node.mount) == [], f"{node.name} still shows {os.listdir(node.mount)}")


if __name__ == "__main__":
    require("rsync")
    run(Cluster(3), cp_a_of_etc_is_alike_on_another_node, rsync_a_second_time_transfers_nothing, tar_packs_and_unpacks,
        find_grep_and_du_agree, mv_of_a_full_directory_is_one_rename, rm_r_leaves_nothing)
