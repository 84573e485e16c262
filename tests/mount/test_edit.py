#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""etcfs log, diff and edit: who changed what, what is different between two points of the history, and an editor on a copy."""

import contextlib
import json
import os
import re
import time
from pathlib import Path

import etcdctl
from cluster import Cluster
from harness import expect, load, require, run, save, sh


def now(node):
    return etcdctl.revision(node)


@contextlib.contextmanager
def editor(node, script):
    """An editor that does this with the copy ($1)."""
    path, copies = node.folder / "editor", node.folder / "copies"
    path.write_text(f"#!/bin/sh -e\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    copies.mkdir(exist_ok=True)
    os.environ.update({"EDITOR": str(path), "TMPDIR": str(copies)})
    os.environ.pop("VISUAL", None)
    try:
        yield copies
    finally:
        del os.environ["TMPDIR"]


def what_is_different_is_shown_as_diff_does(cluster):
    n1, n2 = cluster[1], cluster[2]
    sh("mkdir d && seq 9 > d/text && printf 'a\\0b' > d/binary && ln -s a d/link && echo m > d/mode && echo o > d/owner && echo g > d/gone"
       " && echo same > d/same && echo t > d/type && echo x > d/x", cwd=n1.mount)
    a = now(n1)
    sh("sed -i s/5/five/ d/text && printf 'a\\0c' > d/binary && ln -sfn b d/link && chmod 600 d/mode && chown 3:4 d/owner && rm d/gone"
       " && echo n > d/new && rm d/type && mkfifo d/type && setfattr -n user.a -v b d/x && chmod 700 d", cwd=n1.mount)
    b = now(n1)
    said = n2.etcfs("diff", a, b, "/d", status=1)
    for line in ("@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n", "binary /d/binary 3 -> 3 bytes\n", "link /d/link a -> b\n",
                 "mode /d/mode 0644 -> 0600\n", "owner /d/owner 0:0 -> 3:4\n", "removed /d/gone\n", "added /d/new\n",
                 "type /d/type file -> fifo\n", "xattrs /d/x\n", "mode /d/ 0755 -> 0700\n"):
        expect(line in said, f"{line!r} is not in\n{said}")
    expect(re.search(r"(?m)^--- /d/text\t\S+ \(revision \d+\)$", said) and "same" not in said, said)
    expect(n2.etcfs("diff", b, "now", "/d") == "", "alike: nothing, and status 0")
    expect("-five\n+5\n" in n2.etcfs("diff", "now", str(a), "/d/text", status=1), "a file alone, and backwards")
    lines = [json.loads(line) for line in n2.etcfs("diff", "--json", a, b, "/d", status=1).splitlines()]
    kinds = {line["key"]: line["kind"] for line in lines}
    expect(kinds["/d/new"] == "added" and kinds["/d/mode"] == "attributes" and kinds["/d/text"] == "changed" and len(kinds) == 10, kinds)
    for words in ((a, b, "/nothing"), (a, 10 ** 9), ("yesterday", "now"), (a,)):
        n2.etcfs("diff", *words, status=2)
    before = sh(f"sed s/five/5/ {n1.mount}/d/text")
    patched = n1.folder / "patched"
    patched.write_text(before, encoding="utf-8")
    n1_etcfs = f"'{n1.command()[0][:-1]}' --data-dir '{n1.data}'"
    sh(f"({n1_etcfs} diff {a} {b} /d/text || true) | patch {patched} && cmp {patched} {n1.mount}/d/text")


def times_mean_the_newest_revision_of_then(cluster):
    n1 = cluster[1]
    save(n1 / "timed", "one\n")
    time.sleep(1.2)  # the clock is what this is about
    save(n1 / "timed", "two\n")
    expect("-one\n+two\n" in cluster[3].etcfs("diff", "-600ms", "now", "/timed", status=1), "an age is no option")
    cluster[3].etcfs("restore", "--at", "-600ms", "/timed")
    expect(load(n1 / "timed") == "one\n", "and restore takes it as well")


def the_log_names_what_was_changed_at_and_below(cluster):
    n1 = cluster[1]
    sh("mkdir -p l/m && echo x > l/m/f && echo y > lm", cwd=cluster[2].mount)
    said = n1.etcfs("log", "/l")
    expect("/l/m/f" in said and " n2 " in said and "/lm" not in said, said)
    revision = json.loads(n1.etcfs("log", "--json", "--limit", "1", "/l/m/f"))["revision"]
    sh("rm -r l", cwd=n1.mount)
    n1.etcfs("restore", "--at", revision, "/l")
    restored = json.loads(n1.etcfs("log", "--json", "--limit", "1", "/l"))
    expect(len(restored["events"]) == 3 and restored["revision"] == now(n1), f"one revision: {restored}")


def an_edit_is_one_revision(cluster):
    n1 = cluster[1]
    sh("mkdir -p e/sub && echo old > e/f && chmod 640 e/f && chown 7:8 e/f && echo keep > e/sub/keep && echo go > e/go && ln -s f e/link"
       " && chmod 700 e/sub", cwd=n1.mount)
    etcdctl.put(n1, "/e/client/made", b"c")
    before = now(n1)
    with editor(n1, 'echo new > "$1"') as copies:
        cluster[2].etcfs("edit", "/e/f")
        stat = os.stat(cluster[3] / "e/f")
        expect(load(cluster[3] / "e/f") == "new\n" and (stat.st_mode & 0o777, stat.st_uid) == (0o640, 7), f"{stat}")
        expect(now(n1) == before + 1 and os.listdir(copies) == [], "one revision, and the copy is gone")
    with editor(n1, 'cd "$1"; test "$(readlink link)" = f; test "$(cat client/made)" = c; rm go; echo n > sub/new; echo 2 >> f'):
        cluster[2].etcfs("edit", "/e/")
    expect(now(n1) == before + 2, "a directory is one revision, too")
    expect(sorted(os.listdir(cluster[3] / "e")) == ["client", "f", "link", "sub"] and load(n1 / "e/sub/new") == "n\n", "as edited")
    expect(load(n1 / "e/f") == "new\n2\n" and os.stat(n1 / "e/f").st_uid == 7 and os.stat(n1 / "e/sub").st_mode & 0o777 == 0o700, "as it was")
    with editor(n1, "true"):
        expect("nothing to do" in n1.etcfs("edit", "/e") and now(n1) == before + 2, "nothing edited is nothing changed")
    with editor(n1, 'echo fresh > "$1"'):
        n1.etcfs("edit", "/e/fresh")
    expect(load(cluster[2] / "e/fresh") == "fresh\n", "a new file is made")


def who_was_first_is_not_overwritten(cluster):
    n1, n2 = cluster[1], cluster[2]
    sh("mkdir c && echo old > c/f && echo old > c/g && echo old > other", cwd=n1.mount)
    for change, path, refused in ((f"echo first > {n2.mount}/c/f", "/c/f", True), (f"echo first > {n2.mount}/c/new", "/c", True),
                                  (f"rm {n2.mount}/c/g", "/c", True), (f"echo first > {n2.mount}/other", "/c", False)):
        target = '"$1"/f' if path == "/c" else '"$1"'
        with editor(n1, f"{change}; echo mine > {target}") as copies:
            said = n1.etcfs("edit", path, status=1 if refused else 0)
        if not refused:
            expect(load(n2 / "c/f") == "mine\n", "what is elsewhere does not disturb")
            continue
        expect("somebody else has" in said and load(n2 / "c/f") != "mine\n", said)
        kept = Path(re.search(r"the copy is kept: (\S+)", said).group(1))
        expect(load(kept / "f" if path == "/c" else kept) == "mine\n" and kept.is_relative_to(copies), said)


def what_cannot_be_edited_is_refused_and_nothing_is_lost(cluster):
    n1 = cluster[1]
    save(n1 / "kept", "old\n")
    sh("ln -s kept tolink && mkdir pipes && mkfifo pipes/p", cwd=n1.mount)
    before = now(n1)
    with editor(n1, 'echo mine > "$1"; exit 3') as copies:
        said = n1.etcfs("edit", "/kept", status=1)
        expect("the editor ended with an error" in said and "the copy is kept" in said, said)
        for path, status, part in (("/tolink", 1, "neither a file nor a directory"), ("/pipes", 1, "neither a file, a directory"),
                                   ("/no/such/", 3, "there is no directory"), ("kept", 1, "begins with '/'")):
            expect(part in n1.etcfs("edit", path, status=status), path)
        expect(now(n1) == before, "nothing was changed")
        for key in ("/trap/../../escape", "/trap/a//b", "/trap/" + "n" * 300):
            etcdctl.put(n1, key, b"x")
            said = n1.etcfs("edit", "/trap", status=1)
            expect("cannot be the name of a file" in said, said)
            etcdctl.run(n1, "del", key)
        etcdctl.put(n1, "/trap/l", b"x")
        etcdctl.put(n1, "/trap/l/x", b"x")
        expect("at once" in n1.etcfs("edit", "/trap", status=1), "a file that is a directory, too")
        expect(not (copies.parent / "escape").exists() and not (copies / "escape").exists(), "nothing leads out of the copy")
    os.environ["EDITOR"] = "/no/such/editor"
    expect("cannot be started" in n1.etcfs("edit", "/kept", status=1), "an editor that is not there")


require("setfattr", "etcdctl", "setpriv", "patch")
run(Cluster(3), what_is_different_is_shown_as_diff_does, times_mean_the_newest_revision_of_then,
    the_log_names_what_was_changed_at_and_below, an_edit_is_one_revision, who_was_first_is_not_overwritten,
    what_cannot_be_edited_is_refused_and_nothing_is_lost)
