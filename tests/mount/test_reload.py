#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A program that only knows files, reloaded by a watcher that only knows inotify, follows what another node writes."""

import contextlib
import os
import signal
import subprocess
import urllib.request

from cluster import Cluster
from harness import children, expect, require, run, save, sh, until

SERVED_SECONDS = 15
IDLE_LOOKS = 10
NGINX = """user root; worker_processes 1; daemon off; pid {run}/pid; error_log {run}/error.log;
events {{ }}
http {{
    access_log off; client_body_temp_path {run}/body; proxy_temp_path {run}/proxy; fastcgi_temp_path {run}/fastcgi;
    uwsgi_temp_path {run}/uwsgi; scgi_temp_path {run}/scgi;
    include {mount}/nginx/site.conf;
}}
"""
SITE = 'server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{text}"; }} }}\n'


class Nginx:
    """nginx on n3, from n3's mount; what it serves is changed on n1."""

    def __init__(self, cluster):
        self.writer, self.reader = cluster[1].mount / "nginx", cluster[3].mount / "nginx"
        self.run, self.port, self.text = cluster.folder / "run", cluster.ports.take(), "begin"
        self.configuration = self.reader / "nginx.conf"
        self.reload = f"nginx -c {self.configuration} -s reload"
        self.run.mkdir(exist_ok=True)
        os.makedirs(self.writer, exist_ok=True)
        save(self.writer / "nginx.conf", NGINX.format(run=self.run, mount=cluster[3].mount))
        save(self.writer / "site.conf", SITE.format(port=self.port, text=self.text))

    def __enter__(self):
        self.process = subprocess.Popen(["nginx", "-c", self.configuration])
        self.wait_served(self.text)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)

    def get(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def wait_served(self, text):
        until(lambda: self.get() == text, SERVED_SECONDS, f"nginx serves {text!r}, not {self.get()!r}")

    def change_by_sed(self, text):
        sh(f"sed -i s/{self.text}/{text}/ site.conf", cwd=self.writer)
        self.text = text
        self.wait_served(text)

    def change_by_echo(self, text):
        sh(f"echo '{SITE.format(port=self.port, text=text).strip()}' > site.conf", cwd=self.writer)
        self.text = text
        self.wait_served(text)


@contextlib.contextmanager
def watching(nginx, command, ready):
    """A shell with a watcher that reloads; begun once `ready` is in what it prints."""
    log = nginx.run / "watcher.log"
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                   start_new_session=True)
    try:
        until(lambda: ready in log.read_text(), SERVED_SECONDS, f"the watcher says {ready!r}")
        yield process
    except Exception:
        print(f"$ {command}\n{log.read_text()}", flush=True)
        raise
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def _reloads(cluster, command, ready):
    with Nginx(cluster) as nginx, watching(nginx, command.format(nginx=nginx), ready):
        for turn in range(3):
            nginx.change_by_sed(f"sed{turn}")
            nginx.change_by_echo(f"echo{turn}")


def _inotifywait(events):
    return f"inotifywait -m {events} {{nginx.reader}} | while read -r line; do echo \"$line\"; {{nginx.reload}}; done"


def a_plain_inotifywait_loop_reloads_nginx(cluster):
    _reloads(cluster, _inotifywait("-e modify -e close_write -e create -e moved_to -e delete"), "Watches established")


def a_loop_of_single_waits_reloads_nginx(cluster):
    """As scripts in the wild have it; a change between two waits is lost on any filesystem, so: one change a turn."""
    with Nginx(cluster) as nginx:
        for text, change in (("alpha", nginx.change_by_sed), ("beta", nginx.change_by_echo)):
            command = f"inotifywait -e close_write -e moved_to {nginx.reader} && {nginx.reload}"
            with watching(nginx, command, "Watches established"):
                change(text)


def a_systemd_style_mask_reloads_nginx(cluster):
    _reloads(cluster, _inotifywait("-e close_write -e moved_to"), "Watches established")


def a_go_fsnotify_style_mask_reloads_nginx(cluster):
    _reloads(cluster, _inotifywait("-e modify -e create -e moved_to -e delete"), "Watches established")


def entr_reloads_nginx(cluster):
    """entr misses, on any filesystem, what changes while its command runs: so each change waits for that to end."""
    with Nginx(cluster) as nginx:
        command = f"echo started; ls {nginx.reader}/*.conf | exec entr -n -s '{nginx.reload}'"
        with watching(nginx, command, "started") as watcher:
            for turn in range(3):
                for change in (nginx.change_by_sed, nginx.change_by_echo):
                    _wait_idle(watcher)
                    change(f"{change.__name__}{turn}")


def _wait_idle(watcher):
    """entr, the child of the watcher's shell, has had no child for a while."""
    seen = []

    def idle():
        seen.append(not any(children(entr) for entr in children(watcher.pid)))
        return len(seen) > IDLE_LOOKS and all(seen[-IDLE_LOOKS:])
    until(idle, SERVED_SECONDS, "entr is idle")


def a_watch_on_the_file_itself_sees_every_save(cluster):
    n1, n3 = cluster[1], cluster[3]
    save(n1 / "watched", "0\n")
    log = cluster.folder / "file.log"
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(["inotifywait", "-m", "-e", "close_write", n3 / "watched"], stdout=file, stderr=file)
    try:
        until(lambda: "established" in log.read_text(), 10, "the watch is there")
        for i in range(1, 6):
            save(n1 / "watched", f"{i}\n")
            until(lambda i=i: log.read_text().count("CLOSE_WRITE") >= i, 10, f"event {i}:\n{log.read_text()}")
        expect(process.poll() is None, "the watch is still alive: saves keep the inode")
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    require("nginx", "inotifywait", "entr")
    run(Cluster(3), a_plain_inotifywait_loop_reloads_nginx, a_loop_of_single_waits_reloads_nginx,
        a_systemd_style_mask_reloads_nginx, a_go_fsnotify_style_mask_reloads_nginx, entr_reloads_nginx,
        a_watch_on_the_file_itself_sees_every_save)
