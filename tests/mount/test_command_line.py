#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""etcfs shows and changes what the mounts show, for people and, with --json, for programs."""

import json
import os
import re
import subprocess

from cluster import Cluster
from harness import BUILDDIR, expect, load, require, run, save, until

NAMES = {"n1", "n2", "n3"}


def status_and_members_know_every_node(cluster):
    for node in cluster:
        status = until(lambda node=node: _complete(node.status()), 30, f"{node.name} has heard of all")
        expect({member["name"] for member in status["members"]} == NAMES, "all members are there")
        expect([member["role"] for member in status["members"]].count("leader") == 1, "one of them leads")
        expect(status["leader"] in NAMES and status["has_quorum"] is True, "the leader has a name")
        for member in status["members"]:
            missing = {"term", "commit", "applied", "revision", "lag"} - set(member)
            expect(not missing, f"the status of {member['name']} lacks {missing}")
        text = node.etcfs("status")
        expect(all(name in text for name in NAMES) and "leader" in text, f"etcfs status says:\n{text}")
        expect("\x1b" not in text, "no colours where there is no terminal")
        expect(NAMES <= set(re.findall(r"\bn\d\b", node.etcfs("members"))), "members lists them")


def _complete(status):
    return status if all(member["role"] in ("leader", "follower") for member in status["members"]) else None


def keys_are_files_and_files_are_keys(cluster):
    n1, n2, n3 = cluster
    n1.etcfs("put", "/cli/key", "value")
    expect(load(n2 / "cli/key") == "value", "a put is a file on another node")
    expect(n3.etcfs("get", "/cli/key").rstrip("\n") == "value", "and a key on a third")
    save(n3 / "cli/file", "from the mount\n")
    expect("from the mount" in n1.etcfs("get", "/cli/file"), "a file is a key")
    expect("file" in n2.etcfs("ls", "/cli") and "key" in n2.etcfs("ls", "/cli"), "ls lists both")
    n2.etcfs("del", "/cli/key")
    expect(not os.path.exists(n1 / "cli/key"), "a del removes the file")
    expect(os.path.isdir(n1 / "cli"), "and keeps the directory")


def json_is_json_everywhere(cluster):
    node = cluster[2]
    save(node / "j", "x")
    for words in (["status"], ["members"], ["get", "/j"], ["ls", "/"], ["put", "/j", "y"], ["log"], ["del", "/j"]):
        said = node.etcfs(*words, "--json")
        for line in said.strip().splitlines() if words[0] == "log" else [said]:
            json.loads(line)


def the_log_tells_who_changed_what(cluster):
    n1, n2 = cluster[1], cluster[2]
    save(n1 / "told", "x")
    revision = n1.status()["revision"]
    text = n2.etcfs("log")
    line = next((line for line in text.splitlines() if "told" in line), "")
    expect(str(revision) in line and "n1" in line, f"etcfs log says:\n{text}")


def watch_shows_changes_as_they_come(cluster):
    n1, n3 = cluster[1], cluster[3]
    log = cluster.folder / "watch.log"
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen([BUILDDIR / "etcfs", "--data-dir", n3.data, "watch", "/watched"], stdout=file)
    try:
        turns = iter(range(10000))

        def seen():
            save(n1 / "watched", f"turn {next(turns)}")
            return "turn" in log.read_text()
        until(seen, 20, "the watch shows a save")
        os.unlink(n1 / "watched")
        until(lambda: "delete" in log.read_text().lower(), 20, f"the watch shows the delete:\n{log.read_text()}")
    finally:
        process.terminate()
        process.wait(10)


def the_hidden_directory_tells_of_the_node(cluster):
    node = cluster[1]
    expect(".etcfs" not in os.listdir(node.mount), "it is not listed")
    for name in ("status", "members", "leader", "revision", "health", "metrics"):
        expect(load(node / ".etcfs" / name) != "", f".etcfs/{name} says something")
    expect(load(node / ".etcfs/leader").strip() == cluster.leader().name, "the leader by name")
    expect(load(node / ".etcfs/revision").strip() == str(node.status()["revision"]), "the revision")


if __name__ == "__main__":
    require()
    run(Cluster(3), status_and_members_know_every_node, keys_are_files_and_files_are_keys, json_is_json_everywhere,
        the_log_tells_who_changed_what, watch_shows_changes_as_they_come, the_hidden_directory_tells_of_the_node)
