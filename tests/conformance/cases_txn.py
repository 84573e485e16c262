# SPDX-License-Identifier: Apache-2.0
"""KV: transactions."""

from requests_of_txn import compare, delete, get, put, txn

RESULTS = ("EQUAL", "GREATER", "LESS", "NOT_EQUAL")


def an_empty_transaction(s):
    s.txn()
    s.put("a")
    s.txn()


def one_branch_is_taken(s):
    s.put("a", "1")
    for value in ("1", "2"):
        s.txn([compare("a", value=value)], [put("b", "then"), get("b")], [put("b", "else"), get("b")])
    s.range("b")


def branches_that_are_empty(s):
    s.put("a", "1")
    s.txn([compare("a", value="1")], [], [put("b")])
    s.txn([compare("a", value="2")], [put("b")], [])
    s.range("b")


def compares_of_values(s):
    s.put("a", "5")
    for result in RESULTS:
        for value in ("4", "5", "6", "", "50"):
            s.txn([compare("a", result, value=value)])


def compares_of_numbers(s):
    s.put("a", "1")
    s.put("a", "2")
    for result in RESULTS:
        for number in (-1, 0, 1, 2, 3):
            s.txn([compare("a", result, version=number)])
        for distance in (0, 1, 2, 3):
            s.txn([compare("a", result, create_revision=s.at(distance))])
            s.txn([compare("a", result, mod_revision=s.at(distance))])
        s.txn([compare("a", result, lease=0)])
        s.txn([compare("a", result, lease=5)])


def compares_of_what_is_not_there(s):
    for result in RESULTS:
        for more in ({"version": 0}, {"version": 1}, {"create_revision": 0}, {"create_revision": 1}, {"mod_revision": 0},
                     {"mod_revision": 1}, {"lease": 0}, {"lease": 1}, {"value": ""}, {"value": "x"}):
            s.txn([compare("nothing", result, **more)])


def compares_of_ranges(s):
    s.put("a", "1")
    s.put("b", "1")
    s.put("c", "2")
    for result in RESULTS:
        s.txn([compare("a", result, range_end="c", value="1")])
        s.txn([compare("a", result, range_end="d", value="1")])
        s.txn([compare("a", result, range_end=b"\0", version=1)])
        s.txn([compare("x", result, range_end="z", version=0)])
        s.txn([compare("x", result, range_end="z", version=1)])
        s.txn([compare("x", result, range_end="z", value="1")])
        s.txn([compare("c", result, range_end="a", version=1)])


def compares_of_another_kind_than_their_number(s):
    s.put("a", "1")
    s.txn([{"key": "a", "result": "EQUAL", "target": "VERSION", "create_revision": 1}])
    s.txn([{"key": "a", "result": "EQUAL", "target": "VALUE", "version": 1}])
    s.txn([{"key": "a", "result": "EQUAL", "target": "VALUE"}])
    s.txn([{"key": "a", "result": "EQUAL", "target": "VERSION"}])
    s.txn([{"key": "a", "result": "EQUAL", "target": "CREATE", "mod_revision": s.at(1)}])
    s.txn([{"key": "a", "result": "EQUAL", "target": "VERSION", "value": "1"}])
    s.txn([{"key": "a", "result": "EQUAL", "target": "LEASE", "version": 1}])


def compares_that_do_not_exist(s):
    s.put("a", "1")
    s.txn([{"key": "a", "result": 4, "target": "VERSION", "version": 7}])
    s.txn([{"key": "a", "result": -1, "target": "VERSION", "version": 7}])
    s.txn([{"key": "a", "result": "EQUAL", "target": 5, "version": 7}])
    s.txn([{"key": "a", "result": "GREATER", "target": 5, "version": 0}])
    s.txn([{"key": "nothing", "result": "EQUAL", "target": 5, "version": 7}])


def compares_want_a_key(s):
    s.txn([compare("", version=0)])
    s.txn([compare("", range_end="z", version=0)])
    s.txn([compare("a", version=0), compare("", version=0)])


def all_compares_must_hold(s):
    s.fill("a", "b")
    holds, fails = compare("a", version=1), compare("b", version=2)
    s.txn([holds, holds])
    s.txn([holds, fails])
    s.txn([fails, holds])


def reads_see_earlier_writes(s):
    s.put("a", "1")
    s.put("b", "1")
    s.txn([], [get("a"), put("a", "2"), get("a"), delete("b"), get("b"), get("c"), put("c", "1"), get("a", range_end="z")])
    s.range("a", range_end="z")


def changes_of_one_transaction_have_one_revision(s):
    s.txn([], [put("a", "1"), put("b", "2"), put("c", "3"), delete("nothing")])
    s.range("a", range_end="z")
    s.txn([], [delete("a"), delete("b", range_end="d", prev_kv=True), put("d", prev_kv=True)])
    s.range("a", range_end="z")
    s.range("a", range_end="z", revision=s.at(1))


def a_transaction_that_changes_nothing_makes_no_revision(s):
    s.put("a", "1")
    s.txn([], [delete("nothing")])
    s.txn([], [get("a")])
    s.txn([], [delete("nothing"), get("a"), delete("nothing", range_end="o", prev_kv=True)])
    s.put("a", "2")


def delete_and_put_again(s):
    s.put("a", "1")
    s.txn([], [delete("a", prev_kv=True)])
    s.txn([], [put("a", "2", prev_kv=True)])
    s.txn([], [put("a", "3", prev_kv=True)])
    s.txn([], [put("a", ignore_value=True, prev_kv=True)])
    s.range("a")


def duplicate_puts_are_refused(s):
    s.txn([], [put("a"), put("a")])
    s.txn([], [], [put("a"), put("a")])
    s.txn([], [put("a")], [put("a")])
    s.txn([], [put("a"), put("b"), put("a")])
    s.range("a")


def puts_within_deletes_are_refused(s):
    s.txn([], [put("b"), delete("a", range_end="c")])
    s.txn([], [delete("a", range_end="c"), put("b")])
    s.txn([], [delete("b"), put("b")])
    s.txn([], [put("b"), delete("b")])
    s.txn([], [put("c"), delete("a", range_end="c")])
    s.txn([], [delete("a", range_end="c"), delete("b", range_end="d"), delete("b")])
    s.txn([], [put("b"), delete("c", range_end="a")])


def puts_within_deletes_without_an_end(s):
    s.txn([], [put("w"), delete("x", range_end=b"\0")])
    s.txn([], [put("z"), delete("x", range_end=b"\0")])
    s.txn([], [put("a"), delete(b"\0", range_end=b"\0")])


def duplicates_of_nested_transactions(s):
    s.txn([], [put("a"), txn([], [put("a")])])
    s.txn([], [txn([], [put("a")]), put("a")])
    s.txn([], [txn([], [put("a")], [put("a")])])
    s.txn([], [txn([], [put("a")]), txn([], [put("a")])])
    s.txn([], [txn([], [put("a")]), txn([], [], [put("a")])])
    s.txn([], [put("a"), txn([], [delete("a")])])
    s.txn([], [delete("a"), txn([], [put("a")])])
    s.txn([], [txn([], [delete("c")]), txn([], [put("c")])])
    s.txn([], [put("d"), txn([], [], [txn([], [put("d")])])])
    s.txn([], [put("e")], [txn([], [put("e")])])
    s.range("a", range_end="z")


def what_comes_and_goes_in_one_transaction(s):
    s.put("a", "1")
    s.txn([], [txn([], [put("b", "1")]), txn([], [delete("b", prev_kv=True)])])
    s.range("b", revision=s.at(2))
    s.put("b", "2")
    s.range("b")


def nested_transactions(s):
    s.put("a", "1")
    s.txn([compare("a", value="1")],
          [put("a", "2"), txn([compare("a", value="1")], [put("b", "then")], [put("b", "else")]), get("b")])
    s.range("a", range_end="z")
    s.txn([], [txn([], [get("a")]), txn([], [delete("a", prev_kv=True), get("a")]), txn()])
    s.txn([], [txn([], [txn([], [txn([], [put("deep", "1"), get("deep")])])])])
    s.txn([compare("a", version=9)], [], [txn([compare("a", version=9)], [get("deep")], [put("deep", "2", prev_kv=True)])])


def nested_compares_see_what_was_before(s):
    s.put("a", "1")
    s.txn([], [put("a", "2"), txn([compare("a", value="1")], [put("before", "1")], [put("after", "1")])])
    s.txn([], [txn([], [put("x", "1")]), txn([compare("x", version=1)], [put("saw", "1")], [put("did not see", "1")])])
    s.txn([], [delete("a"), txn([compare("a", version=0)], [put("gone", "1")], [put("there", "1")])])
    s.range(b"\0", range_end=b"\0", keys_only=True)


def operations_that_are_empty(s):
    s.txn([], [{}])
    s.txn([], [], [{}])
    s.txn([], [put("a"), {}])
    s.range("a")
    s.txn([], [txn([], [{}])])


def operations_are_checked_on_both_branches(s):
    for bad in (get(""), put(""), delete(""), put("a", "1", ignore_value=True), put("a", lease=1, ignore_lease=True)):
        s.txn([], [bad])
        s.txn([], [], [bad])
        s.txn([], [txn([], [], [bad])])


def orders_that_do_not_exist_within_a_transaction(s):
    s.txn([], [get("a", sort_order=7)])


def what_does_not_hold_fails_the_whole(s):
    s.put("a", "1")
    s.txn([], [put("b", "1"), put("nothing", ignore_value=True)])
    s.txn([], [put("b", "1"), put("nothing", "1", ignore_lease=True)])
    s.txn([], [put("b", "1"), put("c", "1", lease=4711)])
    s.txn([], [put("b", "1"), get("a", revision=s.at(100))])
    s.txn([], [get("a", revision=s.at(100))])
    s.range("b")
    s.txn([], [], [put("nothing", ignore_value=True)])
    s.txn([], [put("b", "1"), txn([], [put("c", "1", lease=4711)])])
    s.range("b")
    s.put("late", "1")


def a_put_of_this_transaction_is_no_key_to_keep(s):
    s.txn([], [put("a", "1"), txn([], [put("b", ignore_value=True)])])
    s.txn([], [txn([], [put("c", "1")]), txn([], [put("d", ignore_value=True)])])
    s.range("a", range_end="z")


def the_past_within_a_transaction(s):
    s.put("a", "1")
    s.put("a", "2")
    s.put("a", "3")
    s.txn([], [get("a", revision=s.at(1)), get("a", revision=s.at(2)), put("a", "4"), get("a", revision=s.at(3)), get("a")])
    s.compact(s.at(2))
    s.txn([], [get("a", revision=s.at(1))])
    s.txn([], [put("b"), get("a", revision=s.at(1))])
    s.txn([], [get("a", revision=s.at(2))])
    s.txn([compare("a", version=99)], [get("a", revision=s.at(1))], [get("a")])


def the_revision_that_a_transaction_makes(s):
    s.put("a", "1")
    s.txn([], [put("a", "2"), get("a", revision=s.at(2))])
    s.txn([], [put("b", "2"), get("a", revision=s.at(3))])
    s.range("a", range_end="z")


def negative_revisions_within_a_transaction(s):
    s.put("a", "1")
    s.txn([], [get("a", revision=-1)])
    s.txn([], [put("b"), get("a", revision=-1)])


def ranges_within_a_transaction(s):
    s.fill("a", "b", "c", "d")
    s.txn([], [get("a", range_end="z", limit=2), get("a", range_end="z", count_only=True), get("b", keys_only=True),
               get("a", range_end="z", sort_order="DESCEND", sort_target="MOD", limit=3),
               get("a", range_end="z", min_mod_revision=s.at(3)), get("a", serializable=True), get("x", range_end="z")])


def as_many_operations_as_may_be(s):
    for count in (128, 129):
        s.txn([], [get(f"k{number}", count_only=True) for number in range(count)])
        s.txn([compare("nothing", version=0)] * count)
        s.txn([], [], [put(f"k{number}") for number in range(count)])
    s.txn([], [put(f"k{number}") for number in range(128)])
    s.range("k", range_end="l", count_only=True)


def as_many_nested_operations_as_may_be(s):
    few = [get("a", count_only=True)] * 63
    s.txn([], [txn([], few), txn([], few)])
    s.txn([], [txn([], few + few + [get("a")])])
    s.txn([], [txn([], few + few + [get("a")] * 2)])
    s.txn([], [txn([], few + few)] * 2)
    s.txn([compare("a", version=0)] * 100, [txn([], few)])
    s.txn([compare("a", version=0)] * 65, [txn([], few)])


def deep_nesting(s):
    for depth in (2, 7):
        op = put("deep", str(depth))
        for _ in range(depth):
            op = txn([], [op])
        s.txn([], [op])
    s.range("deep")


def deeper_nesting(s):
    op = put("deep", "8")
    for _ in range(8):
        op = txn([], [op])
    s.txn([], [op])


def a_transaction_of_serializable_reads(s):
    s.put("a", "1")
    s.txn([compare("a", value="1")], [get("a", serializable=True)], [get("b", serializable=True)])
    s.txn([compare("a", value="2")], [get("a", serializable=True)], [get("b", serializable=True)])


def a_large_transaction(s):
    s.txn([], [put(f"large/{number}", b"x" * 12_000) for number in range(100)])
    s.txn([], [put(f"large/{number}", b"x" * 16_000) for number in range(100)])
    s.range("large/", range_end="large0", count_only=True)
