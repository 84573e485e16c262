#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Patroni (Debian's package, by its `etcd3` section, so by the JSON gateway) keeps two PostgreSQL instances with us as its store."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from cluster import Cluster, Ports
from harness import expect, load, require, run, sh, until

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
TTL_SECONDS = 20  # the least that Patroni takes
START_SECONDS = 60
STOP_SECONDS = 30

CONFIGURATION = """
scope: demo
name: {name}
restapi: {{listen: "127.0.0.1:{rest_port}", connect_address: "127.0.0.1:{rest_port}"}}
etcd3: {{hosts: "{hosts}"}}
bootstrap:
  dcs: {{ttl: {ttl}, loop_wait: 3, retry_timeout: 5, postgresql: {{use_pg_rewind: true}}}}
  initdb: [{{encoding: UTF8}}]
  pg_hba: ["host replication all 127.0.0.1/32 trust", "host all all 127.0.0.1/32 trust"]
postgresql:
  listen: 127.0.0.1:{port}
  connect_address: 127.0.0.1:{port}
  data_dir: {folder}/data
  bin_dir: {binaries}
  pgpass: {folder}/pgpass
  authentication: {{replication: {{username: replicator, password: r}}, superuser: {{username: postgres, password: p}}}}
  parameters: {{unix_socket_directories: "{folder}", fsync: "off", shared_buffers: 16MB}}
"""


class Instance:
    """A Patroni, and the PostgreSQL below it."""

    def __init__(self, name, folder, ports, hosts):
        self.name, self.folder, self.log = name, folder / name, folder / f"{name}.log"
        self.port, self.rest_port, self.process = ports.take(), ports.take(), None
        self.folder.mkdir()
        shutil.chown(self.folder, "postgres", "postgres")
        self.configuration = folder / f"{name}.yml"
        self.configuration.write_text(CONFIGURATION.format(
            name=name, rest_port=self.rest_port, port=self.port, folder=self.folder, hosts=hosts, ttl=TTL_SECONDS,
            binaries=BINARIES[0]))

    def start(self):
        user = pwd.getpwnam("postgres")
        command = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig", "TERM",
                   "patroni", str(self.configuration)]
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True, cwd=self.folder)

    @property
    def state(self):
        """What it says of itself; {} if it says nothing."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.rest_port}/patroni", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
        except OSError:
            return {}

    def is_(self, role):
        return self.state.get("role") == role and self.state.get("state") == "running"

    def sql(self, text):
        return sh(f"psql -h 127.0.0.1 -p {self.port} -U postgres -Atqc '{text}'").strip()

    def kill_all(self):
        """As the machine would die: Patroni and PostgreSQL at once."""
        pids = [self.process.pid]
        with contextlib.suppress(OSError):
            pids.append(int(load(self.folder / "data/postmaster.pid").split()[0]))
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill_all()


class World:
    """Three nodes of ours, and two instances that ask them."""

    def __init__(self):
        self.cluster, self.ports = Cluster(3), Ports()
        self.folder = Path(tempfile.mkdtemp(prefix="etcfs-patroni-"))
        self.folder.chmod(0o755)

    def __enter__(self):
        self.cluster.__enter__()
        hosts = ",".join(f"127.0.0.1:{node.client_port}" for node in self.cluster)
        self.instances = [Instance(name, self.folder, self.ports, hosts) for name in ("p1", "p2")]
        return self

    def __exit__(self, *error):
        for instance in self.instances:
            instance.stop()
            if error[0]:
                print(sh(f"tail -n 40 '{instance.log}'", status=None), flush=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        return self.cluster.__exit__(*error)

    def kill_all(self):
        for instance in self.instances:
            instance.stop()
        self.cluster.kill_all()

    def one(self, role):
        return next((instance for instance in self.instances if instance.is_(role)), None)


def one_of_two_is_elected_and_the_other_follows(world):
    for instance in world.instances:
        instance.start()
    leader = until(lambda: world.one("master"), START_SECONDS, "one is elected")
    until(lambda: world.one("replica"), START_SECONDS, "the other one follows")
    leader.sql("create table numbers (number int); insert into numbers values (42)")


def who_leads_is_a_file_on_every_node(world):
    name = world.one("master").name
    for node in world.cluster:
        found = load(node / "service/demo/leader")
        expect(found == name, f"{node.name} says that {found!r} leads, not {name}")
        expect(json.loads(load(node / f"service/demo/members/{name}"))["role"] == "master", f"{node.name}: its role")


def they_go_on_without_the_node_that_leads(world):
    leader = world.one("master")
    victim = world.cluster.leader()
    victim.kill()
    leader.sql("insert into numbers values (43)")
    until(lambda: leader.sql("select pg_is_in_recovery()") == "f" and leader.is_("master"), 1, "it leads")
    seen = leader.state["dcs_last_seen"]
    until(lambda: leader.state.get("dcs_last_seen", 0) > seen + TTL_SECONDS, 3 * TTL_SECONDS, "it renews its lease")
    expect(leader.is_("master"), f"{leader.name} leads all the time")
    victim.start().wait_ready()


def who_follows_takes_over_when_the_leader_dies(world):
    leader, other = world.one("master"), world.one("replica")
    leader.kill_all()
    until(lambda: other.is_("master"), 3 * TTL_SECONDS, "the other one leads")
    expect(other.sql("select sum(number) from numbers") == "85", "it has what was written")
    leader.start()
    until(lambda: leader.is_("replica"), START_SECONDS, "the one that was killed follows")
    other.sql("insert into numbers values (1)")
    until(lambda: leader.sql("select sum(number) from numbers") == "86", START_SECONDS, "it gets what is written")


require("patroni", "psql", "setpriv", *(str(folder / "postgres") for folder in BINARIES))
run(World(),
    one_of_two_is_elected_and_the_other_follows,
    who_leads_is_a_file_on_every_node,
    they_go_on_without_the_node_that_leads,
    who_follows_takes_over_when_the_leader_dies)
