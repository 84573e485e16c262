#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same requests to Debian's etcd and to etcfsd, and their answers compared field by field.

    BUILDDIR=build tests/conformance/test_conformance.py            all cases
    ... test_conformance.py WORD...                                 those with a word in their names
    ... test_conformance.py --show WORD...                          and what both said
"""

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mount"))
import debian  # noqa: E402

debian.require("etcd", "etcdctl")
import cases_etcdctl  # noqa: E402
import cases_gateway  # noqa: E402
import cases_kv  # noqa: E402
import cases_lease  # noqa: E402
import cases_operator  # noqa: E402
import cases_range  # noqa: E402
import cases_transport  # noqa: E402
import cases_txn  # noqa: E402
import cases_watch  # noqa: E402
from client import Client  # noqa: E402
from cluster import Ports  # noqa: E402
from compare import compare, judge  # noqa: E402
from differences import DIFFERENCES  # noqa: E402
from harness import Failure  # noqa: E402
from servers import Etcd, Etcfsd  # noqa: E402
from wire import Wire  # noqa: E402

ANSWERS_MIN = 1400  # of a whole run: cases that are lost are noticed
LABEL_LETTERS_MAX, LINES_MAX = 300, 8  # of what is shown of a failure
MODULES = (cases_kv, cases_range, cases_txn, cases_watch, cases_lease,
           cases_gateway, cases_operator, cases_transport, cases_etcdctl)


class Pair:
    """Both servers, and a client of each."""

    def __init__(self):
        ports = Ports()
        self.wire, self.ports = Wire(), ports
        self.servers = (Etcd(ports), Etcfsd(ports))
        self.clients, self.is_spoilt, self._both = (), False, ThreadPoolExecutor(2)

    def __enter__(self):
        self.renew()
        return self

    def __exit__(self, kind, *_):
        for client in self.clients:
            client.close()
        for server in self.servers:
            if kind is not None:
                print(server.log_tail())
            server.end()

    def both(self, action, items):
        return list(self._both.map(action, items))

    def renew(self):
        """New servers, with nothing in them."""
        for client in self.clients:
            client.close()
        self.clients = ()
        for server in self.servers:
            server.begin()
        for server in self.servers:
            server.wait_ready()
        self.clients = tuple(Client(server, self.wire) for server in self.servers)
        for client in self.clients:
            client.wait_published()

    def empty(self):
        newest = max(self.both(lambda client: client.revision(), self.clients)) + 1
        self.both(lambda client: client.empty(newest), self.clients)

    def run(self, case):
        """The transcripts of both."""
        if getattr(case, "fresh", False) or self.is_spoilt:
            self.renew()
        else:
            self.empty()
        self.is_spoilt = getattr(case, "spoils", False)
        self.both(lambda client: self._run(client, case), self.clients)
        return [client.steps for client in self.clients]

    def _run(self, client, case):
        client.begin()
        try:
            case(client)
        finally:
            client.finish()
            client.server.expect_running()


def cases(words):
    found = [value for module in MODULES for name, value in vars(module).items()
             if callable(value) and getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")]
    return [case for case in found if not words or any(word in case.__name__ for word in words)]


def complain(case, wrong, transcripts):
    shown = {}
    for path, text in wrong:
        shown.setdefault(re.split(r"[.\[]", path)[0], []).append(f"{path}: {text}")
    for step, lines in shown.items():
        label = f"     {transcripts[1][int(step)][0]}" if step.isdigit() else f"     {case.__name__}"
        print(label[:LABEL_LETTERS_MAX])
        print("\n".join(f"       {line}" for line in lines[:LINES_MAX]))
        if len(lines) > LINES_MAX:
            print(f"       and {len(lines) - LINES_MAX} more")


def show(transcripts):
    for number, ((label, theirs), (_, ours)) in enumerate(zip(*transcripts)):
        print(f"  {number}. {label}\n     etcd  {theirs}\n     etcfs {ours}")


def check(pair, case, shows):
    """True: as it should be."""
    transcripts = pair.run(case)
    wrong = judge(compare(*transcripts), DIFFERENCES.get(case.__name__, []))
    if wrong or shows:
        print(f"{'FAIL' if wrong else 'ok  '} {case.__name__.replace('_', ' ')}")
        complain(case, wrong, transcripts)
    if shows:
        show(transcripts)
    return not wrong, len(transcripts[1])


def main():
    shows, words = "--show" in sys.argv[1:], [word for word in sys.argv[1:] if word != "--show"]
    start, failed, asked = time.monotonic(), [], 0
    chosen = cases(words)
    unknown = set(DIFFERENCES) - {case.__name__ for case in cases([])}
    if unknown:
        raise SystemExit(f"differences of cases that do not exist: {', '.join(sorted(unknown))}")
    with Pair() as pair:
        for case in chosen:
            try:
                good, steps = check(pair, case, shows)
            except Failure as error:
                print(f"FAIL {case.__name__.replace('_', ' ')}\n     {error}")
                good, steps = False, 0
                pair.renew()
            asked += steps
            if not good:
                failed.append(case.__name__)
    meant = sum(len(list_) for list_ in DIFFERENCES.values())
    print(f"{len(chosen)} cases, {asked} answers compared, {meant} meant to differ: {len(failed)} failed "
          f"({time.monotonic() - start:.1f} s)")
    if failed or (not words and asked < ANSWERS_MIN):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
