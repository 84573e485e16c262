# SPDX-License-Identifier: Apache-2.0
"""The JSON gateway, and what else is served over HTTP."""

from client import b64

A, B, Z = b64("a"), b64("b"), b64("z")
ID = "19088743"


def kv_as_json(s):
    s.post("/v3/kv/put", {"key": A, "value": b64("1")})
    s.post("/v3/kv/put", {"key": A, "value": b64("2"), "prev_kv": True})
    s.post("/v3/kv/range", {"key": A})
    s.post("/v3/kv/range", {"key": A, "range_end": Z, "count_only": True})
    s.post("/v3/kv/range", {"key": A, "range_end": Z, "limit": 1, "keys_only": True, "serializable": True})
    s.post("/v3/kv/range", {"key": B})
    s.post("/v3/kv/deleterange", {"key": A, "prev_kv": True})
    s.post("/v3/kv/deleterange", {"key": A})
    s.post("/v3/kv/range", {"key": b64("\0"), "range_end": b64("\0")})


def bytes_as_json(s):
    for key in (bytes(range(256)), b"\xff\xfe", b"\0"):
        s.post("/v3/kv/put", {"key": b64(key), "value": b64(key)})
        s.post("/v3/kv/range", {"key": b64(key)})


def orders_as_json(s):
    for key, value in (("c", "1"), ("a", "3"), ("b", "2")):
        s.put(key, value)
    for order, target in (("ASCEND", "VALUE"), ("DESCEND", "KEY"), ("DESCEND", "MOD"), ("NONE", "KEY"), (2, 4), (1, 0)):
        s.post("/v3/kv/range", {"key": A, "range_end": Z, "sort_order": order, "sort_target": target})


def numbers_as_json(s):
    s.fill("a", "b", "c")
    for limit in (2, "2", 2.0, "0", None):
        s.post("/v3/kv/range", {"key": A, "range_end": Z, "limit": limit})
    s.post("/v3/kv/range", {"key": A, "revision": str(s.at(1))})
    s.post("/v3/kv/range", {"key": A, "range_end": Z, "revision": s.at(2)})


def other_names_of_fields(s):
    s.fill("a", "b")
    s.post("/v3/kv/range", {"key": A, "rangeEnd": Z})
    s.post("/v3/kv/range", {"key": A, "rangeEnd": Z, "countOnly": True})
    s.post("/v3/kv/put", {"key": A, "prevKv": True})
    s.post("/v3/lease/grant", {"TTL": "600", "ID": ID})


def transactions_as_json(s):
    s.put("a", "1")
    compare = {"key": A, "result": "EQUAL", "target": "VALUE", "value": b64("1")}
    then = [{"requestPut": {"key": B, "value": b64("2")}}, {"request_range": {"key": A}}]
    s.post("/v3/kv/txn", {"compare": [compare], "success": then, "failure": [{"request_delete_range": {"key": A}}]})
    s.post("/v3/kv/txn", {"compare": [{**compare, "value": b64("2")}], "success": then,
                          "failure": [{"request_delete_range": {"key": A, "prev_kv": True}}]})
    s.post("/v3/kv/txn", {"compare": [{"key": A, "target": "VERSION", "version": "0"}],
                          "success": [{"request_txn": {"success": [{"request_put": {"key": A}}]}}]})
    s.post("/v3/kv/txn", {"compare": [{"key": A, "target": "CREATE", "create_revision": "0", "result": "GREATER"}]})
    s.post("/v3/kv/txn", {"compare": [{"key": A, "target": "MOD", "result": "NOT_EQUAL"}]})
    s.post("/v3/kv/txn")


def times_that_clients_wait(s):
    s.put("a", "1")
    for timeout in ("10S", "0S", "-1S", "+10S", "1000000u", "soon", "1", "S", "1s", "--1S", "1.5S"):
        s.post("/v3/kv/range", {"key": A}, **{"Grpc-Timeout": timeout})
    s.post("/v3/watch", {"create_request": {"key": A}}, **{"Grpc-Timeout": "soon"})
    s.post("/v3/watch", {"create_request": {"key": A}}, **{"Grpc-Timeout": "-1S"})
    for _ in s.post_stream("/v3/watch", {"create_request": {"key": A}}, 2, **{"Grpc-Timeout": "200m"}):
        pass
    for lease, timeout in ((int(ID), "10S"), (int(ID) + 1, "200m")):
        s.grant(600, lease)
        s.post("/v3/lock/lock", {"name": A, "lease": str(lease)}, **{"Grpc-Timeout": timeout})


def clients_that_want_a_leader(s):
    s.put("a", "1")
    for value in ("true", "false", "TRUE", ""):
        s.post("/v3/kv/range", {"key": A}, **{"Grpc-Metadata-hasleader": value})
    for _ in s.post_stream("/v3/watch", {"create_request": {"key": A}}, 1, **{"Grpc-Metadata-hasleader": "true"}):
        pass


def compaction_as_json(s):
    s.put("a", "1")
    s.put("a", "2")
    s.post("/v3/kv/compaction", {"revision": str(s.at(2)), "physical": True})
    s.post("/v3/kv/compaction", {"revision": str(s.at(1))})
    s.post("/v3/kv/compaction", {"revision": str(s.at(9))})
    s.post("/v3/kv/range", {"key": A, "revision": str(s.at(1))})


def errors_as_json(s):
    s.post("/v3/kv/range")
    s.post("/v3/kv/put", {"value": A})
    s.post("/v3/kv/put", {"key": A, "lease": "4711"})
    s.post("/v3/kv/put", {"key": A, "ignore_value": True})
    s.post("/v3/kv/range", {"key": A, "revision": str(s.at(99))})
    s.post("/v3/lease/revoke", {"ID": ID})
    s.post("/v3/lease/grant", {"TTL": "9000000001"})
    s.post("/v3/cluster/member/remove", {"ID": "4711"})
    s.post("/v3/auth/enable")


def leases_as_json(s):
    s.post("/v3/lease/grant", {"TTL": "600", "ID": ID})
    s.post("/v3/lease/grant", {"TTL": "600", "ID": ID})
    s.post("/v3/lease/grant", {"TTL": 1, "ID": "7"})
    s.post("/v3/kv/put", {"key": A, "lease": ID})
    s.post("/v3/kv/range", {"key": A})
    s.post("/v3/kv/lease/timetolive", {"ID": ID, "keys": True})
    s.post("/v3/lease/timetolive", {"ID": ID, "keys": True})
    s.post("/v3/lease/timetolive", {"ID": "8"})
    s.post("/v3/kv/lease/revoke", {"ID": "7"})
    s.post("/v3/kv/lease/leases")
    s.post("/v3/lease/leases")
    s.post("/v3/lease/revoke", {"ID": ID})
    s.post("/v3/lease/leases")


def kept_alive_as_json(s):
    s.grant(600, int(ID))
    for _ in s.post_stream("/v3/lease/keepalive", {"ID": ID}, 1):
        pass
    for _ in s.post_stream("/v3/lease/keepalive", {"ID": "5"}, 1):
        pass


def watches_as_json(s):
    told = s.post_stream("/v3/watch", {"create_request": {"key": A, "range_end": Z, "prev_kv": True}}, 4)
    next(told)
    s.put("a", "1")
    next(told)
    s.put("a", "2")
    next(told)
    s.delete("a")
    next(told)
    for _ in told:
        pass


def watches_of_the_past_as_json(s):
    s.txn([], [{"request_put": {"key": key, "value": key}} for key in "abc"])
    for _ in s.post_stream("/v3/watch", {"create_request": {"key": A, "range_end": Z, "start_revision": str(s.at(1)),
                                                           "filters": ["NODELETE"], "watch_id": "7"}}, 2):
        pass
    s.compact(s.at(1))
    s.put("a", "2")
    s.compact(s.at(2))
    for _ in s.post_stream("/v3/watch", {"create_request": {"key": A, "start_revision": "1"}}, 2):
        pass


def what_is_no_json(s):
    for body in ("", "{", "[]", "null", "1", '"x"', "{]", '{"key":}', "nonsense", '{"key":"YQ=="} x', '{"key":"YQ==",}'):
        s.post("/v3/kv/range", body=body)


def values_of_the_wrong_kind(s):
    for message in ({"key": 1}, {"key": "not base64!"}, {"key": ["YQ=="]}, {"key": {"a": 1}}, {"key": A, "limit": "x"},
                    {"key": A, "limit": 1.5}, {"key": A, "limit": True}, {"key": A, "count_only": 1},
                    {"key": A, "count_only": "true"}, {"key": A, "sort_order": "SIDEWAYS"}, {"key": A, "limit": "99999999999999999999"}):
        s.post("/v3/kv/range", message)


def values_that_are_null(s):
    s.put("a", "1")
    s.post("/v3/kv/range", {"key": A, "range_end": None, "limit": None, "count_only": None, "sort_order": None})
    s.post("/v3/kv/txn", {"compare": None, "success": None})


def fields_that_nobody_knows(s):
    s.put("a", "1")
    s.post("/v3/kv/range", {"key": A, "colour": "red", "more": {"deeper": [1, 2]}})
    s.post("/v3/kv/txn", {"success": [{"request_fly": {}}]})


def other_forms_of_base64(s):
    s.put(b"\xfb\xff", "1")
    s.post("/v3/kv/range", {"key": "+/8="})
    s.post("/v3/kv/range", {"key": "-_8="})
    s.post("/v3/kv/range", {"key": "+/8"})
    s.post("/v3/kv/range", {"key": "YQ"})


def the_rest_of_the_services_as_json(s):
    s.post("/v3/cluster/member/list")
    s.post("/v3/cluster/member/promote", {"ID": "4711"})
    s.post("/v3/cluster/member/update", {"ID": "4711", "peerURLs": ["http://127.0.0.1:1"]})
    s.post("/v3/cluster/member/add", {"peerURLs": ["nonsense"]})
    s.post("/v3/maintenance/alarm", {"action": "GET"})
    s.post("/v3/maintenance/alarm")
    s.post("/v3/maintenance/defragment")
    s.post("/v3/maintenance/transfer-leadership", {"targetID": "4711"})
    s.post("/v3/auth/user/list")
    s.post("/v3/auth/role/list")
    s.post("/v3/auth/user/get", {"name": "x"})
    s.post("/v3/auth/role/get", {"role": "x"})
    s.post("/v3/auth/authenticate", {"name": "x", "password": "y"})
    s.post("/v3/auth/disable")


def versions_of_the_gateway(s):
    s.put("a", "1")
    s.post("/v3beta/kv/range", {"key": A})
    s.post("/v3alpha/kv/range", {"key": A})
    s.post("/v2/keys/a")


def paths_that_nobody_serves(s):
    s.post("/v3/kv/fly")
    s.post("/v3/kv")
    s.post("/v3/")
    s.post("/v3")
    s.http("GET", "/nothing")
    s.http("GET", "/")


def verbs_that_nobody_serves(s):
    for verb in ("GET", "PUT", "DELETE"):
        s.http(verb, "/v3/kv/range", '{"key":"YQ=="}')


def health_over_http(s):
    s.http("GET", "/health")
    s.http("GET", "/health?serializable=true")
    s.http("GET", "/health?exclude=NOSPACE")
    s.http("POST", "/health", "")
    s.http("GET", "/version")
    s.http("POST", "/version", "")


def kinds_of_content(s):
    s.put("a", "1")
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        s.post("/v3/kv/range", {"key": A}, **{"Content-Type": kind})
