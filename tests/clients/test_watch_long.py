#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""As test_watch, by chance and for longer, and with nodes that come back by a snapshot while their clients watch."""

import random
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("mount", "conformance")]
import debian  # noqa: E402

debian.require()
from cluster import Cluster  # noqa: E402
from exercise import NOTICES, Exercise  # noqa: E402
from harness import require, run  # noqa: E402

ROUNDS = 2


def every_watch_is_told_what_happens_once_and_in_order(cluster):
    nemeses = ["leave_behind"]
    for _ in range(ROUNDS):
        nemeses += ["move_leader", "kill_leader", "kill_follower", "stop_leader", "restart_follower", "compact",
                    "compact_far_back"]
    random.shuffle(nemeses)
    print(f"       {' '.join(nemeses)}", flush=True)
    Exercise(cluster).run(nemeses)


if __name__ == "__main__":
    require()
    run(Cluster(3, watch_progress_notify_interval=NOTICES, snapshot_count=50),
        every_watch_is_told_what_happens_once_and_in_order)
