# SPDX-License-Identifier: Apache-2.0
"""What Debian installs for these tests: its Python modules belong to its own Python, and not everybody has them."""

import importlib.util
import os
import shutil
import sys

PYTHON = "/usr/bin/python3"
SKIPPED = 77  # what automake takes for "skipped"
MODULES = {"grpc": "python3-grpcio", "google.protobuf": "python3-protobuf"}
PROGRAMS = {"etcd": "etcd-server", "etcdctl": "etcd-client", "protoc-c": "protobuf-c-compiler"}


def require(*programs, **modules):
    """Skips the script, and says what to install; goes on in Debian's Python when this one lacks the modules (module=package)."""
    missing = [package for module, package in {**MODULES, **modules}.items() if not _has_module(module)]
    if missing and os.path.realpath(sys.executable) != os.path.realpath(PYTHON) and os.access(PYTHON, os.X_OK):
        os.execv(PYTHON, [PYTHON, *sys.argv])
    missing += [PROGRAMS[program] for program in ("protoc-c", *programs) if not shutil.which(program)]
    if missing:
        print(f"SKIPPED: not installed: {' '.join(missing)}", flush=True)
        sys.exit(SKIPPED)


def _has_module(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
