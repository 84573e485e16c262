# SPDX-License-Identifier: Apache-2.0
"""Where etcfs is meant to answer otherwise than etcd 3.4.23: each with its reason, and checked exactly.

A case is named by its function. A path is the number of the step (from 0), and the field in its answer.
"""

from typing import Any, NamedTuple

from compare import ABSENT, ANSWER


class Difference(NamedTuple):
    path: str
    etcd: Any
    etcfs: Any
    why: str


DIFFERENCES = {}

SORT_OPTIONS = "etcd refuses an order that does not exist since 3.5"
SORT_BEFORE_LIMIT = "mended: without an order etcd cuts to the limit first, and sorts what is left"
STREAM = "etcd streams ranges since 3.7"
KEYS = "a key of etcfs has 8192 bytes at most, so that it is a path"
NEGATIVE = "mended: a negative revision is the current one everywhere, not only outside of a transaction"
OPEN_ENDED = "mended: etcd looks for puts within the deletes of a transaction, but not of those without an end"
ONE_CHANGE = "of what comes and goes within one transaction nothing is left to tell"
DEPTH = "transactions are nested 8 deep at most, so that what a stranger sends has a bound"
TOMBSTONE = "a tombstone at the compacted revision is kept: etcd does so since 3.4.34, whose watches missed it before (18089, 19179)"
BELOW = "a watch from below nothing is refused at once: etcd says compacted since 3.6"
FUTURE = "nothing is told of a watch before its revision: etcd mended it later (20221)"

UNSORTABLE = "INVALID_ARGUMENT: etcdserver: invalid sort option"
TOO_LARGE = "INVALID_ARGUMENT: etcdserver: request is too large"
COMPACTED = "OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted"
DUPLICATE = "INVALID_ARGUMENT: etcdserver: duplicate key given in txn request"


def of(why, *rows):
    return [Difference(path, etcd, etcfs, why) for path, etcd, etcfs in rows]


DIFFERENCES.update(
    requests_that_are_too_large=of(KEYS, ("2", ANSWER, TOO_LARGE)),
    a_stream_of_a_range=of(STREAM, ("0[0]", "UNIMPLEMENTED: unknown method RangeStream for service etcdserverpb.KV", ANSWER)),
    targets_without_an_order_and_a_limit=of(
        SORT_BEFORE_LIMIT,
        ("1.kvs[1].key", b"b", b"e"), ("1.kvs[1].create_revision", "@+3", "@+4"), ("1.kvs[1].mod_revision", "@+8", "@+9"),
        ("1.kvs[1].version", 4, 2), ("1.kvs[1].value", b"0", b"2"),
        ("3.kvs[1].key", b"a", b"e"), ("3.kvs[1].create_revision", "@+2", "@+4"), ("3.kvs[1].mod_revision", "@+12", "@+9"),
        ("3.kvs[1].value", b"5", b"2"),
        ("4.kvs[1].key", b"c", b"e"), ("4.kvs[1].create_revision", "@+1", "@+4"), ("4.kvs[1].mod_revision", "@+16", "@+9"),
        ("4.kvs[1].version", 5, 2), ("4.kvs[1].value", b"3", b"2")),
    orders_that_do_not_exist=of(SORT_OPTIONS, ("0", ANSWER, UNSORTABLE), ("1", ANSWER, UNSORTABLE)),
    orders_that_do_not_exist_within_a_transaction=of(SORT_OPTIONS, ("0", ANSWER, UNSORTABLE)),
    puts_within_deletes_without_an_end=of(OPEN_ENDED, ("1", ANSWER, DUPLICATE), ("2", ANSWER, DUPLICATE)),
    what_comes_and_goes_in_one_transaction=of(
        ONE_CHANGE, ("1.header.revision", "@+2", "@+1"),
        ("2", ANSWER, "OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision"),
        ("3.header.revision", "@+3", "@+2"), ("4.header.revision", "@+3", "@+2"),
        ("4.kvs[0].create_revision", "@+3", "@+2"), ("4.kvs[0].mod_revision", "@+3", "@+2")),
    negative_revisions_within_a_transaction=of(NEGATIVE, ("1", COMPACTED, ANSWER), ("2", COMPACTED, ANSWER)),
    deeper_nesting=of(DEPTH, ("0", ANSWER, "INVALID_ARGUMENT: etcdserver: too many operations in txn request")),
    a_tombstone_at_the_compacted_revision_is_told=of(
        TOMBSTONE, ("6.0[0].type", ABSENT, "DELETE"), ("6.0[0].kv.mod_revision", "@+4", "@+3"),
        ("6.0[0].kv.create_revision", "@+4", ABSENT), ("6.0[0].kv.version", 1, ABSENT), ("6.0[0].kv.value", b"2", ABSENT)),
    a_start_below_nothing=of(
        BELOW, ("0.watch_id", ABSENT, -1), ("0.canceled", ABSENT, True),
        ("0.cancel_reason", ABSENT, "etcdserver: mvcc: required revision has been compacted")),
    progress_of_a_watch_of_the_future=of(FUTURE, ("1", ANSWER, "silence")),
)
