#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""With --reads=local a read may be old; it is whole all the same, and no reader goes back in time."""

import os
import time

from cluster import Cluster
from harness import Worker, expect, load, require, run, save, until

SECONDS = 5


class Reader:
    def __init__(self, node):
        self.node, self.newest, self.answers = node, 0, 0

    def look(self):
        seen = load(self.node / "number")
        expect(seen.isdigit(), f"{self.node.name} shows {seen!r}, which was never saved")
        expect(int(seen) >= self.newest, f"{self.node.name} shows {seen} after {self.newest}")
        self.newest, self.answers = int(seen), self.answers + 1


def a_reader_sees_whole_files_in_their_order(cluster):
    """Of a file that is replaced by rename, on each node and the writer's own."""
    writer, count = cluster[1], 1
    save(writer / "number", "1")
    for node in cluster:
        until(lambda node=node: os.path.exists(node / "number"), 20, f"{node.name} has it")
    readers = [Reader(node) for node in cluster]
    workers = [Worker(reader.look) for reader in readers]
    over = time.monotonic() + SECONDS
    while time.monotonic() < over:
        count += 1
        save(writer / "number.new", str(count))
        os.rename(writer / "number.new", writer / "number")
        expect(load(writer / "number") == str(count), "the writer's node shows what was saved on it")
    for worker in workers:
        worker.stop()
    print(f"       {count} saves, {sum(reader.answers for reader in readers)} reads")
    for node in cluster:
        until(lambda node=node: load(node / "number") == str(count), 20, f"{node.name} shows the last in the end")


if __name__ == "__main__":
    require()
    run(Cluster(3, reads="local"), a_reader_sees_whole_files_in_their_order)
