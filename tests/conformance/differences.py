# SPDX-License-Identifier: Apache-2.0
"""Where etcfs is meant to answer otherwise than etcd 3.4.23: each with its reason, and checked exactly.

A case is named by its function. A path is the number of the step (from 0), and the field in its answer.
"""

from typing import Any, NamedTuple

from compare import ABSENT, ANSWER, ANY


class Difference(NamedTuple):
    path: str
    etcd: Any
    etcfs: Any
    why: str


DIFFERENCES = {}

INVALID_ARGUMENT, FAILED_PRECONDITION = 3, 9


def gateway_like_the_other(is_etcd, path, said):
    """What two gateways say in their own words, as one. The words of the reader of JSON are Go's, and no client's concern. A failed
    precondition is 412 to etcd 3.4, and a bad request since 3.6 (grpc-gateway v2)."""
    message = said.get("message")
    if not path.startswith("/v3/") or not isinstance(message, dict) or "code" not in message:
        return said
    if message["code"] == INVALID_ARGUMENT and not message["message"].startswith("etcdserver: "):
        return {**said, "message": {**message, "message": "not understood", "error": "not understood"}}
    if message["code"] == FAILED_PRECONDITION and is_etcd:
        if said["status"] != 412:
            raise ValueError(f"etcd 3.4 answers 412 to a failed precondition, not {said['status']}")
        return {**said, "status": 400}
    return said



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
FLOAT = "protobuf's JSON has whole numbers written as fractions, too; etcd reads so since 3.6"
BASE64 = "protobuf's JSON has both alphabets of base64, padded or not; etcd reads so since 3.6"
UNKNOWN_NAME = "a name that an enumeration does not have is passed over like a field that is not known; etcd does so since 3.6"
NULL = "null is no message of protobuf's JSON; etcd reads so since 3.6"
ROUTER = "grpc-gateway v2, of etcd 3.6, says what it does not serve in JSON, and 501 to another verb"
HELP = "where nothing is served, etcfs says what is"
HEALTH = "JSON is called so, and a reason is given, as etcd does since 3.5"
VERSION = "clients ask for features by the version: etcfs is like etcd 3.6"
ALARM_HEADER = "mended: the answer of Alarm has a header, as all have"
HASH = "a hash is each server's own; of which revision it is, and that of the compacted one, etcd says since 3.6"
DOWNGRADE = "etcd has it since 3.5"
LEARNERS = "mended: as many learners as one likes, not one"
TOKEN = "a token says nothing while authentication is off: etcd does so since 3.5"
DECODER = "the words of Go's decoder after the colon are left out"
PAST_HEADER = "mended: what is told of the past has the revision of its last event, not one whose events are still to come"
NAME_CODE = "gRPC of etcd's later versions calls it so"

LOST_PLACE = "who has lost its place in a lock's queue is told so: etcd does so since 3.5"
STREAM_CODE = "the errors of grpc-gateway v2, of etcd 3.6, have their code as `code`, in streams too"

UNSORTABLE = "INVALID_ARGUMENT: etcdserver: invalid sort option"
TOO_LARGE = "INVALID_ARGUMENT: etcdserver: request is too large"
COMPACTED = "OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted"
DUPLICATE = "INVALID_ARGUMENT: etcdserver: duplicate key given in txn request"


UNREADABLE = "INTERNAL: grpc: error unmarshalling request"
NO_DOWNGRADE = "UNIMPLEMENTED: unknown method Downgrade for service etcdserverpb.Maintenance"
NO_PAGE, TEXT, JSON = "404 page not found\n", "text/plain; charset=utf-8", "application/json"
PATHS = "there are /health, /livez, /readyz, /version, /metrics, and etcd's API below /v3/\n"


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
    numbers_as_json=of(
        FLOAT, ("2.status", 400, 200), ("2.message.code", 3, ABSENT), ("2.message.message", "not understood", ABSENT),
        ("2.message.error", "not understood", ABSENT), ("2.message.header", ABSENT, ANSWER), ("2.message.kvs", ABSENT, ANSWER),
        ("2.message.more", ABSENT, True), ("2.message.count", ABSENT, "3")),
    a_lock_whose_lease_ends_while_it_waits=of(LOST_PLACE, ("6", ANSWER, "UNKNOWN: mutex: session is expired")),
    a_candidate_whose_lease_ends_while_it_waits=of(
        "mended: who has lost its place is told so, and is not elected", ("6", ANSWER, "UNKNOWN: election: not leader")),
    who_brings_no_lease_is_given_one=of(
        "mended: a proclamation without a lease keeps the one that the key has: to etcd it ends after a minute", ("3[3]", False, True)),
    times_that_clients_wait=of(STREAM_CODE, ("16.error.code", ABSENT, 4)),
    values_of_the_wrong_kind=of(
        UNKNOWN_NAME, ("9.status", 400, 200), ("9.message.code", 3, ABSENT), ("9.message.message", "not understood", ABSENT),
        ("9.message.error", "not understood", ABSENT), ("9.message.header", ABSENT, ANSWER)),
    other_forms_of_base64=[
        *of(BASE64, *((f"{step}.{path}", etcd, etcfs) for step in (2, 3, 4) for path, etcd, etcfs in (
            ("status", 400, 200), ("message.code", 3, ABSENT), ("message.message", "not understood", ABSENT),
            ("message.error", "not understood", ABSENT), ("message.header", ABSENT, ANSWER)))),
        *of(BASE64, *((f"{step}.{path}", ABSENT, etcfs) for step in (2, 3) for path, etcfs in (
            ("message.kvs", ANSWER), ("message.count", "1"))))],
    the_rest_of_the_services_as_json=of(
        ALARM_HEADER, ("4.message.header", ABSENT, ANSWER), ("5.message.header", ABSENT, ANSWER)),
    versions_of_the_gateway=of(HELP, ("2.text", NO_PAGE, PATHS), ("3.text", NO_PAGE, PATHS)),
    paths_that_nobody_serves=[
        *of(ROUTER, *((f"{step}.{path}", etcd, etcfs) for step in (0, 1, 2) for path, etcd, etcfs in (
            ("type", TEXT, JSON), ("text", "Not Found\n", ABSENT), ("message", ABSENT, ANSWER)))),
        *of(HELP, ("3.status", 301, 404), ("3.type", "", TEXT), ("3.text", "", PATHS), ("4.text", NO_PAGE, PATHS),
            ("5.text", NO_PAGE, PATHS))],
    verbs_that_nobody_serves=of(ROUTER, *(
        (f"{step}.{path}", etcd, etcfs) for step in (0, 1, 2) for path, etcd, etcfs in (
            ("status", 405, 501), ("type", TEXT, JSON), ("text", "Method Not Allowed\n", ABSENT),
            ("message", ABSENT, ANSWER)))),
    health_over_http=[
        *of(HEALTH, *((f"{step}.{path}", etcd, etcfs) for step in (0, 1, 2) for path, etcd, etcfs in (
            ("type", TEXT, JSON), ("text", '{"health":"true"}', ABSENT),
            ("message", ABSENT, {"health": "true", "reason": ""})))),
        *of(VERSION, ("4.message.etcdserver", "3.4.23", "3.6.11"), ("4.message.etcdcluster", "3.4.0", "3.6.0"),
            ("4.message.storage", ABSENT, "3.6.0"), ("4.message.etcfs", ABSENT, "0.1.0"))],
    what_is_no_json=of(
        NULL, ("3.message.message", "etcdserver: key is not provided", "not understood"),
        ("3.message.error", "etcdserver: key is not provided", "not understood")),
    the_status=of(VERSION, ("1.version", "3.4.23", "3.6.11"), ("1.storageVersion", ABSENT, "3.6.0"),
                  ("1.dbSizeQuota", ABSENT, 2 << 30), ("1.downgradeInfo", ABSENT, {})),
    the_status_of_a_new_server=of(
        VERSION, ("0.version", "3.4.23", "3.6.11"), ("0.storageVersion", ABSENT, "3.6.0"), ("0.dbSizeQuota", ABSENT, 2 << 30),
        ("0.downgradeInfo", ABSENT, {})),
    alarms_that_there_are_none=of(ALARM_HEADER, *((f"{step}.header", ABSENT, ANSWER) for step in range(5))),
    an_alarm_of_a_full_store_is_raised_and_cleared=[
        *of(ALARM_HEADER, *((f"{step}.header", ABSENT, ANSWER) for step in (1, 2, 3, 4, 5, 16, 18, 19))),
        *of(HEALTH, *((f"{step}.{path}", etcd, etcfs) for step, health, end, reason in (
            (14, "false", "\n", "ALARM NOSPACE"), (15, "true", "", "")) for path, etcd, etcfs in (
                ("type", TEXT, JSON), ("text", f'{{"health":"{health}"}}{end}', ABSENT),
                ("message", ABSENT, {"health": health, "reason": reason}))))],
    hashes_of_keys=of(HASH, ("1.hash", ANY, ANY), ("1.hash_revision", ABSENT, "@+1"), ("2.hash", ANY, ANY),
                      ("2.hash_revision", ABSENT, "@+1"), ("7", COMPACTED, ANSWER)),
    downgrades=of(DOWNGRADE, ("0", NO_DOWNGRADE, "INVALID_ARGUMENT: etcdserver: invalid downgrade target version"),
                  ("1", NO_DOWNGRADE, "FAILED_PRECONDITION: etcdserver: no inflight downgrade job")),
    nobody_is_known=of(DOWNGRADE, ("0", "UNIMPLEMENTED: unknown method AuthStatus for service etcdserverpb.Auth", ANSWER)),
    methods_that_nobody_serves=of(NAME_CODE, (
        "4", 'RESOURCE_EXHAUSTED: malformed method name: "/Range"', 'UNIMPLEMENTED: malformed method name: "/Range"')),
    a_second_learner=of(LEARNERS, ("1", "FAILED_PRECONDITION: etcdserver: too many learner members in cluster", ANSWER)),
    tokens_while_nobody_needs_one=of(TOKEN, *((str(step), "UNAUTHENTICATED: etcdserver: invalid auth token", ANSWER)
                                              for step in range(3))),
    bytes_that_are_no_message=of(DECODER, *((str(step), f"{UNREADABLE}: {words}", UNREADABLE) for step, words in enumerate((
        "unexpected EOF", "unexpected EOF", "proto: wrong wireType = 0 for field Key", "unexpected EOF",
        "proto: RangeRequest: illegal tag 0 (wire type 0)")))),
    maintenance=of(VERSION, ("1.out[0][0].Status.version", "3.4.23", "3.6.11")),
    endpoints=[*of(VERSION, ("4.out[0][0].Status.version", "3.4.23", "3.6.11")),
               *of(HASH, ("8.out[0][0].HashKV.hash", ANY, ANY))],
    members=of("members of etcfs speak to each other over TCP, not HTTP", (
        "0.out[0]", "<itself>, started, n1, http://PEER, http://CLIENT, false",
        "<itself>, started, n1, tcp://PEER, http://CLIENT, false")),
    watches=of(PAST_HEADER, ("8[0].Header.revision", "@+4", "@+3"), ("9[2]", ANY, ANY)),
    a_learner_comes_and_goes=of(
        "mended: to etcd 3.4 a learner with another address is a voter (21694)", ("3.members[1].isLearner", ABSENT, True)),
)
