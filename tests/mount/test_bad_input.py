#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What cannot work is refused at once: a text that names the thing and the remedy, a status, and nothing harmed."""

import errno
import os
import re
import shutil
import socket
import subprocess

from cluster import Cluster, Node, expect_same_text, is_mounted, listing
from harness import BUILDDIR, errno_of, expect, load, require, run, save, sh

FAILED, USAGE, IN_THE_WAY = 1, 2, 3
NOT_FOUND, NO_CONNECTION = 3, 4
REFUSED_SECONDS = 20
# Each file that names its format, and the same one of format 999 (docs: the format on disk).
NEWER = {"identity": lambda content: content[:4] + (999).to_bytes(4, "little") + content[8:],
         "store/current": lambda content: re.sub(rb"format \d+", b"format 999", content)}


class Strangers(Cluster):
    """Two nodes that do not know each other."""

    def __init__(self):
        super().__init__(2, starts=False)

    def __enter__(self):
        super().__enter__()
        for node in self:
            node.options["initial_cluster"] = node.peer
        return self


def refused(command, status, *texts):
    """The daemon ends with this status, and says all of these texts (| between alternatives)."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=REFUSED_SECONDS, check=False)
    said = done.stdout + done.stderr
    expect(done.returncode == status, f"$ {' '.join(command)}\n{said}(exit status {done.returncode}, not {status})")
    for text in texts:
        found = any(choice.lower() in said.lower() for choice in str(text).split("|"))
        expect(found, f"$ {' '.join(command)}\n{said}(does not say {text!r})")
    print("         " + "\n         ".join(said.strip().splitlines()[-3:]), flush=True)


def daemon(*words):
    return [str(BUILDDIR / "etcfsd"), *words]


def flags_that_are_wrong(cluster):
    refused(daemon("--mont", "/x"), USAGE, "--mont", "--mount")
    refused(daemon("--mount"), USAGE, "--mount")
    refused(daemon("--mount", "/x", "extra"), USAGE, "extra")
    refused(daemon("--mount", "/x", "--mount", "/y"), USAGE, "--mount", "twice")
    node = _nowhere(cluster)
    refused(node.command(reads="sometimes"), USAGE, "sometimes", "linearizable", "local")
    refused(node.command(read_timeout="soon"), USAGE, "--read-timeout", "soon", "10s")
    refused(node.command(max_file_size="1GiB"), USAGE, "--max-file-size", "64 MiB")
    refused(node.command(listen_peer_urls="2380"), USAGE, "2380", "tcp://")
    refused(node.command(config_file="/nonexistent"), USAGE, "/nonexistent")
    _expect_nothing_made(node)


def flags_that_contradict_each_other(cluster):
    node = _nowhere(cluster)
    refused(node.command(election_timeout="200ms", heartbeat_interval="100ms"), USAGE, "--election-timeout",
            "--heartbeat-interval")
    refused(node.command(name="n9"), USAGE, "n9", "--initial-cluster")
    refused(node.command(initial_cluster="n1=tcp://127.0.0.1:1,n1=tcp://127.0.0.1:2"), USAGE, "n1", "twice")
    refused(node.command(initial_cluster="n1=tcp://127.0.0.1:1,n2=tcp://127.0.0.1:1"), USAGE, "n1", "n2", "same URL")
    refused(node.command(join="tcp://127.0.0.1:1"), USAGE, "--join", "--initial-cluster", "leave")
    joins = {"initial_cluster": None, "listen_peer_urls": node.peer_url}
    refused(node.command(**joins, join=node.peer_url), USAGE, "--join", node.peer_url, "itself", "--listen-peer-urls")
    refused(node.command(**joins, replace="n2"), USAGE, "--replace", "--join")
    refused(node.command(voters="4"), USAGE, "--voters", "4", "odd")
    refused(node.command(initial_cluster=None, listen_peer_urls="tcp://0.0.0.0:21999"), USAGE, "0.0.0.0",
            "--allow-plain-peers|address")
    _expect_nothing_made(node)


def _nowhere(cluster):
    """A node whose directories do not exist."""
    node = Node("n1", cluster.folder / "nowhere", cluster.ports)
    shutil.rmtree(node.folder)
    return node


def _expect_nothing_made(node):
    expect(not node.folder.exists(), f"{node.folder} was made")


def ports_that_are_taken(cluster):
    node = cluster[1]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", cluster.ports.take()))
        taken.listen()
        url = f"127.0.0.1:{taken.getsockname()[1]}"
        refused(node.command(initial_cluster=f"n1=tcp://{url}"), FAILED, url, "in use")
        shutil.rmtree(node.data)
        refused(node.command(listen_client_urls=f"http://{url}"), FAILED, url, "in use")
    shutil.rmtree(node.data)
    expect(not is_mounted(node.mount) and os.listdir(node.mount) == [], "nothing was mounted")


def data_directories_that_are_not_ours(cluster):
    node, other = cluster[1], cluster[2]
    node.start().wait_ready()
    save(node / "kept", "kept")
    refused(other.command(name="n1", initial_cluster=f"n1=tcp://127.0.0.1:{other.peer_port}", data_dir=node.data),
            IN_THE_WAY, node.data, "in use|locked|uses it")
    expect(load(node / "kept") == "kept", "the running daemon was not disturbed")
    node.stop()
    before = _state(node)
    refused(node.command(initial_cluster_token="another"), IN_THE_WAY, node.data, "another cluster|other cluster",
            "token")
    refused(node.command(name="n2", initial_cluster=f"{node.peer},{other.peer}"), IN_THE_WAY, node.data, "n1", "n2")
    expect_same_text(before, _state(node), "the data directory before and after")
    plain = cluster.folder / "plain"
    save(plain, "plain")
    refused(node.command(data_dir=plain), FAILED, plain, "directory")
    refused(node.command(data_dir=cluster.folder / "absent/below"), FAILED, "absent")
    node.start().wait_ready()
    expect(load(node / "kept") == "kept", "and the node starts with its content")
    node.stop()


def data_of_a_newer_version(cluster):
    node = cluster[1]
    for name, change in NEWER.items():
        path = node.data / name
        content = path.read_bytes()
        path.write_bytes(change(content))
        expect(path.read_bytes() != content, f"{path} names its format")
        refused(node.command(), IN_THE_WAY, path, "newer")
        path.write_bytes(content)
    node.start().wait_ready()
    expect(load(node / "kept") == "kept", "with the right format it starts")
    node.stop()


def _state(node):
    """All that makes the node's state; a lock, a socket or a log for people may come and go."""
    passing = ("lock", "LOCK", "sock", "LOG")
    return "\n".join(row for row in listing(node.data).splitlines() if not any(word in row for word in passing))


def mount_points_that_cannot_be_used(cluster):
    node, other = cluster[1], cluster[2]
    full, plain = cluster.folder / "full", cluster.folder / "plain"
    full.mkdir()
    save(full / "mine", "mine")
    save(plain, "plain")
    missing = cluster.folder / "missing"
    refused(other.command(mount=missing), IN_THE_WAY, missing, "mkdir|make it|create it")
    refused(other.command(mount=full), IN_THE_WAY, full, "not empty")
    refused(other.command(mount=plain), IN_THE_WAY, plain, "not a directory")
    expect(load(full / "mine") == "mine" and load(plain) == "plain", "nothing was harmed")
    node.start().wait_ready()
    refused(other.command(mount=node.mount), IN_THE_WAY, node.mount, "serves a mount here")
    expect(os.listdir(node.mount) is not None and node.is_running, "the mount of the running daemon lives")


def names_and_files_that_are_too_large(cluster):
    node = cluster[1]
    expect(errno_of(save, node / ("n" * 255), "x") == 0, "255 bytes are a name")
    expect(errno_of(save, node / ("n" * 256), "x") == errno.ENAMETOOLONG, "256 bytes are not")
    sh(f"mkdir '{node.mount}/{'é' * 127}x' && rmdir '{node.mount}/{'é' * 127}x'")
    save(node / "large", "small")
    error = errno_of(save, node / "large", "x" * ((1 << 20) + 1), os.O_WRONLY)
    expect(error == errno.EFBIG, f"a file above 1 MiB: {errno.errorcode.get(error, error)}")
    expect(load(node / "large") in ("small", "x" * (1 << 20)), "what was there is there, or what fits")
    expect(errno_of(save, node / "large", "x" * (1 << 20), os.O_WRONLY | os.O_TRUNC) == 0, "1 MiB is allowed")
    expect(errno_of(os.truncate, node / "large", (1 << 20) + 1) == errno.EFBIG, "truncate knows the limit")
    said = sh(f"head -c 2000000 /dev/zero > '{node / 'zero'}'", status=1)
    expect("File too large" in said, f"head says: {said}")


def a_command_line_that_is_wrong(cluster):
    node = cluster[1]
    for words, status, text in ((["stauts"], USAGE, "status"), ([], USAGE, "usage"), (["get"], USAGE, "key"),
                                (["get", "/absent"], NOT_FOUND, "/absent")):
        said = node.etcfs(*words, status=status)
        expect(text in said.lower(), f"etcfs {words} says:\n{said}")
    said = cluster[2].etcfs("status", status=NO_CONNECTION)
    expect(str(cluster[2].data) in said, f"etcfs status of a node that is down says:\n{said}")
    expect(len(node.etcfs("--help").splitlines()) > 10, "--help helps")


if __name__ == "__main__":
    require()
    run(Strangers(), flags_that_are_wrong, flags_that_contradict_each_other, ports_that_are_taken,
        data_directories_that_are_not_ours, data_of_a_newer_version, mount_points_that_cannot_be_used,
        names_and_files_that_are_too_large, a_command_line_that_is_wrong)
