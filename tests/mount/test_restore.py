#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many files in one revision: a subtree as it was, and a local directory; on each node, with the events that a watcher elsewhere is told."""

import json
import os
import re

import etcdctl
from cluster import Cluster, expect_same_text, listing
from harness import Worker, expect, load, require, run, save, sh
from recorder import Recorder

MANY = 9000


def now(node):
    return etcdctl.revision(node)


def without_times(text):
    return re.sub(r"(?m)^(.*\t.*\t.*\t.*\t.*\t)[0-9.]+\t", r"\1", text)


def tree_of(folder):
    """Names, types, modes, owners, sizes, targets, contents and extended attributes."""
    return without_times(listing(folder)) + sh("find . -type f | sort | xargs -r md5sum; getfattr -dhR -m user.colour . 2>/dev/null",
                                               cwd=folder)


def expect_tree(cluster, path, wanted):
    for node in cluster:
        expect_same_text(wanted, tree_of(node.mount / path), f"what was wanted and {path} on {node.name}")


def a_subtree_comes_back_as_it_was(cluster):
    n1 = cluster[1]
    sh("mkdir -p t/deep/er t/empty t/mode && echo one > t/a && echo two > t/deep/er/b && ln -s a t/link && echo c > t/c && chmod 640 t/a"
       " && chown 7:8 t/a && chmod 700 t/mode && echo m > t/mode/m && setfattr -n user.colour -v green t/a && mkfifo t/pipe"
       " && echo same > t/same && echo file > t/kind && touch -d 2001-02-03T04:05:06Z t/c", cwd=n1.mount)
    etcdctl.put(n1, "/t/made/by/client", b"three")
    then, wanted = now(n1), tree_of(n1.mount / "t")
    sh("rm -r t/deep t/link t/made t/pipe t/empty && echo other > t/a && chmod 600 t/a && setfattr -x user.colour t/a && chmod 755 t/mode"
       " && rm t/mode/m && mkdir -p t/new/below && echo n > t/new/below/n && echo x > t/x && ln -s nowhere t/link && rm t/c t/kind"
       " && mkdir t/kind && echo k > t/kind/k && chown 3 t/mode", cwd=n1.mount)
    before, inode, changed = now(n1), os.stat(n1 / "t/same").st_ino, tree_of(n1.mount / "t")
    said = cluster[2].etcfs("restore", "--at", then, "--dry-run", "/t")
    expect("a dry run" in said and now(n1) == before and tree_of(n1.mount / "t") == changed, "a dry run changes nothing")
    for line in ("removed     /t/new/", "removed     /t/x", "changed     /t/a", "attributes  /t/mode/", "added       /t/deep/er/b",
                 "removed     /t/kind/", "added       /t/kind", "changed     /t/link"):
        expect(re.search(rf"(?m)^{line}$", said), f"{line} is not in\n{said}")
    expect("same" not in said, "what is the same is left alone")
    real = cluster[2].etcfs("restore", "--at", then, "/t")
    expect("nothing to do" in n1.etcfs("restore", "--at", then, "/t"), "again there is nothing to do")
    expect(real.splitlines()[:-1] == said.splitlines()[:-1], "the dry run told the truth")
    expect(now(n1) == before + 1, f"{now(n1) - before} revisions")
    expect_tree(cluster, "t", wanted)
    expect(os.stat(n1 / "t/same").st_ino == inode and os.stat(n1 / "t/c").st_mtime == 981173106, "identity and time")
    sh("echo more >> t/deep/er/b && rmdir t/empty && echo again > t/made/by/client && rm -r t", cwd=cluster[3].mount)
    expect("there was no /t" in n1.etcfs("restore", "--at", now(n1), "/t", status=3), "neither then nor now")
    n1.etcfs("restore", "--at", f"{before + 1}", "/t")
    expect_tree(cluster, "t", wanted)
    n1.etcfs("restore", "--at", before, "/t")
    expect_tree(cluster, "t", changed)


def one_file_and_what_is_above_it(cluster):
    n1 = cluster[1]
    sh("mkdir -p up/secret/in && chmod 700 up/secret && echo s > up/secret/in/f && echo t > up/secret/in/other", cwd=n1.mount)
    then = now(n1)
    sh("rm -r up/secret", cwd=n1.mount)
    n1.etcfs("restore", "--at", then, "/up/secret/in/f")
    expect(load(cluster[3] / "up/secret/in/f") == "s\n" and not os.path.exists(n1 / "up/secret/in/other"), "that file alone")
    expect(os.stat(cluster[2] / "up/secret").st_mode & 0o777 == 0o700, "the directory above is as closed as it was")
    save(n1 / "up/late", "x")
    n1.etcfs("restore", "--at", then, "/up/late")
    expect(not os.path.exists(cluster[2] / "up/late"), "what was not there goes")
    etcdctl.put(n1, "/bare/only", b"1")
    n1.etcfs("restore", "--at", then, "/bare/only")
    expect(os.path.isdir(cluster[2] / "bare"), "and leaves its directory behind")
    sh("rm -r up && echo file > up", cwd=n1.mount)
    said = n1.etcfs("restore", "--at", then, "/up/secret/in/f", status=1)
    expect("/up is a file today" in said, said)


def what_cannot_be_is_refused(cluster):
    n1 = cluster[1]
    for words, status, part in ((("--at", "yesterday", "/t"), 1, "no point of the history"), (("/t",), 2, "as it was when?"),
                                (("--at", 10 ** 9, "/t"), 1, "in the future"), (("--at", 1, "/never"), 3, "there was no /never"),
                                (("--at", 1, "never"), 1, "begins with '/'")):
        said = n1.etcfs("restore", *words, status=status)
        expect(part in said, said)


def more_than_a_revision_holds_is_refused(cluster):
    n1 = cluster[1]
    sh(f"mkdir /tmp/etcfs-many.$$ && cd /tmp/etcfs-many.$$ && seq {MANY} | split -l 1 -a 4 - f && '{n1.command()[0][:-1]}'"
       f" --data-dir '{n1.data}' apply --to /many . > /dev/null; cd / && rm -r /tmp/etcfs-many.$$", seconds=120)
    expect(len(os.listdir(cluster[2] / "many")) == MANY, "they are there")
    then = now(n1)
    etcdctl.run(n1, "del", "--prefix", "/many/f")
    expect(len(os.listdir(n1 / "many")) == 0, "and gone")
    said = n1.etcfs("restore", "--at", then, "/many", status=1)
    expect("that one revision can hold" in said and len(os.listdir(n1 / "many")) == 0, said)
    sh("rmdir many", cwd=n1.mount)
    n1.etcfs("restore", "--at", then, "/many")
    expect(len(os.listdir(cluster[2] / "many")) == MANY, "into a directory that is new there is less to guard")
    n1.etcfs("restore", "--at", 1, "/many")
    expect(not os.path.exists(cluster[3] / "many"), "and a whole directory goes at once")


def somebody_else_is_first_and_it_is_planned_again(cluster):
    n1 = cluster[1]
    sh("mkdir race && echo old > race/f && echo old > race/g", cwd=n1.mount)
    then = now(n1)
    count = [0]

    def write():
        count[0] += 1
        save(cluster[3] / "race/f", f"new {count[0]}\n")
    writer = Worker(write)
    for _ in range(20):
        save(n1 / "race/g", "new")
        before = json.loads(cluster[2].etcfs("restore", "--json", "--at", then, "/race"))
        whole = etcdctl.ask(n1, "get", "/race/", "--prefix", "--rev", str(before["revision"]))["kvs"]
        expect([kv.get("value", "") for kv in whole] == ["", "b2xkCg==", "b2xkCg=="], f"the state that it made: {whole}")
    writer.stop()


def the_events_are_those_of_the_changes(cluster):
    n1, n2 = cluster[1], cluster[2]
    sh("mkdir w marks && mkdir w/goes w/turns && echo 1 > w/changes && echo 1 > w/goes/f && echo s > w/same && echo m > w/mode && ln -s a w/link"
       " && echo k > w/kind", cwd=n1.mount)
    then = now(n1)
    sh("echo 2 > w/changes && rm -r w/goes && echo n > w/new && chmod 600 w/mode && ln -sfn b w/link && rm w/kind && mkdir w/kind"
       " && rmdir w/turns && echo t > w/turns", cwd=n1.mount)
    recorder = Recorder({"w": n2 / "w", "changes": n2 / "w/changes", "same": n2 / "w/same", "mode": n2 / "w/mode"}, n2 / "marks",
                        "MODIFY|CLOSE_WRITE|CREATE|DELETE|ATTRIB|MOVED_TO|MOVED_FROM")
    recorder.begin(n1 / "marks")
    cluster[3].etcfs("restore", "--at", then, "/w")
    told = recorder.end(n1 / "marks")
    text = "\n".join(told)
    for wanted in (r"w CREATE\S* goes", r"changes MODIFY", r"changes CLOSE_WRITE", r"mode ATTRIB", r"w DELETE new"):
        expect(re.search(wanted, text), f"no {wanted} in\n{text}")
    for first, then in ((r"w DELETE link", r"w CREATE link"), (r"w DELETE\|ISDIR kind", r"w CREATE kind"),
                        (r"w DELETE turns", r"w CREATE\|ISDIR turns")):
        expect(re.search(rf"(?ms)^{first}$.*^{then}$", text), f"no {first} before {then} in\n{text}")
    expect(not re.search(r"(?m)^same |same$", text), f"what is the same is not told of:\n{text}")


def a_directory_is_applied_in_one_revision(cluster):
    n1 = cluster[1]
    folder = n1.folder / "local"
    sh(f"mkdir -p {folder}/conf.d/empty && cd {folder} && echo main > main.conf && echo a > conf.d/a && ln -s ../main.conf conf.d/link"
       " && printf '\\000\\001' > binary && chmod 750 conf.d && chmod 600 main.conf && touch conf.d-x && chmod 711 .")
    before = now(n1)
    said = n1.etcfs("apply", "--dry-run", "--to", "/app/v1", folder)
    expect("added       /app/\n" in said and "added       /app/v1/conf.d/link" in said and now(n1) == before, said)
    n1.etcfs("apply", "--to", "/app/v1", folder)
    expect(now(n1) == before + 1, f"{now(n1) - before} revisions")
    expect_tree(cluster, "app/v1", tree_of(folder))
    expect(os.stat(cluster[2] / "app/v1").st_mode & 0o777 == 0o711, "the mode of what is new")
    expect("nothing to do" in cluster[2].etcfs("apply", "--to", "/app/v1/", folder), "again there is nothing to do")
    sh("chown 7:8 app/v1/main.conf && setfattr -n user.colour -v red app/v1/main.conf && echo x > app/v1/extra && chmod 755 app/v1",
       cwd=n1.mount)
    sh(f"cd {folder} && echo other > main.conf && rm conf.d/link && rm -r conf.d/empty && chmod 755 conf.d")
    cluster[3].etcfs("apply", "--to", "/app/v1", folder)
    stat = os.stat(n1 / "app/v1/main.conf")
    expect((stat.st_uid, stat.st_gid, stat.st_mode & 0o777) == (7, 8, 0o600), f"it keeps its owner: {stat}")
    expect(os.getxattr(n1 / "app/v1/main.conf", "user.colour") == b"red" and load(n1 / "app/v1/main.conf") == "other\n", "and xattrs")
    expect(os.path.exists(n1 / "app/v1/extra") and os.path.islink(n1 / "app/v1/conf.d/link"), "without --delete nothing goes")
    expect(os.stat(n1 / "app/v1").st_mode & 0o777 == 0o755, "the directory itself stays as it is")
    said = n1.etcfs("apply", "--delete", "--to", "/app/v1", folder)
    expect("removed     /app/v1/extra\n" in said and "removed     /app/v1/conf.d/empty/\n" in said, said)
    expect(sorted(os.listdir(cluster[2] / "app/v1")) == ["binary", "conf.d", "conf.d-x", "main.conf"], "with it, it does")
    expect(os.listdir(cluster[2] / "app/v1/conf.d") == ["a"], "at every depth")


def what_is_in_the_way_is_not_trodden_on(cluster):
    n1 = cluster[1]
    folder = n1.folder / "way"
    sh(f"mkdir -p {folder}/d && echo x > {folder}/d/x && echo f > {folder}/f")
    sh("mkdir -p way/f && echo keep > way/f/keep && echo d > way/d", cwd=n1.mount)
    said = n1.etcfs("apply", "--to", "/way", folder, status=1)
    expect("/way/d is a file in the cluster" in said and load(n1 / "way/f/keep") == "keep\n", said)
    expect(not os.path.exists(n1 / "way/f/x"), "nothing of it happened")
    n1.etcfs("apply", "--delete", "--to", "/way", folder)
    expect(load(cluster[3] / "way/f") == "f\n" and load(cluster[3] / "way/d/x") == "x\n", "--delete makes room")
    sh(f"mkfifo {folder}/pipe")
    said = n1.etcfs("apply", "--to", "/way", folder, status=1)
    expect("pipe: neither a file" in said, said)
    sh(f"rm {folder}/pipe && truncate -s 2M {folder}/large")
    said = n1.etcfs("apply", "--to", "/way", folder, status=1)
    expect("--max-file-size" in said and not os.path.exists(n1 / "way/large"), said)
    n1.etcfs("apply", "--to", "/way/one", folder / "f")
    expect(load(cluster[2] / "way/one") == "f\n", "a file alone")


def all_of_the_root(cluster):
    n1 = cluster[1]
    folder = n1.folder / "root"
    os.chmod(n1.mount, 0o751)
    sh(f"mkdir -p {folder} && echo r > {folder}/rooted && chmod 700 {folder}")
    before = now(n1)
    n1.etcfs("apply", folder)
    expect(load(cluster[2] / "rooted") == "r\n" and os.stat(cluster[2].mount).st_mode & 0o777 == 0o751, "the root keeps its mode")
    n1.etcfs("apply", "--delete", folder)
    expect(os.listdir(cluster[2].mount) == ["rooted"] and os.stat(cluster[2].mount).st_mode & 0o777 == 0o751, "and so with --delete")
    cluster[3].etcfs("restore", "--at", before, "/")
    expect(not os.path.exists(n1 / "rooted") and load(n1 / "way/one") == "f\n", "and all comes back")


require("setfattr", "etcdctl", "setpriv", "split")
run(Cluster(3), a_subtree_comes_back_as_it_was, one_file_and_what_is_above_it, what_cannot_be_is_refused,
    more_than_a_revision_holds_is_refused, somebody_else_is_first_and_it_is_planned_again, the_events_are_those_of_the_changes,
    a_directory_is_applied_in_one_revision, what_is_in_the_way_is_not_trodden_on, all_of_the_root)
