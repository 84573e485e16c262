# SPDX-License-Identifier: Apache-2.0
"""Watchers of every kind at every node, while others write and a nemesis has its way; then every promise is checked."""

import os
import signal
import time

from guarantees import check
from happened import Happened
from harness import expect, until
from watchers import Stream, Watch
from wire import Channel, Wire
from writers import Writers

SECONDS_MAX = 60
STOP_SECONDS = 2.5  # more than two election timeouts
KEPT_SECONDS = 40  # the log is kept for a while for a member that was just alive
BEHIND = 300  # changes that a node misses when it is to come back by a snapshot
NOTICES = "200ms"  # --watch-progress-notify-interval


class Exercise:
    def __init__(self, cluster, pause=0.02, writers=3):
        self.cluster, self.wire, self.compactions = cluster, Wire(), set()
        self._pause, self._writers, self._streams = pause, writers, []
        self.happened = Happened(self.ask)

    def ask(self, node, method, fields):
        channel = Channel(self.wire, f"127.0.0.1:{node.client_port}")
        try:
            return channel.unary(method, self.wire.make(self.wire.method(method).input_type, fields))
        finally:
            channel.close()

    def revision(self, node):
        return self.ask(node, "KV.Range", {"key": b"nothing"}).header.revision

    def run(self, nemeses):
        os.makedirs(self.cluster[1] / "w/saved")
        for node in self.cluster:
            self._streams += self._watch_at(node)
        for stream in self._streams:
            stream.begun(SECONDS_MAX)
        writers = Writers(self.wire, self.cluster, self._writers, self._pause)
        for name in (*nemeses, None):
            answered = len(writers.answers)
            until(lambda: len(writers.answers) > answered + 30, SECONDS_MAX, "the writers go on")
            if name:
                getattr(self, name)()
        writers.stop()
        self._finish(self._streams)
        self._check(self._streams, writers)

    # ---- those who watch ----

    def _watch_at(self, node):
        others = [node, *(other for other in self.cluster if other is not node)]
        now, at, stream = self.revision(node), f"at {node.name}: ", self._stream
        return [
            stream([node], Watch(at + "a key", b"/w/a/3"), Watch(at + "a folder", b"/w/a/", b"/w/a0"),
                   Watch(at + "what goes", b"/w/", b"/w0", filters=["NOPUT"]),
                   Watch(at + "what comes", b"/w/", b"/w0", filters=["NODELETE"], prev_kv=False), asks=0.05),
            stream(others, Watch(at + "everything from the past", b"\0", b"\0", start=1, progress_notify=True,
                                 fragment=True), leader=True),
            stream([node], Watch(at + "slow and large", b"/w/large/", b"/w/large0", fragment=True), pause=0.2),
            stream([node], Watch(at + "slow and whole", b"/w/", b"/w0", progress_notify=True), pause=0.05),
            stream(others, Watch(at + "restless", b"/w/", b"/w/b0", start=2, fragment=True),
                   Watch(at + "restless from now", b"/w/b/", b"\0"), asks=0.2, restless=30),
            stream([node], Watch(at + "from the future", b"/w/b/", b"/w/b0", start=now + 60, progress_notify=True),
                   Watch(at + "from the near future", b"/w/b/7", start=now + 2), asks=0.1),
            stream([node], Watch(at + "canceled and resumed", b"/w/b/", b"/w/b0"),
                   Watch(at + "canceled beside", b"/w/", b"/w/b"), cancels=10),
        ]

    def _stream(self, nodes, *watches, **options):
        return Stream(self.wire, nodes, list(watches), **options)

    def _watch_the_past(self, node, compacted):
        """From where nothing is kept, and from where everything just is."""
        name = f"at {node.name}: from {{}}, compacted {compacted}"
        self._streams.append(self._stream(
            [node], Watch(name.format("before"), b"/w/", b"/w0", start=compacted - 1, fragment=True),
            Watch(name.format("there"), b"/w/", b"/w0", start=compacted, fragment=True), asks=0.1))

    def _finish(self, streams):
        newest = max(self.revision(node) for node in self.cluster)
        for stream in streams:
            stream.hurry()
        for stream in streams:
            def has_all(stream=stream):
                stream.ask()
                time.sleep(0.02)
                return stream.has_all(newest)
            try:
                until(has_all, SECONDS_MAX, f"{stream.watches[0].name} is told that it has all up to {newest}")
            finally:
                if not stream.has_all(newest):
                    print(f"       {[(watch.name, watch.first, watch.next) for watch in stream.watches]}, "
                          f"{stream.messages} messages, {stream.answered} answers to requests, ends: {stream.ends[-3:]}")
        for stream in streams:
            stream.stop()

    def _check(self, streams, writers):
        self.happened.gather(self.cluster[1])
        for node in self.cluster:
            self.happened.expect_ends_in(node)
        self.happened.expect_answered(writers.answers)
        watches = [watch for stream in streams for watch in stream.watches]
        for watch in watches:
            check(watch, self.happened, self.compactions)
        print(f"       {self.happened.newest} revisions, {len(writers.answers)} answers to writers, {writers.refused} failures; "
              f"{len(watches)} watches were told {sum(len(part.events) for watch in watches for part in watch.told)} events, "
              f"and resumed {sum(watch.resumed for watch in watches)} times, {sum(len(watch.gaps) for watch in watches)} after "
              f"a compaction; {sum(stream.answered for stream in streams)} requests for progress were answered", flush=True)

    # ---- what is done to the cluster ----

    def move_leader(self):
        follower = self.cluster.followers()[0]
        self.cluster.leader().etcfs("leader", "move", follower.name)

    def kill_leader(self):
        node = self.cluster.leader()
        node.kill()
        node.start().wait_ready()

    def kill_follower(self):
        node = self.cluster.followers()[0]
        node.kill()
        node.start().wait_ready()

    def restart_follower(self):
        node = self.cluster.followers()[-1]
        node.stop()
        node.start().wait_ready()

    def stop_leader(self):
        self._pause_node(self.cluster.leader(), lambda since: time.monotonic() - since >= STOP_SECONDS)

    def leave_behind(self):
        """A node stands still until the others have let go of the log that it needs: its watches go on over a snapshot."""
        node, other = self.cluster.followers()
        last = node.members()[node.name]["last_index"]
        before = node.log.read_text(errors="replace").count("snapshot_installed")
        self._pause_node(node, lambda _: other.members()[other.name]["first_index"] > last + 1)
        until(lambda: node.log.read_text(errors="replace").count("snapshot_installed") > before, SECONDS_MAX,
              f"{node.name} has come back by a snapshot")

    def _pause_node(self, node, is_enough):
        node.signal(signal.SIGSTOP)
        try:
            since = time.monotonic()
            until(lambda: is_enough(since), SECONDS_MAX, f"{node.name} was stopped for long enough")
        finally:
            node.signal(signal.SIGCONT)
        node.wait_ready()

    def compact(self):
        """Up to shortly before the newest: slow ones are behind it."""
        self._compact(3)

    def compact_far_back(self):
        self._compact(200)

    def _compact(self, kept):
        node = self.cluster.followers()[0]
        self.happened.gather(node)
        revision = self.happened.newest - kept
        if revision > max(self.compactions, default=2):
            self.compactions.add(revision)
            self.ask(node, "KV.Compact", {"revision": revision})
            self._watch_the_past(node, revision)
