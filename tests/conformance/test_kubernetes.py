#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The requests of a Kubernetes API server, and what it relies on: of etcfsd alone, and the same as etcd where that is installed."""

import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mount"))
import debian  # noqa: E402

debian.require()
import cases_kubernetes  # noqa: E402
import suite  # noqa: E402
from client import Client  # noqa: E402
from cluster import Ports  # noqa: E402
from harness import expect, run  # noqa: E402
from requests_of_txn import compare, put  # noqa: E402
from servers import Etcfsd  # noqa: E402
from wire import Wire, show  # noqa: E402

PODS, END = cases_kubernetes.PODS, cases_kubernetes.END
NOTIFIES = {"watch_progress_notify_interval": "100ms"}
ANSWERS_MIN = 50


class Alone:
    def __enter__(self):
        self.server = Etcfsd(Ports(), **NOTIFIES)
        self.server.begin()
        self.server.wait_ready()
        self.client = Client(self.server, Wire())
        return self

    def __exit__(self, kind, *_):
        self.client.close()
        if kind is not None:
            print(self.server.log_tail())
        self.kill_all()

    def kill_all(self):
        self.server.end()

    def run(self, case):
        self.client.empty(self.client.revision())
        self.client.begin()
        try:
            case(self.client)
        finally:
            self.client.finish()
        self.server.expect_running()


def alone(case):
    def runs(server):
        server.run(case)
    runs.__name__ = case.__name__
    return runs


def a_list_as_a_stream(server):
    """Since etcd 3.7: it is what the list is, in pieces."""
    def both(s):
        for number in range(100):
            s.ask("KV.Put", key=f"{PODS}p{number:03}", value="v" * 100_000)
        for more in ({}, {"limit": 37}, {"revision": s.at(50)}, {"limit": 1}, {"keys_only": True}):
            whole = s.ask("KV.Range", key=PODS, range_end=END, **more)
            message = s.wire.make(s.wire.method("KV.RangeStream").input_type, {"key": PODS, "range_end": END, **more})
            pieces = [piece.range_response for piece in s.channel.server_stream("KV.RangeStream", message)]
            expect([kv.SerializeToString() for piece in pieces for kv in piece.kvs] ==
                   [kv.SerializeToString() for kv in whole.kvs], f"the stream is the list: {more}")
            last = pieces[-1]
            expect((last.count, last.more, last.header.revision) == (whole.count, whole.more, whole.header.revision),
                   f"its end says what the list says: {more}: {show(last.header)}")
            expect(not any(piece.count or piece.more for piece in pieces[:-1]), "and only its end")
    server.run(both)


def features_of_the_version(server):
    """RequestWatchProgress is used from 3.5.13 on."""
    version = server.client.ask("Maintenance.Status").version
    expect(tuple(map(int, version.split("."))) >= (3, 5, 13), f"version {version}")


def a_missing_previous_value_never_shows(server):
    """A watch whose event comes without what was there before ends the API server's cache: also right after a compaction."""
    def case(s):
        for number in range(200):
            s.ask("KV.Txn", compare=[compare(f"{PODS}a", "NOT_EQUAL", version=-1)], success=[put(f"{PODS}a", str(number))])
        newest = s.revision()
        w = s.watch(cases_kubernetes.LEADER)
        w.created(PODS, range_end=END, start_revision=s.at(1), prev_kv=True)
        expect("ended" not in w.events(200), "all is told")
        s.ask("KV.Compact", revision=newest)
        s.ask("KV.Put", key=f"{PODS}a", value="last")
        answer = w.get()
        expect(answer.events[0].prev_kv.value == b"199", "the previous value is there")
    server.run(case)


if __name__ == "__main__":
    if shutil.which("etcd"):
        suite.run([cases_kubernetes], ANSWERS_MIN, etcd={"experimental_watch_progress_notify_interval": "100ms"}, etcfs=NOTIFIES)
    else:
        print("etcd-server is not installed: etcfsd alone is asked")
    run(Alone(), *(alone(case) for case in suite.cases([cases_kubernetes], [])),
        a_list_as_a_stream, features_of_the_version, a_missing_previous_value_never_shows)
