# SPDX-License-Identifier: Apache-2.0
"""etcdctl, as operators use it: what it prints, and its status."""

from marks import fresh, spoils

HELD = r"^name/[0-9a-f]+$"  # the key of a lock or of a candidate
TOOK = r"took = \S+"
OWN_SIZES = r"3\.[46]\.\d+|\d+(\.\d+)? [kM]?B|, \d+(?=,)|\| +\d+ |[-+|]{3,}|  +|^\"(RaftIndex|RaftTerm|RaftAppliedIndex|DBSize|DbSize)\".*"


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


@fresh
@spoils
def members_in_their_order(s):
    """Of many, so that they are not so by chance."""
    for port in range(1, 8 if s.server.name == "etcfs" else 2):
        s.ask("Cluster.MemberAdd", peerURLs=[f"http://127.0.0.1:{port}"], isLearner=True)
    ids = [member.ID for member in s.ask("Cluster.MemberList").members]
    s.record("by their ids", ids == sorted(ids))


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


def a_lock_tells_its_command_what_it_holds(s):
    s.etcdctl_begin("lock", "name", "--ttl=60", "sh", "-c", 'echo "$ETCD_LOCK_KEY"; test -n "$ETCD_LOCK_REV" && echo a revision').rest(
        masked=HELD)


def a_lock_is_held_until_its_holder_ends(s):
    first = s.etcdctl_begin("lock", "name").take(2, masked=HELD)
    second = s.etcdctl_begin("lock", "name", "--ttl=60")
    s.until_keys("name/", 2)
    first.interrupt().rest()
    second.take(2, masked=HELD)
    s.range("name/", range_end="name0", count_only=True)
    second.interrupt().rest()
    s.range("name/", range_end="name0", count_only=True)


def an_election(s):
    first = s.etcdctl_begin("elect", "name", "me").take(2, masked=HELD)
    listens = s.etcdctl_begin("elect", "--listen", "name").take(2, masked=HELD)
    second = s.etcdctl_begin("elect", "name", "another")
    s.until_keys("name/", 2)
    first.interrupt().rest()
    second.take(2, masked=HELD)
    listens.take(2, masked=HELD)
    second.interrupt().rest()
    listens.interrupt().rest()
    s.etcdctl("elect", "name")
    s.etcdctl("elect")


def endpoints(s):
    s.put("a", "1")
    s.etcdctl_begin("endpoint", "health").rest(masked=TOOK)
    s.etcdctl_begin("endpoint", "health", "--cluster").rest(masked=TOOK)
    s.etcdctl_begin("endpoint", "health", "-w", "json").rest(masked=r'(?<="took":")[^"]*')
    s.etcdctl("endpoint", "status", "-w", "json", "--cluster")
    for form in ("simple", "table", "fields"):
        s.etcdctl_begin("endpoint", "status", "-w", form).rest(masked=OWN_SIZES)
    s.etcdctl("endpoint", "hashkv", "-w", "json", "--cluster")
    s.etcdctl_begin("endpoint", "hashkv").rest(masked=r", \d+$")
    s.etcdctl("endpoint", "hashkv", f"--rev={s.at(100)}")


def tables(s):
    s.put("a", "1")
    for words in (("get", "a"), ("member", "list"), ("alarm", "list"), ("lease", "list"), ("put", "a", "2"), ("del", "a")):
        s.etcdctl_begin(*words, "-w", "table").rest(masked=r"(tcp|http)://|\+-[-+]*\+|  +")


def a_lease_that_is_granted(s):
    s.etcdctl_begin("lease", "grant", "600").rest(masked=r"[0-9a-f]{8,}")
    s.grant(600, 0x77)
    s.put("a", "1", lease=0x77)
    s.etcdctl_begin("lease", "timetolive", "77").rest(masked=r"remaining\(\d+s\)")
    s.etcdctl_begin("lease", "timetolive", "77", "--keys").rest(masked=r"remaining\(\d+s\)")
    s.etcdctl("lease", "timetolive", "77", "-w", "json")
    s.etcdctl_until("lease", "keep-alive", "77", count=1)
    s.grant(2, 0x78)
    s.etcdctl_until("lease", "keep-alive", "78", count=3)


def a_transaction_and_watches_by_hand(s):
    s.put("a", "1")
    s.etcdctl("txn", "-i", value=b'value("a") = "1"\n\nput a 2\n\nput a 3\n\n')
    first = f"--rev={s.at(1)}"
    s.etcdctl_begin("watch", "-i", value=f"watch a {first}\nwatch --prefix a {first} --prev-kv\n".encode()).take(3)
    s.etcdctl("watch")


@fresh
@spoils
def a_member_is_added_by_hand(s):
    said = r"(http|tcp)://|Member +[0-9a-f]+|(?<=cluster )[ 0-9a-f]+$|^ETCD_INITIAL_CLUSTER=.*"
    url = "--peer-urls=http://127.0.0.1:7"
    s.etcdctl_begin("member", "add", "x", "--learner", url).rest(masked=said)
    s.etcdctl_begin("member", "add", "y", "--learner", url).rest(masked=said)
    ids = [member.ID for member in s.ask("Cluster.MemberList").members]
    added = f"{next(one for one in ids if one != s.own_id):x}"
    for words in (("promote", added), ("update", added, "--peer-urls=http://127.0.0.1:9"), ("remove", added), ("remove", added),
                  ("remove", f"{s.own_id:x}")):
        s.etcdctl_begin("member", *words).rest(masked=said)
    s.etcdctl_begin("move-leader", added).rest()
