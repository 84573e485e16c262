/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as text: RFC 4648 §4 is written, §4 and §5 are read. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

/* Of so many bytes, with padding and without a terminating zero. */
size_t base64_text_size(size_t size);
/* Into text, which has room for base64_text_size(). */
void base64_write(struct bytes bytes, char *text);

/* Into data, which has room for text.size / 4 * 3 + 2 bytes. Both alphabets, padding or none; line breaks are passed over.
 * ERR_INVALID: it is no base64. */
enum err base64_read(struct bytes text, uint8_t *data, size_t *ret_size) MUST_USE;
