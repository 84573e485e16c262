# SPDX-License-Identifier: Apache-2.0
"""etcd's API, served by us and by Debian's etcd: the same thin client (rpcload), keys and values for both."""

import json
import os
import subprocess
import threading
import time
from functools import partial

from cluster import Cluster
from etcd import Etcd
from figures import Table, cpu_each, daemons, latency, median, per_second, ratio, resident_mib, restart, with_cpu
from harness import BUILDDIR, expect, until

CLIENTS = ((1, 1), (10, 1), (10, 10), (100, 10))  # connections, calls at once on each
KEYS = 10_000
ROUNDS, SECONDS = 5, 1  # of calls and watches: many short turns, since others may use the machine too
WARM_SECONDS = 1
MILLION = 1_000_000
READY_SECONDS = 300
SECONDS_MAX = 1800

CALLS = {"put": "Puts of 256 bytes, over 10,000 keys",
         "range": "Linearizable ranges of one key of 10,000",
         "range-serializable": "Serializable ranges of one key of 10,000",
         "txn": "Transactions: in turns a compare and two reads, and a compare, a put and a read"}


def _aim(kind, nodes, clients):
    """What is aimed for, of etcd in the same run."""
    if kind == "put" and clients == (1, 1):
        return "p50 ≤ 0.4"
    if kind == "put" and nodes == 3 and clients == (10, 10):
        return "rate ≥ 4, p99 ≤ 0.25"
    return "rate ≥ 3" if kind == "range" else ""


def rpcload(kind, addresses, clients, amount, status=0):
    """None: it ended with another status, which is allowed to be."""
    words = [BUILDDIR / "tests/bench/rpcload", kind, ",".join(addresses), *map(str, clients), str(amount), str(KEYS)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    if status is None and done.returncode != 0:
        return None
    expect(done.returncode == 0, f"rpcload {kind}: {done.stderr}")
    return json.loads(done.stdout)


def measured(kind, addresses, clients, amount):
    one = rpcload(kind, addresses, clients, amount)
    expect(one["errors"] == 0, f"{kind} at {addresses}: {one}")
    return one


class Ours:
    """Both sides alike: addresses, processes, start and stop."""

    def __init__(self, cluster):
        self.cluster = cluster

    def addresses(self):
        """The leader's first."""
        leader = self.cluster.leader()
        return [node.client_url.removeprefix("http://") for node in [leader, *self.cluster.followers()]]

    def pids(self):
        return daemons(self.cluster)

    def restart(self):
        restart(self.cluster)

    def stop(self):
        for node in self.cluster:
            node.stop()

    def start(self):
        for node in self.cluster:
            node.start()


class Theirs:
    def __init__(self, etcd):
        self.etcd = etcd

    def addresses(self):
        leader, _ = self.etcd.leader_and_follower()
        return [url.removeprefix("http://") for url in [leader, *(url for url in self.etcd.clients if url != leader)]]

    def pids(self):
        return self.etcd.pids

    def restart(self):
        self.etcd.stop()
        self.etcd.start()
        self.etcd.wait_ready()

    def stop(self):
        self.etcd.stop()

    def start(self):
        self.etcd.start()


def times(ours, theirs, key):
    return f"{median(ours, lambda one: one[key]) / max(0.1, median(theirs, lambda one: one[key])):.2f}"


def _places(nodes):
    return [("one node", 1)] if nodes == 1 else [("three nodes, at the leader", 1), ("three nodes, over all", 3)]


# ---- calls ----

def bench_calls(kind, options):
    table = Table(CALLS[kind], "", "clients", "etcfs/s", "etcd/s", "rate : etcd", "aim", "etcfs µs p50 / p99", "etcd µs p50 / p99",
                  "p50 : etcd", "p99 : etcd", "CPU µs per call", "per call of etcd")
    for nodes in (1, 3):
        with Cluster(nodes) as cluster, Etcd(nodes) as etcd:
            sides = _begun("fill", KEYS, Ours(cluster), Theirs(etcd))
            for place, count in _places(nodes):
                for clients in CLIENTS:
                    if clients[0] >= count:
                        _row_of_calls(table, options, (kind, place, nodes, count), clients, sides)


def _begun(kind, amount, *sides):
    """The keys are there, and then both begin anew. Else our kernels would hold the directories that were made, and each change in them
    would be done again on each node for those who may watch; and etcd would read more slowly after a burst of writes."""
    for side in sides:
        measured(kind, side.addresses()[:1], (1, 1), amount)
        side.restart()
    for side in sides:  # what a start leaves to be done is done
        measured("put", side.addresses()[:1], (1, 1), WARM_SECONDS)
    return sides


def _row_of_calls(table, options, what, clients, sides):
    kind, place, nodes, count = what
    rounds = _rounds(options, sides, lambda side: measured(kind, side.addresses()[:count], clients, SECONDS))
    ours, theirs = rounds
    table.row(place, f"{clients[0]} x {clients[1]}", per_second(ours), per_second(theirs), ratio(ours, theirs),
              _aim(kind, nodes, clients), latency(ours), latency(theirs), times(ours, theirs, "p50_us"),
              times(ours, theirs, "p99_us"), cpu_each(ours), cpu_each(theirs))


def _rounds(options, sides, measure):
    """In turns; a list of what each side gave."""
    found = [[] for _ in sides]
    for _ in range(1 if options.quick else ROUNDS):
        for side, list_ in zip(sides, found):
            list_.append(with_cpu(side.pids(), lambda side=side: measure(side)))
    return found


# ---- watches ----

def bench_watch(options):
    table = Table("Watch: from the sending of a put to the event at each watcher of its prefix, one put after the other; on three nodes "
                  "the watchers are spread over all",
                  "", "watchers", "etcfs events/s", "etcd events/s", "rate : etcd", "etcfs µs p50 / p99", "etcd µs p50 / p99",
                  "p50 : etcd", "p99 : etcd", "CPU µs per event", "per event of etcd")
    for nodes in (1, 3):
        with Cluster(nodes) as cluster, Etcd(nodes) as etcd:
            sides = _begun("watch", 0.1, Ours(cluster), Theirs(etcd))
            for connections, streams in CLIENTS:
                ours, theirs = _rounds(options, sides, lambda side, clients=(connections, streams):
                                       measured("watch", side.addresses(), clients, SECONDS))
                table.row("one node" if nodes == 1 else "three nodes", f"{connections * streams:,}", per_second(ours),
                          per_second(theirs), ratio(ours, theirs), latency(ours), latency(theirs),
                          times(ours, theirs, "p50_us"), times(ours, theirs, "p99_us"), cpu_each(ours), cpu_each(theirs))


# ---- much ----

def bench_million(options):
    keys = options.million
    table = Table(f"One node with {keys:,} keys of 256 bytes (etcfs: daemon and helper); a start: from exec to the answer to a "
                  "linearizable range", "", "etcfs", "etcd", "etcfs : etcd", "aim")
    with Cluster(1) as cluster, Etcd(1) as etcd:
        sides = Ours(cluster), Theirs(etcd)
        filled = [measured("fill", side.addresses(), (2, 4), keys) for side in sides]
        _row(table, "filled, keys/s", *(keys / one["seconds"] for one in filled), "")
        _row(table, "memory when filled, MiB", *(resident_mib(side.pids()) for side in sides), "≤ 0.2")
        starts = [_restarted(options, side) for side in sides]
        _row(table, "a start with them, s", *starts, "≤ 0.05")
        _row(table, "memory after it, MiB", *(resident_mib(side.pids()) for side in sides), "≤ 0.2")
        for side in sides:
            measured("range", side.addresses(), (10, 10), options.seconds * 2)
        _row(table, "memory after ranges of some keys, MiB", *(resident_mib(side.pids()) for side in sides), "≤ 0.2")
        folders = cluster[1].data, etcd.folder / "e0"
        _row(table, "on disk, MiB", *(_disk_mib(folder) for folder in folders), "")


def _row(table, name, ours, theirs, aim):
    digits = 2 if theirs < 100 else 0
    table.row(name, f"{ours:,.{digits}f}", f"{theirs:,.{digits}f}", f"{ours / theirs:.3f}", aim)


def _restarted(options, side):
    """The median of how long it takes."""
    took, addresses = [], side.addresses()
    for _ in range(options.rounds):
        side.stop()
        start = time.monotonic()
        side.start()
        until(lambda: _answers(addresses), READY_SECONDS, f"{addresses} answer")
        took.append({"seconds": time.monotonic() - start})
    return median(took, lambda one: one["seconds"])


def _answers(addresses):
    one = rpcload("range", addresses, (1, 1), 0, status=None)
    return one is not None and one["errors"] == 0


def _disk_mib(folder):
    return sum(os.lstat(os.path.join(path, name)).st_blocks * 512 for path, _, names in os.walk(folder) for name in names) / 2**20


# ---- compaction ----

def bench_compaction(options):
    table = Table(f"Puts by 10 x 10 clients while {options.keys:,} old versions of 10,000 keys are compacted", "", "quiet/s",
                  "during/s", "quiet µs p50 / p99", "during µs p50 / p99", "p99, during : quiet", "aim", "longest, ms, quiet", "during")
    for nodes in (1, 3):
        with Cluster(nodes) as cluster, Etcd(nodes) as etcd:
            ours, theirs = _begun("fill", KEYS, Ours(cluster), Theirs(etcd))
            for name, side, aim in (("etcfs", ours, "≤ 1.2"), ("etcd", theirs, "")):
                quiet, during = [], []
                for _ in range(options.rounds):
                    _make_history(side, options.keys)
                    quiet.append(measured("put", side.addresses()[:1], (10, 10), options.seconds))
                    during.append(_while_compacting(side, options.seconds))
                table.row(f"{name}, {'one node' if nodes == 1 else 'three nodes'}", per_second(quiet), per_second(during),
                          latency(quiet), latency(during), times(during, quiet, "p99_us"), aim,
                          *(f"{median(list_, lambda one: one['max_us']) / 1000:,.0f}" for list_ in (quiet, during)))


def _make_history(side, versions):
    for _ in range(max(1, versions // KEYS)):
        measured("fill", side.addresses()[:1], (1, 4), KEYS)


def _while_compacting(side, seconds):
    found, addresses = [], side.addresses()[:1]
    putter = threading.Thread(target=lambda: found.append(measured("put", addresses, (10, 10), seconds)))
    putter.start()
    measured("compact", addresses, (1, 1), 1)
    putter.join()
    expect(found, "the puts failed")
    return found[0]


PARTS = {**{kind: partial(bench_calls, kind) for kind in CALLS}, "watch": bench_watch, "million": bench_million,
         "compaction": bench_compaction}
