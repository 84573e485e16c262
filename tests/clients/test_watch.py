#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Watches keep every promise of etcd's while the leader is moved, killed and stopped, nodes restart, and history is compacted."""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("mount", "conformance")]
import debian  # noqa: E402

debian.require()
from cluster import Cluster  # noqa: E402
from exercise import NOTICES, Exercise  # noqa: E402
from harness import require, run  # noqa: E402


def every_watch_is_told_what_happens_once_and_in_order(cluster):
    Exercise(cluster).run(["move_leader", "kill_leader", "compact", "stop_leader", "restart_follower"])


if __name__ == "__main__":
    require()
    run(Cluster(3, watch_progress_notify_interval=NOTICES), every_watch_is_told_what_happens_once_and_in_order)
