# SPDX-License-Identifier: Apache-2.0
"""Runs cases against two servers, compares what they said, and says what is wrong."""

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from client import Client
from cluster import Ports
from compare import compare, judge
from differences import DIFFERENCES
from harness import Failure
from servers import Etcd, Etcfsd
from wire import Wire

LABEL_LETTERS_MAX, LINES_MAX = 300, 8  # of what is shown of a failure


class Pair:
    """Both servers, and a client of each."""

    def __init__(self, etcd, etcfs):
        """Options of each."""
        self.wire, self.ports = Wire(), Ports()
        self.servers = (Etcd(self.ports, **etcd), Etcfsd(self.ports, **etcfs))
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


def cases(modules, words):
    """Each function of a module is a case, but those with a name of its own."""
    found = [value for module in modules for name, value in vars(module).items()
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
    """(it is as it should be, how many answers were compared)"""
    transcripts = pair.run(case)
    wrong = judge(compare(*transcripts), DIFFERENCES.get(case.__name__, []))
    if wrong or shows:
        print(f"{'FAIL' if wrong else 'ok  '} {case.__name__.replace('_', ' ')}")
        complain(case, wrong, transcripts)
    if shows:
        show(transcripts)
    return not wrong, len(transcripts[1])


def run(modules, answers_min, etcd=None, etcfs=None):
    """Ends the script unless all is well. answers_min: of a whole run; cases that are lost are noticed. Options of the servers."""
    shows, words = "--show" in sys.argv[1:], [word for word in sys.argv[1:] if word != "--show"]
    start, failed, asked, chosen = time.monotonic(), [], 0, cases(modules, words)
    with Pair(etcd or {}, etcfs or {}) as pair:
        for case in chosen:
            try:
                good, answers = check(pair, case, shows)
            except Failure as error:
                print(f"FAIL {case.__name__.replace('_', ' ')}\n     {error}")
                good, answers = False, 0
                pair.renew()
            asked += answers
            if not good:
                failed.append(case.__name__)
    meant = sum(len(DIFFERENCES.get(case.__name__, [])) for case in chosen)
    print(f"{len(chosen)} cases, {asked} answers compared, {meant} fields meant to differ: {len(failed)} failed "
          f"({time.monotonic() - start:.1f} s)")
    if failed:
        raise SystemExit(1)
    if not words and asked < answers_min:
        raise SystemExit(f"there were {answers_min} answers once: which cases are lost?")
