#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the whole tree against tests/lint/rules.py and clang-format, and compiles each header alone.

From make: SRCDIR, CC and HEADER_FLAGS are in the environment. By hand: tests/lint/lint.py (headers are then left out).
"""

import os
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
from rules import RULES  # noqa: E402
from source import Source  # noqa: E402

FOLDERS = ("base", "raft", "store", "replica", "fs", "tree", "api", "cli", "mountd", "tests")
CLANG_FORMAT_VERSION = 14
SUFFIXES = (".c", ".h", ".py", ".sh", ".proto", ".mk")


def sources(root):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES and ".pb-c." not in path.name and path.is_file():
                yield Source(str(path.relative_to(root)), path.read_text())


def broken_rules(source):
    return [f"{source.path}:{line}: {text}" for rule in RULES for line, text in rule(source)]


def broken_header(path, compiler, flags):
    """What the compiler says of a file that includes nothing but this header; empty if it is content."""
    command = [*shlex.split(compiler), *shlex.split(flags), "-Wno-unused", "-fsyntax-only", "-x", "c", "-"]
    done = subprocess.run(command, input=f'#include "{path}"\n', text=True, stderr=subprocess.PIPE, check=False)
    return f"{path}:1: it does not compile alone\n{done.stderr}" if done.returncode else ""


def has_formatter():
    """clang-format of the version that .clang-format is written for; others differ in details, and are not asked."""
    if not shutil.which("clang-format"):
        return False
    said = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True).stdout
    return f"version {CLANG_FORMAT_VERSION}." in said


def badly_formatted(root, paths):
    command = ["clang-format", "--dry-run", *paths]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return [line for line in done.stderr.splitlines() if "-Wclang-format-violations" in line]


def main():
    root = Path(os.environ.get("SRCDIR") or Path(__file__).resolve().parents[2])
    all_sources = list(sources(root))
    complaints = [text for source in all_sources for text in broken_rules(source)]
    if has_formatter():
        complaints += badly_formatted(root, [source.path for source in all_sources if source.is_c])
    headers = [source.path for source in all_sources if source.is_header]
    if compiler := os.environ.get("CC"):
        with ThreadPoolExecutor(2) as pool:
            flags = os.environ.get("HEADER_FLAGS", "")
            complaints += filter(None, pool.map(lambda path: broken_header(path, compiler, flags), headers))
    print("\n".join(complaints) if complaints else f"{len(all_sources)} files, {len(headers)} headers: nothing to say")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
