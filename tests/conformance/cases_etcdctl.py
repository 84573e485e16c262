# SPDX-License-Identifier: Apache-2.0
"""etcdctl, as operators use it: what it prints, and its status."""


def put_get_del(s):
    s.etcdctl("put", "foo", "bar")
    s.etcdctl("get", "foo")
    s.etcdctl("get", "foo", "-w", "json")
    s.etcdctl("get", "foo", "-w", "fields")
    s.etcdctl("get", "foo", "--hex")
    s.etcdctl("get", "foo", "--print-value-only")
    s.etcdctl("put", "foo", "baz", "--prev-kv")
    s.etcdctl("put", "foo", "--ignore-value", "--prev-kv")
    s.etcdctl("put", "from stdin", value=b"some\nlines\n")
    s.etcdctl("get", "from stdin")
    s.etcdctl("del", "foo", "--prev-kv")
    s.etcdctl("del", "foo")
    s.etcdctl("put", "foo", "--ignore-value")
    s.etcdctl("put", "", "x")
    s.etcdctl("put", "x", "1", "--lease=4711")


def get_in_every_way(s):
    for key, value in (("a1", "3"), ("a2", "1"), ("a3", "2"), ("b1", "0")):
        s.put(key, value)
    s.put("a1", "4")
    for words in (("a", "--prefix"), ("a1", "a3"), ("a2", "--from-key"), ("", "--prefix"), ("", "--from-key"),
                  ("a", "--prefix", "--limit=2"), ("a", "--prefix", "--keys-only"), ("a", "--prefix", "--order=DESCEND"),
                  ("a", "--prefix", "--sort-by=VALUE"), ("a", "--prefix", "--sort-by=MODIFY", "--order=DESCEND"),
                  ("a", "--prefix", "--sort-by=VERSION", "--order=ASCEND"), ("a", "--prefix", "--sort-by=CREATE"),
                  ("a1", f"--rev={s.at(1)}"), ("a1", "--consistency=s"), ("a1", f"--rev={s.at(100)}"),
                  ("a", "--prefix", "-w", "json"), ("a", "--prefix", "-w", "fields"),
                  ("a1", "--prefix", "--from-key"), ("a", "--order=SIDEWAYS"), ("nothing",), ()):
        s.etcdctl("get", *words)


def delete_in_every_way(s):
    s.fill("a1", "a2", "a3", "b1", "b2", "c")
    s.etcdctl("del", "a1", "a3")
    s.etcdctl("del", "a", "--prefix", "--prev-kv")
    s.etcdctl("del", "b2", "--from-key", "-w", "json")
    s.etcdctl("del", "", "--prefix")
    s.etcdctl("del", "", "--prefix")


def txn_of_its_language(s):
    s.put("key1", "1")
    s.etcdctl("txn", value=b'value("key1") = "1"\n\nput key1 "overwrote"\nget key1\n\nput key2 "else"\n\n')
    s.etcdctl("txn", value=b'mod("key1") > "0"\nversion("key1") = "9"\n\nget key1\n\ndel key1\nget key1\n\n')
    s.etcdctl("txn", value=b'create("key1") = "0"\n\nput key1 "created"\n\nget key1\n\n')
    s.etcdctl("txn", "-w", "json", value=b'value("key1") < "z"\n\nget "" --prefix\n\n\n')
    s.etcdctl("txn", value=b"\n\n\n")


def compaction(s):
    for value in "123":
        s.put("a", value)
    s.etcdctl("compaction", str(s.at(2)))
    s.etcdctl("compaction", str(s.at(2)))
    s.etcdctl("compaction", "--physical", str(s.at(3)))
    s.etcdctl("compaction", str(s.at(100)))
    s.etcdctl("compaction", "nonsense")
    s.etcdctl("get", "a", f"--rev={s.at(1)}")


def watches(s):
    for value in "12":
        s.put("a", value)
    s.delete("a")
    s.put("b", "1")
    first = f"--rev={s.at(1)}"
    for words in (("a", first), ("a", "--prefix", first), ("a", "z", first), ("a", "--prev-kv", first), ("a", "-w", "json", first),
                  ("a", "-w", "fields", first)):
        s.etcdctl_until("watch", *words, count=1 if "json" in words else 3)
    s.etcdctl_until("watch", "a", first, "--", "sh", "-c", 'echo "$ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY $ETCD_WATCH_VALUE"', count=3)


def a_watch_of_what_was_compacted(s):
    for value in "123":
        s.put("a", value)
    s.compact(s.at(3))
    s.etcdctl("watch", "a", f"--rev={s.at(1)}")


def leases(s):
    s.grant(600, 0x77)
    s.etcdctl("lease", "list")
    s.etcdctl("put", "a", "1", "--lease=77")
    s.etcdctl("put", "a", "2", "--ignore-lease")
    s.etcdctl("get", "a", "-w", "json")
    s.etcdctl("lease", "keep-alive", "77", "--once")
    s.etcdctl("lease", "keep-alive", "99", "--once")
    s.etcdctl("lease", "timetolive", "99")
    s.etcdctl("lease", "timetolive", "99", "--keys")
    s.etcdctl("lease", "revoke", "77")
    s.etcdctl("lease", "revoke", "77")
    s.etcdctl("lease", "timetolive", "77", "--keys")
    s.etcdctl("lease", "list")
    s.etcdctl("lease", "grant", "nonsense")
    s.etcdctl("get", "a")


def members(s):
    s.etcdctl("member", "list")
    s.etcdctl("member", "list", "-w", "json")
    s.etcdctl("member", "remove", "4711")
    s.etcdctl("member", "promote", "4711")
    s.etcdctl("member", "update", "4711", "--peer-urls=http://127.0.0.1:1")
    s.etcdctl("member", "add", "x", "--peer-urls=nonsense")
    s.etcdctl("member", "add", "x")


def maintenance(s):
    s.put("a", "1")
    s.etcdctl("endpoint", "status", "-w", "json")
    s.etcdctl("alarm", "list")
    s.etcdctl("alarm", "disarm")
    s.etcdctl("defrag")
    s.etcdctl("move-leader", "4711")


def a_snapshot_is_saved(s):
    s.put("a", "1")
    out = s.etcdctl("snapshot", "save", "saved.db")
    s.record("it is there", (s.server.folder / "saved.db").stat().st_size > 0 and "saved" in out)


def users_and_roles_of_nobody(s):
    s.etcdctl("user", "list")
    s.etcdctl("role", "list")
    s.etcdctl("user", "get", "x")
    s.etcdctl("role", "get", "x")
    s.etcdctl("user", "delete", "x")
    s.etcdctl("role", "delete", "x")
    s.etcdctl("user", "grant-role", "x", "y")
    s.etcdctl("user", "revoke-role", "x", "y")
    s.etcdctl("role", "grant-permission", "x", "read", "k")
    s.etcdctl("role", "revoke-permission", "x", "k")
    s.etcdctl("auth", "enable")
    s.etcdctl("auth", "disable")
    s.etcdctl("get", "a", "--user=x:y")


def commands_that_it_does_not_know(s):
    s.etcdctl("fly")
    s.etcdctl("get", "a", "--fly")
    s.etcdctl("put", "only-a-key-and-a-closed-input")
    s.etcdctl("version")


def a_mirror_is_made(s):
    s.fill("a/1", "a/2", "b")
    s.etcdctl_until("make-mirror", "--prefix=a/", "--dest-prefix=mirrored/", "--dest-insecure-transport", s.server.target, count=0)
    s.until_keys("mirrored/", 2)
    s.range("mirrored/", range_end="mirrored0")


def a_lock_around_a_command(s):
    s.etcdctl("lock", "name", "sh", "-c", "echo held")
    s.etcdctl("lock", "name", "sh", "-c", "exit 3")
    s.range("name", range_end="namf", count_only=True)


def an_election(s):
    s.etcdctl_until("elect", "name", "me", count=2, masked=r"^name/[0-9a-f]+$")
