# SPDX-License-Identifier: Apache-2.0
"""What inotify tells a program: the recorder of tests/support/watch.c, run on some paths around a change."""

import os
import subprocess
import threading

from harness import BUILDDIR, Failure, expect, save

MARK_SECONDS = 20
WATCH = BUILDDIR / "tests/support/watch"


class Recorder:
    """Watches {label: path}, and a directory in which nothing else happens: a mark made there tells that all before it was told."""

    def __init__(self, paths, marks, mask="all"):
        self.lines, self._seen, self._changed = [], set(), threading.Condition()
        arguments = [f"{label}={path}" for label, path in {**paths, "MARK": marks}.items()]
        self._process = subprocess.Popen([WATCH, mask, *arguments], text=True, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE)
        expect(self._process.stdout.readline() == "ready\n", f"the recorder watches {arguments}")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            words = line.split()
            with self._changed:
                if words[0] == "MARK":
                    self._seen.add(words[-1])
                else:
                    self.lines.append(line.strip())
                self._changed.notify_all()

    def wait_mark(self, marks, name):
        """Makes a mark, where the changes are made, and waits until it is told. Each mask has an event of it."""
        save(marks / name, "x", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with self._changed:
            if not self._changed.wait_for(lambda: name in self._seen, MARK_SECONDS):
                raise Failure("the mark is not told; so far:\n" + "\n".join(self.lines))

    def begin(self, marks):
        """What comes before is of no interest."""
        self.wait_mark(marks, "begin")
        with self._changed:
            self.lines.clear()

    def end(self, marks):
        """Everything since the beginning."""
        self.wait_mark(marks, "end")
        self._process.stdin.close()
        self._process.wait(MARK_SECONDS)
        self._reader.join(MARK_SECONDS)
        return self.lines
