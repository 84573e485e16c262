/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fuzz target is: one function that takes any bytes, and one that makes bytes which are good, for others to be made of.
 * driver.c is the main program of a target: a few thousand inputs in `make check`. `make fuzz` links the same with libFuzzer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/random.h"

enum { FUZZ_INPUT_BYTES_MAX = 4096 };

/* Ends the process when a property does not hold. The name is libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of a kind: a number from 0 on, taken modulo the kinds that there are; appended to the buffer. */
void fuzz_seed(struct random *random, uint64_t kind, struct buffer *buffer);
