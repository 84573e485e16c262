#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Dies at each step of an installation, not only at some.
ETCFS_EVERY_STEP=1 exec tests/unit/replica/test_install
