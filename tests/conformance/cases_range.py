# SPDX-License-Identifier: Apache-2.0
"""KV: everything that can be asked of a range."""

ORDERS = ("NONE", "ASCEND", "DESCEND")
TARGETS = ("KEY", "VERSION", "CREATE", "MOD", "VALUE")


def _different(s):
    """Five keys of which each order is another one."""
    for key, value in (("c", "3"), ("a", "5"), ("b", "1"), ("e", "2"), ("d", "4"), ("b", "1"), ("b", "1"), ("b", "0"),
                       ("e", "2"), ("d", "4"), ("d", "4"), ("a", "5"), ("c", "3"), ("c", "3"), ("c", "3"), ("c", "3")):
        s.ask("KV.Put", key=key, value=value)


def one_key(s):
    s.fill("a", "ab", "b")
    s.range("a")
    s.range("ab")
    s.range("aa")
    s.range("a", count_only=True)
    s.range("a", keys_only=True)
    s.range("a", limit=1)
    s.range("a", serializable=True)
    s.range("nothing", serializable=True)
    s.range("nothing", count_only=True)


def a_range_wants_a_key(s):
    s.range("")
    s.range("", range_end="z")
    s.range("", range_end=b"\0")
    s.range("", count_only=True)


def ends_of_ranges(s):
    s.fill("a", "b", "c", "d", b"\xff")
    s.range("a", range_end="c")
    s.range("a", range_end="d")
    s.range("b", range_end=b"\0")
    s.range(b"\0", range_end=b"\0")
    s.range(b"\0", range_end="b")
    s.range("b", range_end="b")
    s.range("c", range_end="a")
    s.range("a", range_end="a\0")
    s.range("aa", range_end="az")
    s.range("x", range_end="z")
    s.range(b"\xff", range_end=b"\0")


def a_prefix_of_0xff_has_no_end(s):
    for key in (b"\xff", b"\xff\xff", b"\xff\xffa", b"\xfe\xff"):
        s.put(key)
    s.range(b"\xff", range_end=b"\0", keys_only=True)
    s.range(b"\xff\xff", range_end=b"\0", keys_only=True)
    s.range(b"\xfe", range_end=b"\xff", keys_only=True)


def limits(s):
    s.fill("a", "b", "c", "d", "e")
    for limit in (0, 1, 4, 5, 6, 1 << 40, -1, -100, (1 << 63) - 1):
        s.range("a", range_end="z", limit=limit)


def limits_of_counts_and_keys(s):
    s.fill("a", "b", "c", "d", "e")
    s.range("a", range_end="z", limit=2, count_only=True)
    s.range("a", range_end="z", limit=2, keys_only=True)
    s.range("a", range_end="z", keys_only=True, count_only=True)
    s.range("a", range_end="z", count_only=True)
    s.range("x", range_end="z", limit=2)


def pages(s):
    for number in range(25):
        s.ask("KV.Put", key=f"page/{number:02}", value="v")
    revision, key = 0, b"page/"
    while True:
        answer = s.range(key, range_end="page0", limit=10, revision=revision)
        revision = revision or answer.header.revision
        s.ask("KV.Put", key="page/00x", value="later")
        if not answer.more:
            break
        key = answer.kvs[-1].key + b"\0"


def orders_and_targets(s):
    _different(s)
    for order in ("ASCEND", "DESCEND"):
        for target in TARGETS:
            s.range("a", range_end="z", sort_order=order, sort_target=target)


def orders_come_before_limits(s):
    _different(s)
    for order in ("ASCEND", "DESCEND"):
        for target in TARGETS:
            s.range("a", range_end="z", sort_order=order, sort_target=target, limit=2)


def targets_without_an_order(s):
    _different(s)
    for target in TARGETS:
        s.range("a", range_end="z", sort_target=target)


def targets_without_an_order_and_a_limit(s):
    _different(s)
    for target in TARGETS:
        s.range("a", range_end="z", sort_target=target, limit=2)


def orders_of_keys_alone(s):
    _different(s)
    for order in ("ASCEND", "DESCEND"):
        for target in TARGETS:
            s.range("a", range_end="z", sort_order=order, sort_target=target, keys_only=True)
    s.range("a", range_end="z", sort_order="DESCEND", sort_target="MOD", count_only=True)
    s.range("b", sort_order="DESCEND", sort_target="MOD")


def orders_of_values_are_of_bytes(s):
    for key, value in (("a", b"\xff"), ("b", b""), ("c", b"\0"), ("d", b"a"), ("e", b"aa"), ("f", b"Z")):
        s.ask("KV.Put", key=key, value=value)
    s.range("a", range_end="z", sort_order="ASCEND", sort_target="VALUE")
    s.range("a", range_end="z", sort_order="DESCEND", sort_target="VALUE")


def orders_that_do_not_exist(s):
    s.fill("b", "a")
    s.range("a", range_end="z", sort_order=3)
    s.range("a", range_end="z", sort_order=-1)
    s.range("", sort_order=3)


def filters_of_revisions(s):
    _different(s)
    for field in ("min_mod_revision", "max_mod_revision", "min_create_revision", "max_create_revision"):
        for distance in (0, 1, 2, 4, 5, 9, 16, 17, 100):
            s.range("a", range_end="z", **{field: s.at(distance)})


def filters_together(s):
    _different(s)
    s.range("a", range_end="z", min_mod_revision=s.at(9), max_mod_revision=s.at(12))
    s.range("a", range_end="z", min_create_revision=s.at(2), max_create_revision=s.at(4))
    s.range("a", range_end="z", min_mod_revision=s.at(9), max_create_revision=s.at(3))
    s.range("a", range_end="z", min_mod_revision=s.at(12), max_mod_revision=s.at(9))
    s.range("a", range_end="z", min_mod_revision=-1)
    s.range("a", range_end="z", max_mod_revision=-1)


def filters_and_the_rest(s):
    _different(s)
    s.range("a", range_end="z", min_mod_revision=s.at(9), limit=2)
    s.range("a", range_end="z", max_mod_revision=s.at(12), limit=1)
    s.range("a", range_end="z", min_mod_revision=s.at(9), count_only=True)
    s.range("a", range_end="z", min_mod_revision=s.at(9), keys_only=True)
    s.range("a", range_end="z", max_create_revision=s.at(3), sort_order="DESCEND", sort_target="MOD", limit=2)
    s.range("a", max_mod_revision=s.at(1))


def the_past(s):
    _different(s)
    for distance in (0, 1, 3, 5, 8, 16):
        s.range("a", range_end="z", revision=s.at(distance))
    s.range("a", range_end="z", revision=s.at(5), limit=2)
    s.range("a", range_end="z", revision=s.at(5), count_only=True)
    s.range("a", range_end="z", revision=s.at(5), keys_only=True)
    s.range("a", range_end="z", revision=s.at(5), serializable=True)
    s.range("a", range_end="z", revision=s.at(8), sort_order="DESCEND", sort_target="MOD")
    s.range("a", range_end="z", revision=-5)


def the_past_counts_what_was_there(s):
    s.fill("a", "b", "c")
    s.delete("b")
    s.put("d")
    for distance in range(1, 6):
        s.range("a", range_end="z", revision=s.at(distance), count_only=True)
        s.range("a", range_end="z", revision=s.at(distance), limit=1, keys_only=True)


def a_stream_of_a_range(s):
    s.fill("a", "b", "c")
    s.all("KV.RangeStream", key="a", range_end="z")
