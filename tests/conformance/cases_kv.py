# SPDX-License-Identifier: Apache-2.0
"""KV: puts, deletes and compaction."""

from marks import fresh


@fresh
def an_empty_store_is_at_revision_1(s):
    s.range("a")
    s.delete("a")
    s.txn()


@fresh
def the_first_write_makes_revision_2(s):
    s.put("a", "1")
    s.range("a")


@fresh
def an_empty_store_is_compacted_at_0_once(s):
    s.compact(0)
    s.compact(0)
    s.compact(1)
    s.compact(1)
    s.compact(2)


@fresh
def negative_revisions_of_an_empty_store(s):
    s.compact(-1)
    s.range("a", revision=-1)


# ---- Put ----


def a_put_counts_versions(s):
    s.put("a", "1")
    s.put("a", "2")
    s.put("a", "2")
    s.range("a")


def a_put_wants_a_key(s):
    s.put("")
    s.put("", "value")
    s.put("", lease=1)


def an_empty_value_is_a_value(s):
    s.put("a", "")
    s.range("a")
    s.put("a", "1", prev_kv=True)
    s.put("a", "", prev_kv=True)
    s.put("a", "2", prev_kv=True)


def keys_and_values_are_any_bytes(s):
    for key in (b"\0", b"\xff", b"\xff\xff", b"/", b"//", b"a\0b", bytes(range(256)), b" ", b"\n"):
        s.put(key, key * 3)
        s.range(key)
    s.range(b"\0", range_end=b"\0")


def what_was_there_before_a_put(s):
    s.put("a", "1", prev_kv=True)
    s.put("a", "2", prev_kv=True)
    s.delete("a")
    s.put("a", "3", prev_kv=True)


def a_put_keeps_the_value(s):
    s.put("a", ignore_value=True)
    s.put("a", "1")
    s.put("a", ignore_value=True)
    s.put("a", "2", ignore_value=True)
    s.put("a", ignore_value=True, prev_kv=True)
    s.range("a")
    s.put("", ignore_value=True)


def a_put_keeps_the_lease_of_a_key_without_one(s):
    s.put("a", "1", ignore_lease=True)
    s.put("a", "1")
    s.put("a", "2", ignore_lease=True)
    s.put("a", "3", ignore_lease=True, lease=5)
    s.put("a", ignore_lease=True, ignore_value=True)
    s.range("a")


def a_put_wants_a_lease_that_is_there(s):
    s.put("a", "1", lease=4711)
    s.put("a", "1", lease=-3)
    s.range("a")


def a_new_life_of_a_key_begins_at_version_1(s):
    s.put("a", "1")
    s.put("a", "2")
    s.delete("a")
    s.put("a", "3")
    s.range("a")
    s.range("a", revision=s.at(2))
    s.range("a", revision=s.at(3))


def large_requests(s):
    s.put("a", b"x" * (1 << 20))
    s.put("a", b"x" * 1_572_000)
    s.put("a", b"x" * 2_200_000)
    s.put("k" * 8192, "the longest key")
    s.range("k" * 8192)
    s.range("k" * 100_000)


def requests_that_are_too_large(s):
    s.put("a", b"x" * 1_573_000)
    s.put("a", b"x" * 2_097_000)
    s.put("k" * 8193, "too long a key")


def large_values_come_back_whole(s):
    for at in range(15):  # with no pause on the way: a call has its time
        s.put(f"large/{at}", bytes([at]) * 1_000_000)
    s.range("large/", range_end="large0")


# ---- DeleteRange ----


def a_delete_counts(s):
    s.fill("a", "b", "c", "d")
    s.delete("nothing")
    s.delete("a")
    s.delete("a")
    s.delete("b", range_end="d")
    s.range("a", range_end="z")


def a_delete_wants_a_key(s):
    s.delete("")
    s.delete("", range_end="b")
    s.delete("", prev_kv=True)


def what_was_there_before_a_delete(s):
    s.fill("a", "b", "c")
    s.put("b", "2")
    s.delete("nothing", prev_kv=True)
    s.delete("a", range_end="c", prev_kv=True)
    s.delete("c", prev_kv=True)


def deletes_to_the_end(s):
    s.fill("a", "b", "c", "d")
    s.delete("c", range_end=b"\0", prev_kv=True)
    s.range(b"\0", range_end=b"\0")
    s.delete(b"\0", range_end=b"\0", prev_kv=True)
    s.delete(b"\0", range_end=b"\0", prev_kv=True)


def deletes_of_ranges_that_are_empty(s):
    s.fill("a", "b", "c")
    s.delete("b", range_end="b")
    s.delete("b", range_end="a")
    s.delete("aa", range_end="ab")
    s.range("a", range_end="z", count_only=True)


def a_deleted_key_is_there_in_the_past(s):
    s.put("a", "1")
    s.delete("a")
    s.range("a", revision=s.at(1))
    s.range("a", revision=s.at(2))
    s.range("a")
    s.range("a", revision=s.at(0))


# ---- Compact ----


def what_is_compacted_is_gone(s):
    for value in "1234":
        s.put("a", value)
    s.compact(s.at(3))
    s.range("a", revision=s.at(2))
    s.range("a", revision=s.at(3))
    s.range("a", revision=s.at(4))
    s.range("a")
    s.range("nothing", revision=s.at(1))
    s.range("a", revision=s.at(2), count_only=True)
    s.range("a", revision=s.at(2), serializable=True)


def compaction_goes_forwards(s):
    for value in "1234":
        s.put("a", value)
    s.compact(s.at(2))
    s.compact(s.at(2))
    s.compact(s.at(1))
    s.compact(0)
    s.compact(-1)
    s.compact(s.at(3), physical=True)
    s.compact(s.at(4))
    s.compact(s.at(5))
    s.compact(s.at(1000))
    s.compact(1 << 62)


def a_deleted_key_is_compacted_whole(s):
    s.put("a", "1")
    s.delete("a")
    s.put("b", "1")
    s.compact(s.at(3), physical=True)
    s.range("a")
    s.range("a", revision=s.at(3))
    s.put("a", "2")
    s.range("a")


def a_tombstone_at_the_compacted_revision(s):
    s.put("a", "1")
    s.delete("a")
    s.compact(s.at(2), physical=True)
    s.range("a", revision=s.at(2))
    s.range("a", range_end=b"\0", revision=s.at(2))
    s.range("a", revision=s.at(1))


def a_change_across_compaction_keeps_its_history(s):
    s.put("a", "1")
    s.put("a", "2")
    s.put("b", "1")
    s.compact(s.at(3))
    s.range("a", range_end="c", revision=s.at(3))
    s.put("a", "3")
    s.range("a")


def compaction_makes_no_revision(s):
    s.put("a", "1")
    s.compact(s.at(1))
    s.put("a", "2")
    s.range("a")


def revisions_of_the_future(s):
    s.put("a", "1")
    s.range("a", revision=s.at(2))
    s.range("a", revision=s.at(100), count_only=True)
    s.range("a", revision=s.at(2), serializable=True)
