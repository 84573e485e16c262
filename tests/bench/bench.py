#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures etcfs beside etcd and beside the local filesystem, in one run, and prints every figure.

    make bench                   all of it, about half an hour
    bench.py [PART...]           saves files events memory, and of etcd's API: put range range-serializable txn watch million compaction;
                                 --quick for one short round

Both sides run one after the other in each round, on the same disk, and each figure is the median of the rounds.
"""

import argparse
import os
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mount"))
import bench_api  # noqa: E402
import events  # noqa: E402
from cluster import Cluster  # noqa: E402
from etcd import Etcd  # noqa: E402
from figures import (Table, cpu_each, daemons, latency, load, median, per_second, rate, ratio, resident_mib,  # noqa: E402
                     restart, with_cpu)
from harness import BUILDDIR, expect, require, sh  # noqa: E402

WRITERS = (1, 16, 64)
ROUNDS, SECONDS = 3, 3
FILES = 1000
KEYS = 100_000
FILL_WRITERS = 16
EVENTS = 2000


def bench_saves(options):
    table = Table("Saves through the mount, and puts through the control socket, beside puts into etcd: 256 bytes, each "
                  "on a majority of disks",
                  "", "writers", "saves/s", "puts/s", "etcd puts/s", "saves : etcd", "puts : etcd", "save µs p50 / p99",
                  "put µs p50 / p99", "etcd µs p50 / p99", "CPU µs per save", "per put", "per etcd put")
    for count in (1, 3):
        with Cluster(count) as cluster, Etcd(count) as etcd:
            _make_folders(cluster)
            etcd_leader, etcd_follower = etcd.leader_and_follower()
            places = [("one node", "leader", etcd_leader)] if count == 1 else \
                [("three nodes, at the leader", "leader", etcd_leader), ("three nodes, at a follower", "follower", etcd_follower)]
            for place, role, client in places:
                restart(cluster)
                node = cluster.leader() if role == "leader" else cluster.followers()[0]
                for writers in WRITERS:
                    _row_of_saves(table, options, place, writers, cluster, node, etcd, client)
    _bench_held(options)
    with Cluster(1, starts=False) as place:
        table = Table("What the disk itself takes: a local file of 256 bytes, with fsync", "writers", "saves/s", "µs p50 / p99")
        for writers in WRITERS:
            local = [load("save-synced", place.folder, writers, options.seconds) for _ in range(options.rounds)]
            table.row(str(writers), per_second(local), latency(local))


def _make_folders(cluster):
    """Where is saved, and where is put: made once."""
    leader = cluster.leader()
    os.mkdir(leader.mount / "saves")
    load("put", leader.data / "control.sock", max(WRITERS), 0.1)


def _bench_held(options):
    table = Table("The same on three nodes, at the leader, directly below the top of the mount, which every kernel holds: so each "
                  "change is done again on the other nodes, for those who may watch", "writers", "saves/s", "puts/s",
                  "save µs p50 / p99", "put µs p50 / p99", "CPU µs per save", "per put")
    with Cluster(3) as cluster:
        leader, pids = cluster.leader(), daemons(cluster)
        for writers in WRITERS:
            saves, puts = [], []
            for _ in range(options.rounds):
                saves.append(with_cpu(pids, lambda: load("save", leader.mount, writers, options.seconds)))
                puts.append(with_cpu(pids, lambda: load("put-top", leader.data / "control.sock", writers, options.seconds)))
            table.row(str(writers), per_second(saves), per_second(puts), latency(saves), latency(puts), cpu_each(saves),
                      cpu_each(puts))


def _row_of_saves(table, options, place, writers, cluster, node, etcd, client):
    saves, puts, theirs = [], [], []
    pids, control = daemons(cluster), node.data / "control.sock"
    for _ in range(options.rounds):
        saves.append(with_cpu(pids, lambda: load("save", node.mount / "saves", writers, options.seconds)))
        puts.append(with_cpu(pids, lambda: load("put", control, writers, options.seconds)))
        theirs.append(with_cpu(etcd.pids, lambda: etcd.puts(client, writers, options.seconds)))
    table.row(place, str(writers), per_second(saves), per_second(puts), per_second(theirs), ratio(saves, theirs),
              ratio(puts, theirs), latency(saves), latency(puts), latency(theirs), cpu_each(saves), cpu_each(puts),
              cpu_each(theirs))


def bench_files(options):
    table = Table(f"File operations beside the local filesystem, one thread; the list is of {FILES:,} files",
                  "", "operation", "etcfs µs p50 / p99", "local µs p50 / p99", "ratio of medians")
    for count, reads in ((1, "linearizable"), (3, "linearizable"), (3, "local")):
        with Cluster(count, reads=reads) as cluster:
            nodes = [("one node", cluster.leader())] if count == 1 else \
                [("three nodes, leader", cluster.leader()), ("three nodes, follower", cluster.followers()[0])]
            local = cluster.folder / "local"
            for folder in (local, nodes[0][1] / "many"):
                os.mkdir(folder)
                load("fill", folder, 4, FILES)
            for place, node in nodes:
                for kind, name in (("stat", "d0000/f0000001"), ("read", "d0000/f0000001"), ("list", "d0000")):
                    _row_of_files(table, options, f"{place}, {reads} reads", kind, node / "many" / name, local / name)


def _row_of_files(table, options, place, kind, ours_path, local_path):
    ours, local = [], []
    for _ in range(options.rounds):
        ours.append(load(kind, ours_path, 1, options.seconds / 3))
        local.append(load(kind, local_path, 1, options.seconds / 3))
    times = median(ours, lambda one: one["p50_us"]) / max(1, median(local, lambda one: one["p50_us"]))
    table.row(place, kind, latency(ours), latency(local), f"{times:.1f}")


def bench_events(options):
    table = Table(f"From a save on one node to the CLOSE_WRITE that a watcher reads on another; {options.events:,} saves, one by one",
                  "", "save µs p50 / p99", "from its beginning µs p50 / p99", "from its end µs p50 / p99")
    bursts = []
    with Cluster(3) as cluster:
        leader, followers = cluster.leader(), cluster.followers()
        for name, writer, watcher in (("leader to follower", leader, followers[0]), ("follower to leader", followers[0], leader),
                                      ("follower to follower", followers[0], followers[1])):
            folder = events.prepare(cluster, name.replace(" ", "-"))
            times = events.one_by_one(writer / folder, watcher / folder, options.events)
            table.row(name, *(events.percentiles(list_ns) for list_ns in times))
            bursts.append((name, *events.burst(load, writer / folder, watcher / folder)))
    table.row("tmpfs, local", *(events.percentiles(list_ns) for list_ns in events.on_tmpfs(options.events)))
    table = Table("1,000 files made by 16 writers, as a watcher of their directory on another node is told of them", "", "events/s",
                  "last event after the last save, ms")
    for name, told, late_ms in bursts:
        table.row(name, f"{told:,.0f}", f"{late_ms:.1f}")


def bench_memory(options):
    keys = options.keys
    table = Table(f"Resident memory with {keys:,} keys of 256 bytes, one node (etcfs: daemon and helper)",
                  "", "etcfs MiB", "etcd MiB", "ratio")
    with Cluster(1) as cluster, Etcd(1) as etcd:
        table.row("empty", *_memory(cluster, etcd))
        os.mkdir(cluster[1] / "many")
        filled = load("fill", cluster[1] / "many", FILL_WRITERS, keys)
        etcd.fill(keys)
        table.row(f"with {keys:,} keys", *_memory(cluster, etcd))
        sh(f"ls -lR '{cluster[1] / 'many'}' | tail -1", seconds=600)
        table.row("after ls -lR of the mount", *_memory(cluster, etcd))
        cluster[1].stop()
        start = time.monotonic()
        cluster[1].start().wait_ready()
        took = time.monotonic() - start
        table.row("etcfs restarted", *_memory(cluster, etcd))
    print(f"\n{keys:,} files were created at {rate(filled):,.0f}/s by {FILL_WRITERS} writers; "
          f"the restart with them took {took:.2f} s.")


def _memory(cluster, etcd):
    ours, theirs = resident_mib(daemons(cluster)), resident_mib(etcd.pids)
    return f"{ours:.0f}", f"{theirs:.0f}", f"{ours / theirs:.2f}"


PARTS = {"saves": bench_saves, "files": bench_files, "events": bench_events, "memory": bench_memory, **bench_api.PARTS}


def print_machine():
    model = sh("sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1").strip()
    print(f"{os.cpu_count()} cores ({model}), Linux {os.uname().release}, "
          f"{sh('etcd --version | sed -n 1p').strip()}, {sh(f'{BUILDDIR}/etcfsd --version').strip()}, "
          f"data on {sh('df --output=fstype /tmp | tail -1').strip()}, {time.strftime('%Y-%m-%d')}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all of them if none is named")
    parser.add_argument("--quick", action="store_true", help="one round of one second, and a tenth of the keys")
    options = parser.parse_args()
    options.rounds, options.seconds, options.keys = (1, 1, KEYS // 10) if options.quick else (ROUNDS, SECONDS, KEYS)
    options.million = bench_api.MILLION // 20 if options.quick else bench_api.MILLION
    options.events = EVENTS // 10 if options.quick else EVENTS
    unknown = set(options.parts) - set(PARTS)
    expect(not unknown, f"unknown parts: {unknown}")
    require("etcd", "h2load")
    print_machine()
    for part in options.parts or PARTS:
        PARTS[part](options)


if __name__ == "__main__":
    main()
