# SPDX-License-Identifier: Apache-2.0
"""The two servers that are asked the same: Debian's etcd, and etcfsd without a mount. One node each, in a directory of its own."""

import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from harness import BUILDDIR, Failure, until

READY_SECONDS = 30
STOP_SECONDS = 30
LOG_LINES_SHOWN = 60


class Server:
    def __init__(self, name, ports, **options):
        """Options as the daemon's, with underscores."""
        self.name, self.ports, self.options = name, ports, options  # its ports are its own while it lives
        self.port, self.peer_port = ports.take(), ports.take()
        self.process, self.folder = None, None

    @property
    def target(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"http://{self.target}"

    @property
    def peer_url(self):
        return f"http://127.0.0.1:{self.peer_port}"

    def begin(self):
        """Starts it with nothing in it."""
        self.end()
        self.folder = Path(tempfile.mkdtemp(prefix=f"etcfs-conform-{self.name}."))
        self.start()

    def start(self):
        with open(self.folder / "log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self._command()], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)

    def _command(self):
        options = {"name": "n1", "data_dir": self.folder / "data", "listen_client_urls": self.url,
                   "advertise_client_urls": self.url, "listen_peer_urls": self.peer_url,
                   "initial_advertise_peer_urls": self.peer_url, "initial_cluster": f"n1={self.peer_url}", **self.options}
        return [*self.program(), *(f"--{name.replace('_', '-')}={value}" for name, value in options.items())]

    def wait_ready(self):
        until(self._is_ready, READY_SECONDS, f"{self.name} is ready")

    def _is_ready(self):
        self.expect_running()
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return b'"true"' in answer.read()
        except OSError:
            return False

    def expect_running(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.name} ended with status {self.process.returncode}\n{self.log_tail()}")

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def log_tail(self):
        lines = (self.folder / "log").read_text(errors="replace").splitlines()
        return "\n".join(f"{self.name}| {line}" for line in lines[-LOG_LINES_SHOWN:])


class Etcd(Server):
    def __init__(self, ports, **options):
        super().__init__("etcd", ports, **options)

    def program(self):
        return ["etcd"]


class Etcfsd(Server):
    def __init__(self, ports, **options):
        super().__init__("etcfs", ports, **options)

    def program(self):
        return [str(BUILDDIR / "etcfsd"), "--log-level=warn"]
