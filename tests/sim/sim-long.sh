#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The simulator for as long as a person may wait.
exec tests/sim/sim --seeds 1..10000
