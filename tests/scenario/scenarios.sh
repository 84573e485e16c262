#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# All dialogues; `tests/scenario/run --rewrite FILE` takes what is printed as what is expected.
exec tests/scenario/run "${srcdir:-.}"/tests/scenario/*.txt
