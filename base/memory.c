/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static void *memory_have(void *memory)
{
	if (memory == NULL) {
		fprintf(stderr, "memory_exhausted\n");
		abort();
	}
	return memory;
}

void *memory_new(size_t size_bytes)
{
	return memory_have(calloc(1, size_bytes != 0 ? size_bytes : 1));
}

void *memory_new_array(size_t count, size_t element_bytes)
{
	return memory_have(calloc(count != 0 ? count : 1, element_bytes));
}

void *memory_resize(void *memory, size_t count, size_t element_bytes)
{
	check(element_bytes > 0);
	return memory_have(reallocarray(memory, count != 0 ? count : 1, element_bytes));
}

void *memory_dup(const void *data, size_t size_bytes)
{
	void *copy = memory_have(malloc(size_bytes != 0 ? size_bytes : 1));
	if (size_bytes != 0)
		memcpy(copy, data, size_bytes);
	return copy;
}

char *memory_dup_string(const char *string)
{
	return memory_dup(string, strlen(string) + 1);
}

char *memory_format(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return memory_have(length < 0 ? NULL : text);
}

void memory_free_pointer(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}
