/* SPDX-License-Identifier: Apache-2.0 */
#include "raft/history.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

enum err raft_history_init(struct raft_history *history, uint64_t index, struct bytes payload)
{
	*history = (struct raft_history){0};
	return raft_history_append(history, index, payload);
}

void raft_history_fini(struct raft_history *history)
{
	for (size_t i = 0; i < history->count; i++)
		raft_config_fini(&history->items[i].config);
	free(history->items);
	*history = (struct raft_history){0};
}

const struct raft_history_item *raft_history_now(const struct raft_history *history)
{
	check(history->count > 0);
	return &history->items[history->count - 1];
}

const struct raft_history_item *raft_history_at(const struct raft_history *history, uint64_t index)
{
	check(history->count > 0);
	size_t at = history->count - 1;
	while (at > 0 && history->items[at].index > index)
		at--;
	return &history->items[at];
}

enum err raft_history_append(struct raft_history *history, uint64_t index, struct bytes payload)
{
	check(history->count == 0 || index > raft_history_now(history)->index);
	struct raft_history_item item = {.index = index};
	struct bytes rest;
	raft_config_init(&item.config);
	enum err err = raft_config_decode(payload, &item.config, &rest);
	if (err != ERR_OK)
		return err;
	if (history->count == history->capacity) {
		history->capacity = history->capacity != 0 ? history->capacity * 2 : 4;
		history->items = memory_resize(history->items, history->capacity, sizeof *history->items);
	}
	history->items[history->count++] = item;
	history->generation++;
	return ERR_OK;
}

void raft_history_truncate(struct raft_history *history, uint64_t from)
{
	while (history->count > 1 && history->items[history->count - 1].index >= from) {
		raft_config_fini(&history->items[--history->count].config);
		history->generation++;
	}
}

void raft_history_trim(struct raft_history *history, uint64_t index)
{
	size_t drop = (size_t)(raft_history_at(history, index) - history->items);
	for (size_t i = 0; i < drop; i++)
		raft_config_fini(&history->items[i].config);
	history->count -= drop;
	memmove(history->items, history->items + drop, history->count * sizeof *history->items);
}

enum err raft_history_reset(struct raft_history *history, uint64_t index, struct bytes payload)
{
	struct raft_history fresh;
	enum err err = raft_history_init(&fresh, index, payload);
	if (err != ERR_OK)
		return err;
	fresh.generation = history->generation + 1;
	raft_history_fini(history);
	*history = fresh;
	return ERR_OK;
}
