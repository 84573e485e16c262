#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files and keys are the same things: what etcd's own client puts is a file on every node, and what is saved is a key."""

import errno
import os
import stat

import etcdctl
from cluster import Cluster
from harness import append, errno_of, expect, load, require, run, save, sh, until
from recorder import Recorder

# Neither text nor short.
BYTES = bytes(range(256)) * 100


def content(path):
    with open(path, "rb") as file:
        return file.read()


def a_put_is_a_file_on_every_node(cluster):
    etcdctl.put(cluster[1], "/put/new", BYTES)
    for node in cluster:
        path = node / "put/new"
        at = os.stat(path)
        expect(content(path) == BYTES, f"{node.name} reads what was put")
        expect(at.st_size == len(BYTES), f"{node.name} says its size")
        expect(stat.S_IMODE(at.st_mode) == 0o644 and (at.st_uid, at.st_gid) == (0, 0), f"{node.name}: root's, 0644: {at}")
        directory = os.stat(node / "put")
        expect(stat.S_IMODE(directory.st_mode) == 0o755, f"{node.name}: its directory is 0755: {directory}")


def watch_while(cluster, change, **paths):
    """The events that programs on each node are told of a change."""
    recorders = {}
    for node in cluster:
        os.makedirs(node / f"marks/{node.name}", exist_ok=True)
        recorders[node] = Recorder({label: node / path for label, path in paths.items()}, node / f"marks/{node.name}")
    for node, recorder in recorders.items():
        recorder.begin(node / f"marks/{node.name}")
    change()
    told = {}
    for node, recorder in recorders.items():
        told[node.name] = [line for line in recorder.end(node / f"marks/{node.name}") if "ACCESS" not in line]
        for name in ("begin", "end"):
            os.unlink(node / f"marks/{node.name}/{name}")
    return told


def expect_told(told, *events):
    """Each node was told these, in this order, whatever else."""
    for node, lines in told.items():
        left = iter(lines)
        for event in events:
            expect(any(event in line for line in left), f"{node} is told {event}; it was told:\n" + "\n".join(lines))


def programs_on_every_node_are_told_of_puts_and_deletes(cluster):
    os.mkdir(cluster[1] / "told")
    save(cluster[1] / "told/old", "before")
    for node in cluster:
        until(lambda node=node: load(node / "told/old") == "before", 10, f"{node.name} has the file")
    told = watch_while(cluster, lambda: etcdctl.put(cluster[2], "/told/new", b"1"), D="told")
    expect_told(told, "CREATE new", "CLOSE_WRITE new")
    told = watch_while(cluster, lambda: etcdctl.put(cluster[2], "/told/old", b"after"), D="told", F="told/old")
    expect_told(told, "MODIFY", "CLOSE_WRITE")
    expect(all("CREATE" not in line for lines in told.values() for line in lines), "it is the same file")
    told = watch_while(cluster, lambda: etcdctl.run(cluster[2], "del", "/told/old"), D="told")
    expect_told(told, "DELETE old")


def a_save_is_one_revision_with_the_files_bytes(cluster):
    save(cluster[1] / "saved", "first")
    before = etcdctl.get(cluster[2], "/saved")
    with open(cluster[1] / "saved", "wb") as file:
        for start in range(0, len(BYTES), 1000):
            file.write(BYTES[start:start + 1000])
            file.flush()
    after = etcdctl.get(cluster[3], "/saved")
    expect(before["value"] == b"first" and after["value"] == BYTES, "the value is what the file holds")
    expect(after["mod_revision"] == before["mod_revision"] + 1, f"one revision: {before['mod_revision']}, {after['mod_revision']}")
    expect(after["version"] == before["version"] + 1, "one version")
    expect(after["create_revision"] == before["create_revision"], "the same key")
    append(cluster[2] / "saved", "more")
    expect(etcdctl.get(cluster[1], "/saved")["value"] == BYTES + b"more", "an append is a put of the whole")


def what_a_file_is_survives_a_put(cluster):
    path = cluster[1] / "kept"
    save(path, "before")
    os.chmod(path, 0o600)
    os.chown(path, 12, 34)
    os.setxattr(path, "user.note", b"mine")
    os.utime(path, ns=(1, 1))
    before = os.stat(path)
    etcdctl.put(cluster[2], "/kept", b"much longer than before")
    for node in cluster:
        at = os.stat(node / "kept")
        expect(load(node / "kept") == "much longer than before" and at.st_size == 23, f"{node.name} has the new content")
        expect((at.st_mode, at.st_uid, at.st_gid, at.st_ino) == (before.st_mode, 12, 34, before.st_ino),
               f"{node.name}: mode, owner and identity are as they were: {at}")
        expect(os.getxattr(node / "kept", "user.note") == b"mine", f"{node.name}: so are its attributes")
        expect(at.st_mtime_ns > 1 and at.st_ctime_ns >= before.st_ctime_ns, f"{node.name}: it was modified now: {at}")


def what_is_deleted_is_gone_on_both_sides(cluster):
    save(cluster[1] / "gone", "content")
    with open(cluster[2] / "gone", encoding="utf-8") as held:
        etcdctl.run(cluster[3], "del", "/gone")
        for node in cluster:
            expect(errno_of(os.stat, node / "gone") == errno.ENOENT, f"{node.name}: it is gone")
        expect(held.read() == "content", "who has it open reads it on")
    etcdctl.put(cluster[1], "/again", b"1")
    os.unlink(cluster[2] / "again")
    expect(etcdctl.get(cluster[3], "/again") is None, "so is the key of a file that was removed")


def directories_are_prefixes(cluster):
    etcdctl.put(cluster[1], "/tree/a/b/c", b"deep")
    expect(os.listdir(cluster[2] / "tree/a") == ["b"], "a deep key makes the directories above it")
    os.mkdir(cluster[2] / "tree/made")
    expect(etcdctl.keys(cluster[1], "/tree/made") == ["/tree/made/"], "a directory that was made is a key that ends in /")
    expect(etcdctl.get(cluster[1], "/tree/made/")["value"] == b"", "and is empty")
    os.rename(cluster[2] / "tree/a", cluster[2] / "tree/moved")
    expect(etcdctl.keys(cluster[3], "/tree/") == ["/tree/made/", "/tree/moved/b/c"], "a rename moves the keys below")
    etcdctl.run(cluster[1], "del", "/tree/moved/b/c")
    expect(errno_of(os.stat, cluster[3] / "tree/moved") == errno.ENOENT, "a directory that nobody made goes with its last key")
    expect(os.listdir(cluster[3] / "tree") == ["made"], "one that was made stays")
    etcdctl.run(cluster[1], "del", "--prefix", "/tree/")
    expect(errno_of(os.stat, cluster[2] / "tree") == errno.ENOENT, "until it is deleted too")


def a_transaction_changes_files_at_once(cluster):
    etcdctl.put(cluster[1], "/txn/a", b"1")
    etcdctl.put(cluster[1], "/txn/b", b"1")
    before = etcdctl.revision(cluster[1])
    etcdctl.run(cluster[2], "txn", value=b'value("/txn/a") = "1"\n\nput /txn/a 2\nput /txn/b 2\n\nput /txn/c 2\n\n')
    expect([load(cluster[3] / f"txn/{name}") for name in "ab"] == ["2", "2"], "both files have changed")
    expect(errno_of(os.stat, cluster[3] / "txn/c") == errno.ENOENT, "and the other branch was not taken")
    expect(etcdctl.revision(cluster[1]) == before + 1, "in one revision")


def a_key_that_is_a_value_and_a_prefix_is_both(cluster):
    etcdctl.put(cluster[1], "/both", b"value")
    etcdctl.put(cluster[1], "/both/below", b"deeper")
    for node in cluster:
        expect(load(node / "both/below") == "deeper", f"{node.name}: the directory has the name")
        expect(load(node / ".etcfs:vboth") == "value", f"{node.name}: the value has a reserved one")
    save(cluster[2] / ".etcfs:vboth", "saved")
    expect(etcdctl.get(cluster[3], "/both")["value"] == b"saved", "and can be saved")
    etcdctl.run(cluster[1], "del", "/both/below")
    expect(load(cluster[3] / "both") == "saved", "once nothing is below it, it has its own name")
    os.unlink(cluster[1] / "both")


def keys_that_no_path_names_are_left_alone(cluster):
    for key in ("outside", "outside/deep"):
        etcdctl.put(cluster[1], key, b"1")
    shown = {name for node in cluster for name in os.listdir(node.mount)}
    expect("outside" not in shown, f"keys without a / before them are not files: {shown}")
    expect(etcdctl.keys(cluster[2], "outside") == ["outside", "outside/deep"], "but keys they are")
    etcdctl.put(cluster[1], "/odd//./x", b"odd")
    expect(load(cluster[2] / "odd/.etcfs:x/.etcfs:x./x") == "odd", "what cannot be a name gets one that can")


def is_served(node, *words):
    """Some services come later than others: said, not passed over."""
    said = sh(f"ETCDCTL_API=3 timeout 1 etcdctl --endpoints {node.client_url} {' '.join(words)}", status=None)
    if "unknown service" in said:
        print(f"     SKIPPED: etcdctl {' '.join(words)} is not served yet", flush=True)
        return False
    return True


def a_save_leaves_the_lease_of_a_key(cluster):
    if not is_served(cluster[1], "lease", "list"):
        return
    lease = etcdctl.run(cluster[1], "lease", "grant", "600").split()[1]
    etcdctl.put(cluster[1], "/leased", b"1", "--lease", lease)
    expect(os.getxattr(cluster[2] / "leased", "user.etcfs.lease") not in (b"", b"0"), "the file tells its lease")
    save(cluster[2] / "leased", "saved")
    expect(etcdctl.get(cluster[3], "/leased").get("lease") == int(lease, 16), "a save keeps it")
    etcdctl.run(cluster[3], "lease", "revoke", lease)
    expect(errno_of(os.stat, cluster[1] / "leased") == errno.ENOENT, "and the file goes with it")


def a_save_is_one_event_for_a_watcher(cluster):
    if not is_served(cluster[1], "watch", "/watched/"):
        return
    os.mkdir(cluster[1] / "watched")
    first = etcdctl.revision(cluster[1]) + 1
    with open(cluster[1] / "watched/file", "wb") as file:
        for start in range(0, len(BYTES), 1000):
            file.write(BYTES[start:start + 1000])
            file.flush()
    os.rename(cluster[2] / "watched/file", cluster[2] / "watched/moved")
    etcdctl.put(cluster[3], "/watched/last", b"1")
    events = etcdctl.watched(cluster[3], "/watched/", first, "/watched/last")
    told = [(event.get("type", "PUT"), event["key"]) for event in events]
    expect(told == [("PUT", "/watched/file"), ("PUT", "/watched/moved"), ("DELETE", "/watched/file"), ("PUT", "/watched/last")],
           f"each change is told once: {told}")
    expect(events[0]["value"] == events[1]["value"] == BYTES, "with the bytes of the file")
    expect(events[1]["mod_revision"] == events[2]["mod_revision"], "a rename is one revision")


if __name__ == "__main__":
    require("etcdctl")
    run(Cluster(3), a_put_is_a_file_on_every_node, programs_on_every_node_are_told_of_puts_and_deletes,
        a_save_is_one_revision_with_the_files_bytes, what_a_file_is_survives_a_put, what_is_deleted_is_gone_on_both_sides,
        directories_are_prefixes, a_transaction_changes_files_at_once, a_key_that_is_a_value_and_a_prefix_is_both,
        keys_that_no_path_names_are_left_alone, a_save_leaves_the_lease_of_a_key, a_save_is_one_event_for_a_watcher)
