# SPDX-License-Identifier: Apache-2.0
"""Runs the cases of one script: skips loudly where it cannot run, bounds its time, and says what failed and why."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

BUILDDIR = Path(os.environ.get("BUILDDIR") or Path(__file__).resolve().parents[2] / "build").resolve()
SKIPPED = 77  # what automake takes for "skipped"
SCRIPT_SECONDS_MAX = 240  # a sanitizer on a busy machine; in earnest a script takes a tenth of it
POLL_SECONDS = 0.02


class Failure(AssertionError):
    pass


def expect(condition, text):
    if not condition:
        raise Failure(text)


def until(condition, seconds, what):
    """Waits for what has no event of its own: the value of condition() once it is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(POLL_SECONDS)
    return value


def sh(command, cwd=None, seconds=60, status=0, env=None):
    """Runs a shell command and returns what it printed; fails with all of that if it ends with another status (None: any)."""
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=cwd, timeout=seconds, text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          errors="surrogateescape", env={**os.environ, "LC_ALL": "C", **(env or {})})
    expect(status in (None, done.returncode), f"$ {command}\n{done.stdout}(exit status {done.returncode}, not {status})")
    return done.stdout


def children(pid):
    """The processes that the threads of a process have started."""
    found = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
    return found


def errno_of(action, *arguments):
    """The errno that a call fails with; 0 if it does not."""
    try:
        action(*arguments)
    except OSError as error:
        return error.errno
    return 0


def save(path, text, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
    """One save: open, write, close. An error of any of them is raised, close's above all."""
    fd, rest = os.open(path, flags, 0o644), text.encode()
    try:
        while rest:
            rest = rest[os.write(fd, rest):]
    except OSError:
        try_close(fd)
        raise
    os.close(fd)


def try_close(fd):
    try:
        os.close(fd)
    except OSError:
        pass


def append(path, text):
    save(path, text, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def load(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


class Worker(threading.Thread):
    """Calls step() again and again until stop(); what it raised is raised by stop()."""

    def __init__(self, step):
        super().__init__(daemon=True)
        self._step, self._stopping, self._error = step, threading.Event(), None
        self.start()

    def run(self):
        try:
            while not self._stopping.is_set():
                self._step()
        except BaseException as error:  # handed to who stops it
            self._error = error

    def stop(self, seconds=60):
        self._stopping.set()
        self.join(seconds)
        expect(not self.is_alive(), f"a worker still hangs after {seconds} s")
        if self._error:
            raise self._error


def require(*programs):
    """Skips the script unless it can mount, and these programs are installed."""
    built = [str(BUILDDIR / name) for name in ("etcfsd", "etcfs")]
    missing = [program for program in (*programs, *built) if not _find(program)]
    if os.geteuid() != 0:
        _skip("not root")
    if not os.path.exists("/dev/fuse"):
        _skip("no /dev/fuse")
    if missing:
        _skip(f"not installed: {' '.join(missing)}")


def _find(program):
    return any(os.access(os.path.join(folder, program), os.X_OK)
               for folder in (*os.environ["PATH"].split(":"), "/usr/sbin", "/sbin"))


def _skip(why):
    print(f"SKIPPED: {why}", flush=True)
    sys.exit(SKIPPED)


def run(context, *cases):
    """Runs each case with the context's value (a cluster, say), and ends the script."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed = []
    with context as value:
        watchdog = threading.Timer(SCRIPT_SECONDS_MAX, _give_up, [value])
        watchdog.daemon = True
        watchdog.start()
        for case in cases:
            if not _passes(case, value):
                failed.append(case.__name__)
        watchdog.cancel()
        if failed:
            raise SystemExit(f"{len(failed)} of {len(cases)} failed: {', '.join(failed)}")


def _passes(case, value):
    start = time.monotonic()
    name = case.__name__.replace("_", " ")
    print(f"     {name}", flush=True)
    try:
        case(value)
    except Exception:
        traceback.print_exc(file=sys.stdout)
        print(f"FAIL {name}", flush=True)
        return False
    print(f"ok   {name} ({time.monotonic() - start:.1f} s)", flush=True)
    return True


def _give_up(value):
    """A call that hangs in a mount cannot be interrupted from here, but it ends when its daemon does."""
    print(f"FAIL the script takes more than {SCRIPT_SECONDS_MAX} s; every thread, and then every daemon:", flush=True)
    for thread, frame in sys._current_frames().items():
        print(f"thread {thread}:", *traceback.format_stack(frame), sep="\n", flush=True)
    value.kill_all()
