#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The npm package etcd3 at work (npm_etcd3.js), on three nodes whose leader is killed and moved.

It is taken from ETCD3_NODE_MODULES (a folder that has it), or fetched by npm for this run; without either the script skips itself.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mount"))
from cluster import Cluster  # noqa: E402
from harness import SKIPPED, expect, require, run  # noqa: E402

PACKAGE = "etcd3@1.1.2"
FETCH_SECONDS, RUN_SECONDS = 120, 180
PROGRAM = Path(__file__).resolve().with_name("npm_etcd3.js")


def skip(why):
    print(f"SKIPPED: {why}", flush=True)
    sys.exit(SKIPPED)


@contextlib.contextmanager
def modules():
    given = os.environ.get("ETCD3_NODE_MODULES")
    if given:
        yield given
        return
    if not shutil.which("npm"):
        skip("no npm, and ETCD3_NODE_MODULES names no folder with etcd3")
    with tempfile.TemporaryDirectory(prefix="etcfs-npm.") as folder:
        command = ["npm", "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", PACKAGE]
        try:
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=FETCH_SECONDS)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            skip(f"npm cannot fetch {PACKAGE}: {error}")
        yield f"{folder}/node_modules"


def disturb(cluster, what):
    leader = cluster.leader()
    if what == "kill leader":
        leader.kill()
        leader.start().wait_ready()
    else:
        leader.etcfs("leader", "move", cluster.followers()[0].name)


def its_client_works(cluster):
    with modules() as folder:
        command = ["setpriv", "--pdeathsig", "KILL", "node", str(PROGRAM), *(node.client_url for node in cluster)]
        process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env={**os.environ, "NODE_PATH": folder})
        killer = threading.Timer(RUN_SECONDS, process.kill)
        killer.start()
        said = []
        for line in process.stdout:
            said.append(line.rstrip())
            if line.startswith("disturb "):
                disturb(cluster, line.split(maxsplit=1)[1].strip())
                print("go on", file=process.stdin, flush=True)
            elif line.startswith("ok "):
                print(f"       {line.split()[1]}", flush=True)
        killer.cancel()
        status = process.wait()
        expect(status == 0 and said[-1] == "done", f"exit status {status}:\n" + "\n".join(said[-30:]))


if __name__ == "__main__":
    require("node")
    run(Cluster(3), its_client_works)
