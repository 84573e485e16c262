# SPDX-License-Identifier: Apache-2.0
"""How loads are run, and how figures are taken from them and shown."""

import json
import os
import statistics
import subprocess
from pathlib import Path

from harness import BUILDDIR, children


def load(kind, path, threads, amount):
    words = [BUILDDIR / "tests/bench/load", kind, path, str(threads), str(amount)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def cpu_seconds(pids):
    """User and system time of processes and their threads."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mib(pids):
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            total += int(line.split()[1]) if line.startswith("VmRSS:") else 0
    return total / 1024


def daemons(cluster):
    """The daemons and the helpers that they started."""
    pids = [node.process.pid for node in cluster.running]
    return pids + [child for pid in pids for child in children(pid)]


def median(rounds, key):
    return statistics.median(key(one) for one in rounds)


class Table:
    def __init__(self, title, *columns):
        print(f"\n## {title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)

    def row(self, *cells):
        print(f"| {' | '.join(cells)} |", flush=True)


def rate(one):
    return one["count"] / one["seconds"]


def per_second(rounds):
    return f"{median(rounds, rate):,.0f}"


def latency(rounds):
    return f"{median(rounds, lambda one: one['p50_us']):,.0f} / {median(rounds, lambda one: one['p99_us']):,.0f}"


def cpu_each(rounds):
    return f"{median(rounds, lambda one: 1e6 * one['cpu'] / max(1, one['count'])):,.0f}"


def with_cpu(pids, measure):
    before = cpu_seconds(pids)
    one = measure()
    one["cpu"] = cpu_seconds(pids) - before
    return one


def ratio(ours, theirs):
    return f"{median(ours, rate) / median(theirs, rate):.2f}"


def restart(cluster):
    """A kernel that made a directory, or was shown that it was made, holds it: a new mount holds its top alone."""
    for node in cluster:  # one by one: the ports of all that stand still together are taken by another run of the tests
        node.stop()
        node.start().wait_ready()
