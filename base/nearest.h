/* SPDX-License-Identifier: Apache-2.0 */
/* The known word that is most like a mistyped one: for "did you mean". */
#pragma once

#include <stddef.h>

/* NULL when none is like it: more than a third of the letters differ. `words` may be of any number; a word longer than 63
 * bytes is like none. */
const char *nearest_word(const char *typed, const char *const *words, size_t count);
