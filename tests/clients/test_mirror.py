#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""etcdctl make-mirror from Debian's etcd into us, and from another node of ours into another etcd: all three hold the same."""

import contextlib
import os
import random
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("mount", "conformance")]
import debian  # noqa: E402

debian.require("etcd", "etcdctl")
from cluster import Cluster  # noqa: E402
from harness import expect, load, require, run, until  # noqa: E402
from servers import Etcd  # noqa: E402
from wire import Channel, Wire  # noqa: E402

KEYS, CHANGES = 1200, 300  # more keys than etcdctl reads at once
LARGE_BYTES = 500_000
WAIT_SECONDS = 60
LOG_LETTERS_SHOWN = 2000
# What no path names, what is no text, what is a value and a prefix.
ODD = (b"\0", b"\0\0", b"\xff\xfe", b"plain", b"/", b"//", b"/a/", b"/a/../b", b"/a/./b", b"/a\nb", b"/x", b"/x/y", b"/x/y/z",
       b"/" + 300 * b"n", b"/.etcfs/status")


class Keys:
    """A server's keys, as any client sees them."""

    def __init__(self, wire, target):
        self._wire, self._channel = wire, Channel(wire, target)

    def ask(self, method, **fields):
        return self._channel.unary(method, self._wire.make(self._wire.method(method).input_type, fields))

    def all(self):
        found, key = {}, b"\0"
        while True:
            page = self.ask("KV.Range", key=key, range_end=b"\0", limit=500)
            found.update({kv.key: kv.value for kv in page.kvs})
            if not page.more:
                return found
            key = page.kvs[-1].key + b"\0"

    def close(self):
        self._channel.close()


@contextlib.contextmanager
def mirror(source, target, log):
    command = ["etcdctl", "--endpoints", source, "make-mirror", target]
    with open(log, "ab") as file:
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                   env={**os.environ, "ETCDCTL_API": "3"})
    try:
        yield
        expect(process.poll() is None, f"the mirror of {source} goes on")
    except BaseException:
        print(log.read_text(errors="replace")[-LOG_LETTERS_SHOWN:])
        raise
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def etcd(ports):
    server = Etcd(ports)
    try:
        server.begin()
        server.wait_ready()
        yield server
    finally:
        server.end()


def fill(keys):
    for key in ODD:
        keys.ask("KV.Put", key=key, value=b"odd " + key)
    for number in range(KEYS):
        keys.ask("KV.Put", key=f"/many/{number % 30}/{number}", value=os.urandom(number % 200))
    keys.ask("KV.Put", key="/large", value=os.urandom(LARGE_BYTES))


def change(keys):
    for number in range(CHANGES):
        name = f"/many/{number % 30}/{random.randrange(KEYS)}".encode()
        what = random.randrange(4)
        if what == 0:
            keys.ask("KV.Put", key=name, value=f"changed {number}")
        elif what == 1:
            keys.ask("KV.DeleteRange", key=name)
        elif what == 2:
            folder = f"/txn/{number}/"
            ops = [{"request_put": {"key": folder + str(at), "value": str(number)}} for at in range(40)]
            keys.ask("KV.Txn", success=[*ops, {"request_delete_range": {"key": name}}])
        else:
            folder = random.randrange(number + 1)  # a mirror makes one transaction of it, and those have an end
            keys.ask("KV.DeleteRange", key=f"/txn/{folder}/", range_end=f"/txn/{folder}0")
    keys.ask("KV.DeleteRange", key=ODD[2])
    keys.ask("KV.Put", key="/last", value="last")


def expect_same(keys, first):
    expected = first.all()
    for name, each in keys.items():
        def is_same(each=each):
            return each.all() == expected
        try:
            until(is_same, WAIT_SECONDS, f"{name} has what the source has")
        finally:
            found = each.all()
            wrong = [key for key in {**expected, **found} if expected.get(key) != found.get(key)]
            if wrong:
                print(f"       {name}: {len(wrong)} of {len(expected)} keys differ: {wrong[:5]}")


def all_keys_come_through_us_and_back(cluster):
    wire = Wire()
    with etcd(cluster.ports) as source, etcd(cluster.ports) as back, contextlib.ExitStack() as stack:
        first, ours, last = (Keys(wire, target) for target in
                             (source.target, f"127.0.0.1:{cluster[3].client_port}", back.target))
        for each in (first, ours, last):
            stack.callback(each.close)
        fill(first)
        log = cluster.folder / "mirrors"
        stack.enter_context(mirror(source.url, f"127.0.0.1:{cluster[1].client_port}", log))
        expect_same({"ours": ours}, first)
        stack.enter_context(mirror(cluster[2].client_url, back.target, log))
        expect_same({"back": last}, first)
        change(first)
        expect_same({"ours": ours, "back": last}, first)
        expect(load(cluster[2] / "last") == "last", "and files they are")


if __name__ == "__main__":
    require("etcd", "etcdctl")
    run(Cluster(3), all_keys_come_through_us_and_back)
