#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The simulators for as long as a person may wait: on two cores some twenty minutes each.
tests/sim/sim --seeds 1..100000 &&
	exec tests/sim/stack --seeds 2001..20000
