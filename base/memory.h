/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for bookkeeping: running out of it ends the process, so callers need no error path. Memory whose
 * size a stranger chooses is checked against a named limit before it comes here. Freed with free().
 */
#pragma once

#include <stddef.h>

void *memory_new(size_t size_bytes);                        /* zeroed */
void *memory_new_array(size_t count, size_t element_bytes); /* zeroed, overflow checked */
void *memory_resize(void *memory, size_t count, size_t element_bytes);
void *memory_dup(const void *data, size_t size_bytes);
char *memory_dup_string(const char *string);
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

void memory_free_pointer(void *pointer_to_pointer);
/* `AUTO_FREE char *path = ...` frees at the end of the scope. */
#define AUTO_FREE __attribute__((cleanup(memory_free_pointer)))
