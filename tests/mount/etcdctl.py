# SPDX-License-Identifier: Apache-2.0
"""etcdctl, asked of a node."""

import base64
import json
import os
import subprocess
import threading

from harness import expect

SECONDS_MAX = 60


def run(node, *words, status=0, value=None):
    """What it printed (status None: whatever it ends with); value: bytes for its standard input."""
    command = ["etcdctl", "--endpoints", node.client_url, *map(str, words)]
    done = subprocess.run(command, input=b"" if value is None else value, timeout=SECONDS_MAX, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "ETCDCTL_API": "3"})
    said = done.stdout.decode(errors="surrogateescape")
    expect(status in (None, done.returncode), f"{node.name}$ {' '.join(command)}\n{said}(exit status {done.returncode})")
    return said


def ask(node, *words):
    """Its answer as JSON."""
    return json.loads(run(node, *words, "--write-out", "json"))


def put(node, key, value, *words):
    """A value of any bytes. The revision is returned."""
    return ask_with(node, value, "put", *words, key)["header"]["revision"]


def ask_with(node, value, *words):
    return json.loads(run(node, *words, "--write-out", "json", value=value))


def get(node, key):
    """The key as etcd has it, with its value as bytes; None: it is not there."""
    found = ask(node, "get", key).get("kvs", [])
    return {**found[0], "value": base64.b64decode(found[0].get("value", ""))} if found else None


def keys(node, prefix):
    """All below a prefix, in their order."""
    return run(node, "get", "--prefix", "--keys-only", prefix).split()


def revision(node):
    return ask(node, "get", "nothing")["header"]["revision"]


def watched(node, prefix, first, last):
    """The events below a prefix from a revision on, up to and with the one of the key `last`: as etcd's, with keys as text."""
    command = ["etcdctl", "--endpoints", node.client_url, "watch", "--prefix", "--rev", str(first), "--write-out", "json", prefix]
    events = []
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, env={**os.environ, "ETCDCTL_API": "3"}) as watcher:
        killer = threading.Timer(SECONDS_MAX, watcher.kill)
        killer.start()
        for line in watcher.stdout:
            for event in json.loads(line).get("Events") or []:
                kv = event["kv"]
                kind = {"type": "DELETE"} if event.get("type") else {}
                events.append({**kv, **kind, "key": base64.b64decode(kv["key"]).decode(),
                               "value": base64.b64decode(kv.get("value", ""))})
            if events and events[-1]["key"] == last:
                break
        killer.cancel()
        watcher.kill()
    expect(events and events[-1]["key"] == last, f"{node.name} tells of {last}; so far: {[event['key'] for event in events]}")
    return events
