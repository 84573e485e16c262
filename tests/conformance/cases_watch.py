# SPDX-License-Identifier: Apache-2.0
"""Watch: what is told of changes, when, and how a watch ends."""

from requests_of_txn import compare, delete, put, txn

LEADER = (("hasleader", "true"),)


def _silent_about(w, s, change):
    """The change is not told: what comes after it is."""
    change()
    s.ask("KV.Put", key="fence", value="")
    w.take()


def a_watch_of_one_key(s):
    w = s.watch()
    w.created("a")
    s.put("a", "1")
    w.take()
    s.put("a", "2")
    w.take()
    s.delete("a")
    w.take()
    s.put("a", "3")
    w.take()


def other_keys_are_not_told(s):
    w = s.watch()
    w.created("a")
    w.created("fence")
    _silent_about(w, s, lambda: s.put("b", "1"))
    _silent_about(w, s, lambda: s.put("aa", "1"))
    _silent_about(w, s, lambda: s.delete("a"))
    _silent_about(w, s, lambda: s.txn([compare("a", version=1)], [put("a", "1")]))


def a_watch_of_a_range(s):
    w = s.watch()
    w.created("b", range_end="d")
    w.created("fence")
    for key in ("b", "c", "bzz"):
        s.put(key, "1")
        w.take()
    _silent_about(w, s, lambda: s.put("d", "1"))
    _silent_about(w, s, lambda: s.put("a", "1"))


def a_watch_of_everything_from_a_key_on(s):
    w = s.watch()
    w.created("b", range_end=b"\0")
    s.put("z", "1")
    w.take()
    s.put(b"\xff\xff", "1")
    w.take()
    s.put("a", "1")
    s.put("b", "1")
    w.take()


def a_watch_without_a_key_is_of_the_first(s):
    w = s.watch()
    w.created("", range_end=b"\0")
    s.put("a", "1")
    w.take()
    w.created("")
    s.put(b"\0", "1")
    w.events(2)


def a_watch_of_a_range_that_is_empty(s):
    w = s.watch()
    w.created("b", range_end="b")
    w.created("b", range_end="a")
    w.created("b", range_end="a", watch_id=7)
    w.created("a")
    s.put("a", "1")
    w.take()


def what_was_there_before(s):
    s.put("a", "0")
    w = s.watch()
    w.created("a", prev_kv=True)
    s.put("a", "1")
    w.take()
    s.delete("a")
    w.take()
    s.put("a", "2")
    w.take()
    s.put("a", "3")
    w.take()


def what_was_there_before_is_told_of_the_past(s):
    s.put("a", "1")
    s.put("a", "2")
    s.delete("a")
    s.put("a", "3")
    w = s.watch()
    w.created("a", prev_kv=True, start_revision=s.at(1))
    w.events(4)


def filters(s):
    w = s.watch()
    w.created("a", filters=["NOPUT"])
    s.put("a", "1")
    s.delete("a")
    w.take()
    w.created("b", filters=["NODELETE"])
    s.put("b", "1")
    w.take()
    s.delete("b")
    s.put("b", "2")
    w.take()
    w.created("c", filters=["NOPUT", "NODELETE"])
    s.put("c", "1")
    s.delete("c")
    w.created("fence")
    _silent_about(w, s, lambda: s.put("c", "2"))


def filters_of_the_past(s):
    for value in "123":
        s.put("a", value)
        s.delete("a")
    w = s.watch()
    w.created("a", filters=["NOPUT"], start_revision=s.at(1))
    w.events(3)
    w.created("a", filters=["NODELETE"], start_revision=s.at(1), prev_kv=True)
    w.events(3)


def filters_twice_and_filters_that_do_not_exist(s):
    w = s.watch()
    w.created("a", filters=["NOPUT", "NOPUT"])
    w.created("b", filters=[7])
    s.put("b", "1")
    w.take()


def the_past(s):
    for value in "123":
        s.put("a", value)
    s.put("b", "1")
    w = s.watch()
    w.created("a", start_revision=s.at(2))
    w.events(2)
    w.created("a", range_end="c", start_revision=s.at(1))
    w.events(4)
    w.created("a", start_revision=s.at(4))
    s.put("a", "4")
    w.events(3)


def the_past_goes_over_into_the_present(s):
    for number in range(50):
        s.ask("KV.Put", key=f"k{number:02}", value="old")
    w = s.watch()
    w.created("k", range_end="l", start_revision=s.at(10))
    for number in range(50):
        s.ask("KV.Put", key=f"k{number:02}", value="new")
    w.events(91)


def from_one_to_the_first_revision(s):
    w = s.watch()
    w.created("a", start_revision=s.at(0))
    w.created("a", start_revision=s.at(1))
    s.put("a", "1")
    w.events(2)


def a_watch_of_the_future(s):
    w = s.watch()
    w.created("a", start_revision=s.at(3))
    w.created("fence")
    _silent_about(w, s, lambda: s.put("a", "too early"))
    s.put("a", "just in time")
    w.take()
    s.put("a", "later")
    w.take()


def compacted_revisions(s):
    for value in "1234":
        s.put("a", value)
    s.compact(s.at(3))
    w = s.watch()
    w.created("a", start_revision=s.at(2))
    w.take()
    w.created("a", start_revision=s.at(3))
    w.events(2)
    w.created("b", start_revision=1)
    w.take()
    w.created("a", start_revision=s.at(2), watch_id=12)
    w.take()


def a_tombstone_at_the_compacted_revision_is_told(s):
    s.put("a", "1")
    s.put("b", "1")
    s.delete("a")
    s.compact(s.at(3), physical=True)
    w = s.watch()
    w.created("a", start_revision=s.at(3))
    s.put("a", "2")
    w.events(1)


def a_start_below_nothing(s):
    w = s.watch()
    w.created("a", start_revision=-1)
    s.put("a", "1")


def all_changes_of_a_revision_come_together(s):
    w = s.watch()
    w.created("a", range_end="z", prev_kv=True)
    s.txn([], [put("c", "1"), put("a", "1"), put("b", "1")])
    w.take()
    s.txn([], [delete("a", range_end="c"), put("d", "1")])
    w.take()
    s.delete("a", range_end="z")
    w.take()


def all_changes_of_a_past_revision_come_together(s):
    s.txn([], [put("c", "1"), put("a", "1"), put("b", "1")])
    s.txn([], [delete("a"), put("b", "2"), txn([], [put("n", "1")])])
    w = s.watch()
    w.created("a", range_end="z", start_revision=s.at(1), prev_kv=True)
    w.events(6)


def changes_that_are_none_are_not_told(s):
    w = s.watch()
    w.created("a", range_end="z")
    s.txn([], [delete("nothing")])
    s.delete("a", range_end="z")
    s.put("fence")
    w.take()


def many_watches_of_one_stream(s):
    w = s.watch()
    for _ in range(3):
        w.created("a")
    w.created("a", range_end="c")
    w.created("b")
    s.put("a", "1")
    w.events(4)
    s.put("b", "1")
    w.events(2)


def ids_that_the_client_chooses(s):
    w = s.watch()
    w.created("a", watch_id=5)
    w.created("a")
    w.created("a", watch_id=1)
    w.created("a")
    w.created("a", watch_id=3)
    w.created("a")
    w.created("a", watch_id=1 << 40)
    s.put("a", "1")
    w.events(7)


def ids_that_are_taken(s):
    w = s.watch()
    w.created("a", watch_id=5)
    w.created("b", watch_id=5)
    w.created("b", watch_id=5, start_revision=s.at(0))
    s.put("a", "1")
    w.take()


def negative_ids(s):
    w = s.watch()
    w.created("a", watch_id=-2)
    s.put("a", "1")
    w.take()
    w.cancel(-2)
    w.take()


def cancelled_watches_are_silent(s):
    w = s.watch()
    w.created("a")
    w.created("a")
    w.cancel(0)
    w.take()
    s.put("a", "1")
    w.take()
    w.cancel(0)
    w.cancel(99)
    s.put("a", "2")
    w.take()


def an_id_may_come_again(s):
    w = s.watch()
    w.created("a", watch_id=4)
    w.cancel(4)
    w.take()
    w.created("b", watch_id=4)
    s.put("a", "1")
    s.put("b", "1")
    w.take()


def the_ids_after_a_cancelled_one(s):
    w = s.watch()
    w.created("a")
    w.created("a")
    w.cancel(0)
    w.take()
    w.created("a")
    w.cancel(1)
    w.take()
    w.created("a")


def progress_is_told_when_asked(s):
    w = s.watch()
    w.created("a")
    w.progress()
    w.take()
    s.put("b", "1")
    w.progress()
    w.take()
    s.put("a", "1")
    w.take()
    w.progress()
    w.take()


def progress_of_a_stream_without_watches(s):
    w = s.watch()
    w.progress()
    w.take()
    s.put("b", "1")
    w.progress()
    w.take()


def progress_never_runs_ahead(s):
    """What was asked about after the changes were made comes behind them (etcd 15220)."""
    w = s.watch()
    w.created("a", range_end="b")
    for number in range(20):
        s.ask("KV.Put", key=f"a{number:02}", value="v")
        w.progress()
        seen, told = 0, False
        while not told:
            answer = w.get()
            told = not answer.events
            seen += len(answer.events)
            if told:
                s.record("progress", {"watch_id": answer.watch_id, "events before": seen,
                                      "revision": answer.header.revision})


def progress_of_a_watch_of_the_future(s):
    """Nothing may be told of it before its time (etcd 20221)."""
    w = s.watch()
    w.created("a", start_revision=s.at(5))
    w.progress()
    w.silent()  # etcd mended it later
    for value in "12345":
        s.put("a", value)
    w.take()


def requests_that_are_empty(s):
    w = s.watch()
    w.send()
    w.created("a")
    s.put("a", "1")
    w.take()


def a_stream_goes_on_without_requests(s):
    w = s.watch()
    w.created("a")
    w.half_close()
    s.put("a", "1")
    w.take()


def a_stream_that_asks_for_a_leader(s):
    w = s.watch(LEADER)
    w.created("a")
    s.put("a", "1")
    w.take()


def a_stream_ends_by_its_deadline(s):
    w = s.stream("Watch.Watch", (), 0.4)
    w.created("a")
    w.take()


def fragments_of_what_is_small(s):
    w = s.watch()
    w.created("a", range_end="z", fragment=True)
    s.txn([], [put(f"k{number}", "v") for number in range(5)])
    w.take()


def fragments_of_what_is_large(s):
    w = s.watch()
    w.created("a", range_end="z", fragment=True)
    for number in range(5):
        s.ask("KV.Put", key=f"k{number}", value=b"x" * 1_000_000)
        w.events(1)
    s.ask("KV.DeleteRange", key="k", range_end="l")
    w.take()


def large_events_come_whole(s):
    w = s.watch()
    w.created("a", range_end="z", prev_kv=True)
    s.ask("KV.Put", key="k", value=b"x" * 1_400_000)
    w.take()
    s.ask("KV.Put", key="k", value=b"y" * 1_400_000)
    w.take()


def two_streams_are_told_the_same(s):
    one, other = s.watch(), s.watch()
    one.created("a")
    other.created("a")
    s.put("a", "1")
    one.take()
    other.take()
    one.cancel(0)
    one.take()
    s.put("a", "2")
    other.take()


def leases_are_told(s):
    s.grant(lease=1234)
    w = s.watch()
    w.created("a")
    s.put("a", "1", lease=1234)
    w.take()
    s.call("Lease.LeaseRevoke", ID=1234)
    w.take()


def history_is_whole_after_many_changes(s):
    """More revisions than etcd takes at once (etcd 17529)."""
    for number in range(1020):
        s.ask("KV.Put", key=f"k{number % 7}", value=str(number))
    w = s.watch()
    w.created("k", range_end="l", start_revision=s.at(1))
    w.events(1020)


def a_slow_reader_misses_nothing(s):
    w = s.watch()
    w.created("k", range_end="l")
    for number in range(300):
        s.ask("KV.Put", key=f"k{number % 7}", value=b"x" * 2000)
    w.events(300)
