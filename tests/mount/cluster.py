# SPDX-License-Identifier: Apache-2.0
"""A cluster of real daemons with real mounts, in a directory of its own, and its end without a trace.

    with Cluster(3) as cluster: ...

Nodes are called n1, n2, ... A node is ready once its mount answers a linearizable read. When the block is left by an
exception the logs of all nodes are printed; else the daemons are asked to stop, and must do so cleanly.
"""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

from harness import BUILDDIR, Failure, errno_of, expect, sh, until

DATA_BYTES_MAX = 2 << 30  # a daemon that leaks ends, not the machine
READY_SECONDS = 30
STOP_SECONDS = 30
LOG_LINES_SHOWN = 80
REMOVED = 3  # the exit status of a daemon that is no member any more


class Ports:
    """Ports that no other script takes while this object lives: a locked block, below those that the kernel gives out."""

    FIRST, LAST, BLOCK = 23000, 32000, 16

    def __init__(self):
        folder = Path(tempfile.gettempdir(), "etcfs-test-ports")
        folder.mkdir(exist_ok=True)
        for first in range(self.FIRST, self.LAST, self.BLOCK):
            self._lock = open(folder / str(first), "w", encoding="ascii")
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            self._rest = [port for port in range(first, first + self.BLOCK) if _is_free(port)]
            if len(self._rest) == self.BLOCK:
                return
        raise Failure("no free block of ports")

    def take(self):
        return self._rest.pop(0)


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _mount_id(path):
    """None: nothing is mounted there."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return next((line.split()[0] for line in file if line.split()[4] == str(path)), None)


def is_mounted(path):
    return _mount_id(path) is not None


def is_sanitized():
    """The sanitizers map terabytes for their shadows, and keep what was freed."""
    return "san.so" in sh(f"ldd '{BUILDDIR / 'etcfsd'}'")


class Node:
    def __init__(self, name, folder, ports):
        self.name, self.folder, self.host = name, folder, "127.0.0.1"
        self.data, self.mount, self.log = folder / "data", folder / "mnt", folder / "log"
        self.peer_port, self.client_port = ports.take(), ports.take()
        self.mount.mkdir(parents=True)
        self.process, self.prefix = None, ["setpriv", "--pdeathsig", "KILL"]
        if not is_sanitized():
            self.prefix += ["prlimit", f"--data={DATA_BYTES_MAX}"]
        self.options = {"name": name, "data_dir": self.data, "mount": self.mount, "initial_cluster": self.peer,
                        "listen_client_urls": self.client_url}

    def __truediv__(self, name):
        return self.mount / name

    @property
    def peer_url(self):
        return f"tcp://{self.host}:{self.peer_port}"

    @property
    def peer(self):
        return f"{self.name}={self.peer_url}"

    @property
    def client_url(self):
        return f"http://127.0.0.1:{self.client_port}"

    def command(self, **changes):
        """The daemon's command line, with some options otherwise (None: left out; True: a switch)."""
        words = [str(BUILDDIR / "etcfsd")]
        for option, value in {**self.options, **changes}.items():
            if value is True:
                words.append("--" + option.replace("_", "-"))
            elif value is not None:
                words += ["--" + option.replace("_", "-"), str(value)]
        return words

    def start(self):
        """Starts the daemon; it dies with the calling thread, whatever happens to that."""
        expect(not self.is_running, f"{self.name} runs already")
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([*self.prefix, *self.command()], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
        return self

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def is_ready(self):
        expect(self.is_running, f"{self.name} ended with status {self.process.returncode}")
        mount = _mount_id(self.mount)  # of this start: a dead one is removed before, and what is below has no such name either
        found = errno_of(os.stat, self.mount / "no such name")
        return mount is not None and found == errno.ENOENT and _mount_id(self.mount) == mount

    def wait_ready(self, seconds=READY_SECONDS):
        until(self.is_ready, seconds, f"{self.name} is ready")
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def stop(self):
        """As an operator does; the daemon unmounts and says that all went well."""
        self.signal(signal.SIGTERM)
        status = self.process.wait(STOP_SECONDS)
        expect(status == 0, f"{self.name} stopped with status {status}")
        expect(not is_mounted(self.mount), f"{self.name} left its mount behind")

    def wait_removed(self, seconds=STOP_SECONDS):
        """The daemon has learnt that it is no member any more: it says so, unmounts, and a restart would not cure it."""
        status = self.process.wait(seconds)
        said = self.log_tail()
        expect(status == REMOVED and "removed" in said, f"{self.name} ended with status {status}:\n{said}")
        expect(not is_mounted(self.mount), f"{self.name} left its mount behind")

    def forget(self):
        """Its disk is lost, but not the machine."""
        shutil.rmtree(self.data)

    def clean(self):
        if self.is_running:
            self.kill()
        while is_mounted(self.mount):
            if subprocess.run(["umount", "-l", self.mount], check=False).returncode:
                break
        clear_immutable(self.mount)

    def etcfs(self, *words, status=0, seconds=60):
        """What the command line says of this node (status None: whatever it ends with)."""
        command = [BUILDDIR / "etcfs", "--data-dir", self.data, *words]
        done = subprocess.run([str(word) for word in command], text=True, timeout=seconds, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        expect(status in (None, done.returncode), f"{self.name}$ etcfs {' '.join(map(str, words))}\n{done.stdout}"
                                          f"(exit status {done.returncode}, not {status})")
        return done.stdout

    def status(self):
        return json.loads(self.etcfs("status", "--json"))

    def members(self):
        """As this node knows them: their part of the status, by name."""
        return {member["name"]: member for member in self.status()["members"]}

    def voters(self):
        return {name for name, member in self.members().items() if member["voter"]}

    def log_tail(self):
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(f"{self.name}| {line}" for line in lines[-LOG_LINES_SHOWN:])


def clear_immutable(folder):
    """A daemon that was killed leaves the directory under its mount so (FS_IOC_SETFLAGS, Linux)."""
    get_flags, set_flags, immutable = 0x80086601, 0x40086602, 0x10
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            flags = struct.unpack("i", fcntl.ioctl(fd, get_flags, b"\0" * 4))[0]
            fcntl.ioctl(fd, set_flags, struct.pack("i", flags & ~immutable))
        finally:
            os.close(fd)


class Cluster:
    def __init__(self, count, starts=True, **options):
        """Options as the daemon's, with underscores. starts=False: each case starts what it wants."""
        self.count, self.options, self.starts = count, options, starts

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="etcfs-test."))
        try:
            self.ports = Ports()
            self.nodes = [Node(f"n{i + 1}", self.folder / f"n{i + 1}", self.ports) for i in range(self.count)]
            peers = ",".join(node.peer for node in self.nodes)
            for node in self.nodes:
                node.options.update(initial_cluster=peers, **self.options)
            if self.starts:
                self.start()
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                for node in self.running:
                    node.stop()
        except BaseException:
            kind = Failure
            raise
        finally:
            if kind is not None:
                print("\n".join(node.log_tail() for node in self.nodes), flush=True)
            self._clean()

    def _clean(self):
        for node in getattr(self, "nodes", []):
            node.clean()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __iter__(self):
        return iter(self.nodes)

    def __getitem__(self, number):
        """cluster[1] is n1."""
        return self.nodes[number - 1]

    @property
    def running(self):
        return [node for node in self.nodes if node.is_running]

    def start(self):
        for node in self.nodes:
            if not node.is_running:
                node.start()
        for node in self.nodes:
            node.wait_ready()

    def join(self, member, **options):
        """One more node, that joins the cluster through a member."""
        name = f"n{len(self.nodes) + 1}"
        node = Node(name, self.folder / name, self.ports)
        node.options.update(initial_cluster=None, join=member.peer_url, listen_peer_urls=node.peer_url, **self.options)
        node.options.update(options)
        self.nodes.append(node)
        return node.start()

    def wait_voters(self, *nodes, seconds=READY_SECONDS):
        """All of them know that they, and nobody else, vote."""
        names = {node.name for node in nodes}
        for node in nodes:
            until(lambda node=node: node.voters() == names, seconds, f"{node.name} knows that {sorted(names)} vote")

    def kill_all(self):
        """All at once: nobody learns of the others' end."""
        for node in self.running:
            node.process.kill()
        for node in self.nodes:
            if node.process:
                node.process.wait(STOP_SECONDS)

    def leader(self, seconds=READY_SECONDS):
        """The leader as a node that is not it, or it alone, sees it."""
        return until(self._leader_now, seconds, "somebody leads")

    def _leader_now(self):
        running = {node.name: node for node in self.running}
        for node in running.values():
            for member in node.status()["members"]:
                if member["role"] == "leader" and member["name"] in running:
                    return running[member["name"]]
        return None

    def followers(self):
        leader = self.leader()
        return [node for node in self.running if node is not leader]


LISTING = r"find . -mindepth 1 -printf '%P\t%y\t%m\t%U:%G\t%s\t%T@\t%l\n' | LC_ALL=C sort"


def listing(folder):
    """Name, type, mode, owner, size, time of change and link target of all in a directory."""
    return sh(LISTING, cwd=folder)


def expect_alike(left, right):
    """The same content and the same listing."""
    sh(f"diff -r --no-dereference '{left}' '{right}'")
    expect_same_text(listing(left), listing(right), f"the listings of {left} and {right}")


def expect_same_text(left, right, what):
    if left == right:
        return
    there, here = set(left.splitlines()), set(right.splitlines())
    lines = [f"- {line}" for line in sorted(there - here)[:20]] + [f"+ {line}" for line in sorted(here - there)[:20]]
    raise Failure(f"{what} differ:\n" + "\n".join(lines))


