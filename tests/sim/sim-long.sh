#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The simulator for as long as a person may wait.
tests/sim/sim --seeds 1..10000 &&
	exec tests/sim/stack --seeds 2001..100000
