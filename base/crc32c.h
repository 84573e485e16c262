/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli, RFC 3720 appendix B.4): the checksum of everything that we store or send. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

/* Continues from `crc`, the value of what came before (0 at the start), so that runs can be chained. */
uint32_t crc32c(uint32_t crc, struct bytes bytes);
