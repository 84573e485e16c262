/* SPDX-License-Identifier: Apache-2.0 */
#include "api/shape.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/proto.h"

char *shape_id(uint64_t id, struct arena *arena)
{
	return id != 0 ? arena_format(arena, "%" PRIx64, id) : shape_string(NULL, arena);
}

char *shape_string(const char *text, struct arena *arena)
{
	return arena_dup_string(arena, bytes_of_string(text != NULL ? text : ""));
}

char **shape_urls(const char *urls, size_t *ret_count, struct arena *arena)
{
	char *rest = shape_string(urls, arena), **list = arena_take(arena, (strlen(rest) / 2 + 1) * sizeof *list);
	*ret_count = 0;
	for (char *url; (url = strsep(&rest, ",")) != NULL;) {
		if (url[0] != '\0')
			list[(*ret_count)++] = url;
	}
	return list;
}

char *shape_time(int64_t time_ns, struct arena *arena)
{
	if (time_ns <= 0)
		return shape_string(NULL, arena);
	time_t seconds = time_ns / (int64_t)CLOCK_NS_PER_S;
	struct tm utc;
	char text[32];
	gmtime_r(&seconds, &utc);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
	return arena_format(arena, "%s.%09" PRId64 "Z", text, time_ns % (int64_t)CLOCK_NS_PER_S);
}

Etcfs__Control__Record *shape_record(const struct kv_record *record, enum shape_values values, struct arena *arena)
{
	Etcfs__Control__Record *message = arena_take(arena, sizeof *message);
	etcfs__control__record__init(message);
	message->key = proto_data(record->key);
	message->value = proto_data(values == SHAPE_WITH_VALUES ? record->value : BYTES_NONE);
	message->size = record->value.size;
	message->value_left_out = values == SHAPE_WITHOUT_VALUES;
	message->create_revision = record->create_revision;
	message->mod_revision = record->mod_revision;
	message->version = record->version;
	message->lease = record->lease;
	message->id = shape_id(record->id, arena);
	message->time = shape_time(record->time_ns, arena);
	return message;
}

Etcfs__Control__Event *shape_event(const struct kv_event *event, enum shape_values values, struct arena *arena)
{
	Etcfs__Control__Event *message = arena_take(arena, sizeof *message);
	etcfs__control__event__init(message);
	bool put = event->type == KV_EVENT_PUT;
	message->type = put ? ETCFS__CONTROL__EVENT_TYPE__put : ETCFS__CONTROL__EVENT_TYPE__delete;
	message->created = put && event->record.create_revision == event->record.mod_revision;
	message->record = shape_record(&event->record, values, arena);
	return message;
}

static char *shape_node_name(struct kv_view *view, uint64_t member, struct arena *arena)
{
	struct kv_member_list list;
	if (kv_members(view, arena, &list) == ERR_OK) {
		for (size_t at = 0; at < list.count; at++) {
			if (list.members[at].id == member)
				return shape_string(list.members[at].name, arena);
		}
	}
	return shape_id(member, arena); /* it has left */
}

Etcfs__Control__Change *shape_change(struct kv_view *view, const struct kv_change *change, struct arena *arena)
{
	Etcfs__Control__Change *message = arena_take(arena, sizeof *message);
	etcfs__control__change__init(message);
	message->revision = change->revision;
	message->time = shape_time(change->time_ns, arena);
	message->node = shape_node_name(view, change->proposer, arena);
	message->event_count = change->event_count;
	return message;
}
