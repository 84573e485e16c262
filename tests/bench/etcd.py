# SPDX-License-Identifier: Apache-2.0
"""Debian's etcd-server, to stand beside: the same number of nodes, disk, durability, and a client as thin as ours."""

import base64
import json
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from cluster import Ports
from harness import expect, until

VALUE_BYTES = 256
KEYS_PER_TXN = 100
STOP_SECONDS = 60


class Etcd:
    def __init__(self, count):
        self.count = count

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="etcfs-bench-etcd."))
        self.ports = Ports()
        urls = [(f"http://127.0.0.1:{self.ports.take()}", f"http://127.0.0.1:{self.ports.take()}") for _ in range(self.count)]
        self.clients = [client for client, _ in urls]
        peers = ",".join(f"e{i}={peer}" for i, (_, peer) in enumerate(urls))
        self.commands = [["setpriv", "--pdeathsig", "KILL", "etcd", "--name", f"e{i}", "--data-dir", self.folder / f"e{i}",
                          "--listen-client-urls", client, "--advertise-client-urls", client,
                          "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                          "--initial-cluster", peers] for i, (client, peer) in enumerate(urls)]
        self.start()
        self.wait_ready()
        self.body = self.folder / "put"
        self.body.write_bytes(_put_message(b"k0000001", b"v" * VALUE_BYTES))
        return self

    def start(self):
        with open(self.folder / "log", "a", encoding="utf-8") as log:
            self.processes = [subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
                              for command in self.commands]  # as ours: the kernel shares processors out among sessions

    def wait_ready(self):
        until(self._is_ready, 30, f"etcd is ready, see {self.folder}/log")

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(STOP_SECONDS)

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pids(self):
        return [process.pid for process in self.processes]

    def call(self, client, path, message):
        request = urllib.request.Request(client + path, json.dumps(message).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def _is_ready(self):
        try:
            return all("leader" in self.status(client) for client in self.clients)
        except OSError:
            return False

    def status(self, client):
        return self.call(client, "/v3/maintenance/status", {})

    def leader_and_follower(self):
        statuses = {client: self.status(client) for client in self.clients}
        leads = {client: status["leader"] == status["header"]["member_id"] for client, status in statuses.items()}
        return next(c for c in leads if leads[c]), next((c for c in leads if not leads[c]), None)

    def revision(self):
        return int(self.status(self.clients[0])["header"]["revision"])

    def puts(self, client, writers, seconds):
        """h2load sends the same prepared Put on each of `writers` connections, one at a time."""
        log, before = self.folder / "h2load.log", self.revision()
        log.unlink(missing_ok=True)
        subprocess.run(["h2load", "-t", "1", "-c", str(writers), "-m", "1", "-D", str(seconds), "-d", self.body,
                        f"--log-file={log}", "-H", "content-type: application/grpc", "-H", "te: trailers",
                        f"{client}/etcdserverpb.KV/Put"], check=True, stdout=subprocess.DEVNULL)
        micros = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
        made = self.revision() - before
        expect(abs(made - len(micros)) <= writers, f"{len(micros)} answers, but {made} puts")
        return {"count": len(micros), "seconds": seconds, "p50_us": micros[len(micros) // 2],
                "p99_us": micros[len(micros) * 99 // 100], "max_us": micros[-1]}

    def fill(self, count):
        value = base64.b64encode(b"v" * VALUE_BYTES).decode()
        for first in range(0, count, KEYS_PER_TXN):
            puts = [{"request_put": {"key": base64.b64encode(f"/d{i // 1000:04}/f{i:07}".encode()).decode(),
                                     "value": value}} for i in range(first, first + KEYS_PER_TXN)]
            self.call(self.clients[0], "/v3/kv/txn", {"success": puts})


def _put_message(key, value):
    """A gRPC frame of etcdserverpb.PutRequest: key = 1, value = 2."""
    message = _field(1, key) + _field(2, value)
    return b"\0" + len(message).to_bytes(4, "big") + message


def _field(number, content):
    size, length = len(content), b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content
