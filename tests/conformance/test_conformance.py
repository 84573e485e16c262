#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same requests to Debian's etcd and to etcfsd, and their answers compared field by field.

    BUILDDIR=build tests/conformance/test_conformance.py            all cases
    ... test_conformance.py WORD...                                 those with a word in their names
    ... test_conformance.py --show WORD...                          and what both said
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mount"))
import debian  # noqa: E402

debian.require("etcd", "etcdctl")
import cases_etcdctl  # noqa: E402
import cases_gateway  # noqa: E402
import cases_kv  # noqa: E402
import cases_lease  # noqa: E402
import cases_lock  # noqa: E402
import cases_operator  # noqa: E402
import cases_range  # noqa: E402
import cases_transport  # noqa: E402
import cases_txn  # noqa: E402
import cases_watch  # noqa: E402
import suite  # noqa: E402
from differences import DIFFERENCES  # noqa: E402

MODULES = (cases_kv, cases_range, cases_txn, cases_watch, cases_lease, cases_lock, cases_gateway, cases_operator, cases_transport,
           cases_etcdctl)
ANSWERS_MIN = 1600


def expect_differences_of_cases():
    unknown = set(DIFFERENCES) - {case.__name__ for case in suite.cases(MODULES, [])}
    if unknown:
        raise SystemExit(f"differences of cases that do not exist: {', '.join(sorted(unknown))}")


if __name__ == "__main__":
    expect_differences_of_cases()
    suite.run(MODULES, ANSWERS_MIN)
