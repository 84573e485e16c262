# SPDX-License-Identifier: Apache-2.0
"""The parts of a transaction."""

TARGETS = {"version": "VERSION", "create_revision": "CREATE", "mod_revision": "MOD", "value": "VALUE", "lease": "LEASE"}


def compare(key, result="EQUAL", **more):
    """What is compared follows from what with: compare("a", "LESS", version=3)."""
    return {"key": key, "result": result, "target": next(TARGETS[name] for name in more if name in TARGETS), **more}


def get(key, **more):
    return {"request_range": {"key": key, **more}}


def put(key, value="", **more):
    return {"request_put": {"key": key, "value": value, **more}}


def delete(key, **more):
    return {"request_delete_range": {"key": key, **more}}


def txn(compare_=(), success=(), failure=()):
    return {"request_txn": {"compare": compare_, "success": success, "failure": failure}}
