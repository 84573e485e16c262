#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A follower and then the leader are stopped for 8 seconds; see pause.py."""

from cluster import Cluster
from harness import require, run
from pause import pause

SECONDS = 8


def a_stopped_follower_shows_no_old_data_as_new(cluster):
    pause(cluster, cluster.followers()[0], SECONDS)


def a_stopped_leader_shows_no_old_data_as_new(cluster):
    pause(cluster, cluster.leader(), SECONDS)


if __name__ == "__main__":
    require()
    run(Cluster(3), a_stopped_follower_shows_no_old_data_as_new, a_stopped_leader_shows_no_old_data_as_new)
