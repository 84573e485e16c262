/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/reading.h"

#include <stdlib.h>

#include "base/memory.h"

void reading_init(struct reading *reading)
{
	*reading = (struct reading){0};
	pthread_mutex_init(&reading->mutex, NULL);
}

void reading_fini(struct reading *reading)
{
	free(reading->content);
	pthread_mutex_destroy(&reading->mutex);
}

static void reading_end(struct reading *reading)
{
	free(reading->content);
	reading->content = NULL;
	reading->active = false;
}

bool reading_continue(struct reading *reading, size_t offset, size_t size, struct arena *arena, struct bytes *ret_data)
{
	pthread_mutex_lock(&reading->mutex);
	bool goes_on = reading->active && offset == reading->next && offset != 0;
	if (goes_on) {
		size_t rest = reading->size - offset, count = rest < size ? rest : size;
		*ret_data = count != 0 ? arena_dup(arena, bytes_of(reading->content + offset, count)) : BYTES_NONE;
		reading->next += count;
	}
	if (!goes_on || ret_data->size == 0)
		reading_end(reading);
	pthread_mutex_unlock(&reading->mutex);
	return goes_on;
}

void reading_begin(struct reading *reading, struct bytes content, size_t served)
{
	pthread_mutex_lock(&reading->mutex);
	reading_end(reading);
	reading->active = content.size <= READING_BYTES_MAX;
	reading->size = content.size;
	reading->next = served;
	if (reading->active && served < content.size)
		reading->content = memory_dup(content.data, content.size);
	pthread_mutex_unlock(&reading->mutex);
}
