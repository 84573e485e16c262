/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/announce.h"

#include <stdlib.h>

#include "base/check.h"
#include "fs/attr.h"

bool announce_is_directory(struct bytes key)
{
	return key.size != 0 && key.data[key.size - 1] == '/';
}

struct bytes announce_parent(struct bytes key)
{
	size_t size = announce_is_directory(key) ? key.size - 1 : key.size;
	while (size > 0 && key.data[size - 1] != '/')
		size--;
	return bytes_of(key.data, size);
}

static void announce(struct announcements *announcements, struct announcement announcement)
{
	if (announcements->count == announcements->capacity) {
		size_t capacity = announcements->capacity != 0 ? announcements->capacity * 2 : 4;
		struct announcement *list = arena_take(announcements->arena, capacity * sizeof *list);
		for (size_t at = 0; at < announcements->count; at++)
			list[at] = announcements->list[at];
		announcements->list = list;
		announcements->capacity = capacity;
	}
	announcements->list[announcements->count++] = announcement;
}

/* ---- by its note ---- */

static const struct kv_event *event_of(const struct kv_change *change, enum kv_event_type type, struct bytes key)
{
	for (size_t at = 0; at < change->event_count; at++)
		if (change->events[at].type == type && bytes_equal(change->events[at].record.key, key))
			return &change->events[at];
	return NULL;
}

static uint64_t record_id_of(const struct kv_event *event)
{
	return event != NULL && !announce_is_directory(event->record.key) ? event->record.id : 0;
}

/* A file that came to be, or whose content is another: `replaced` is what to announce of one that was there before. */
static void announce_file(const struct kv_change *change, const struct kv_event *event, enum helper_kind replaced,
                          struct announcements *announcements)
{
	const struct kv_record *record = &event->record;
	bool is_new = record->create_revision == change->revision || (event->has_prev && event->prev.id != record->id);
	enum helper_kind made = record->value.size != 0 ? HELPER_CREATE_WRITTEN : HELPER_CREATE;
	announce(announcements, (struct announcement){
	                            .kind = is_new ? made : replaced,
	                            .key = record->key,
	                            .record_id = record->id,
	                        });
}

/* What a rename replaced, or 0. A directory that is replaced is empty, so it had a marker. */
static uint64_t replaced_id(const struct kv_change *change, const struct note *note)
{
	const struct kv_event *event = event_of(change, KV_EVENT_PUT, note->to);
	if (event == NULL && announce_is_directory(note->to))
		event = event_of(change, KV_EVENT_DELETE, note->to);
	if (event == NULL)
		return 0;
	if (event->type == KV_EVENT_DELETE)
		return event->record.id;
	return event->has_prev && event->prev.id != event->record.id ? event->prev.id : 0;
}

/* The object is the one that is at `to` now. */
static void announce_move(const struct kv_change *change, const struct note *note, struct announcements *announcements)
{
	bool exchanges = note->kind == NOTE_EXCHANGE;
	announce(announcements, (struct announcement){
	                            .kind = exchanges ? HELPER_EXCHANGE : HELPER_RENAME,
	                            .key = note->path,
	                            .to = note->to,
	                            .record_id = record_id_of(event_of(change, KV_EVENT_PUT, note->to)),
	                            .other_id = exchanges ? record_id_of(event_of(change, KV_EVENT_PUT, note->path))
	                                                  : replaced_id(change, note),
	                        });
}

static void announce_simple(const struct kv_change *change, const struct note *note, enum helper_kind kind,
                            struct announcements *announcements)
{
	enum kv_event_type type = kind == HELPER_REMOVE ? KV_EVENT_DELETE : KV_EVENT_PUT;
	announce(announcements, (struct announcement){
	                            .kind = kind,
	                            .key = note->path,
	                            .record_id = record_id_of(event_of(change, type, note->path)),
	                        });
}

static void announce_note(const struct kv_change *change, const struct note *note, struct announcements *announcements)
{
	const struct kv_event *put = event_of(change, KV_EVENT_PUT, note->path);
	switch (note->kind) {
	case NOTE_CREATE:
	case NOTE_WRITE:
	case NOTE_APPEND:
		if (put != NULL)
			announce_file(change, put, HELPER_CONTENT, announcements);
		break;
	case NOTE_TRUNCATE:
		if (put != NULL)
			announce_file(change, put, HELPER_TRUNCATE, announcements);
		break;
	case NOTE_UNLINK:
	case NOTE_RMDIR:
		announce_simple(change, note, HELPER_REMOVE, announcements);
		break;
	case NOTE_MKDIR:
	case NOTE_SYMLINK:
	case NOTE_MKNOD:
	case NOTE_CREATE_OPEN: /* it is not closed yet: that is told with its content */
		announce_simple(change, note, HELPER_MAKE, announcements);
		break;
	case NOTE_ATTR:
		announce_simple(change, note, HELPER_ATTR, announcements);
		break;
	case NOTE_RENAME:
	case NOTE_EXCHANGE:
		announce_move(change, note, announcements);
		break;
	}
}

/* ---- by its events ---- */

/* Directories that were asked for last: keys of a change mostly share theirs. */
struct looker {
	const struct announce_world *world;
	struct bytes vanished; /* this one, and all above it that ended, is found already */
	struct bytes prefix;
	bool there;
	struct kv_directory directory;
};

static bool directory_look(struct looker *looker, struct bytes prefix, struct kv_directory *ret_directory)
{
	if (!bytes_equal(looker->prefix, prefix)) {
		looker->prefix = prefix;
		looker->there = looker->world->directory(looker->world->argument, prefix, &looker->directory);
	}
	if (looker->there)
		*ret_directory = looker->directory;
	return looker->there;
}

static bool is_root(const struct announce_world *world, struct bytes prefix)
{
	return prefix.size <= world->root.size;
}

/* The topmost directory above the key, or the key's own, that this change made; none: BYTES_NONE. */
static struct bytes new_directory(struct looker *looker, const struct kv_change *change, struct bytes key)
{
	struct bytes found = BYTES_NONE;
	struct bytes prefix = announce_is_directory(key) ? key : announce_parent(key);
	struct kv_directory directory;
	while (!is_root(looker->world, prefix) && directory_look(looker, prefix, &directory) &&
	       directory.create_revision == change->revision) {
		found = prefix;
		prefix = announce_parent(prefix);
	}
	return found;
}

static bool is_announced(const struct announcements *announcements, struct bytes key)
{
	if (announcements->count == 0)
		return false; /* the keys of one new directory stand together: the last one tells */
	const struct announcement *last = &announcements->list[announcements->count - 1];
	return last->kind == HELPER_MAKE && bytes_equal(last->key, key);
}

/* A file, link or pipe that somebody put who says nothing of what he meant. */
static void announce_put_file(const struct kv_change *change, const struct kv_event *event,
                              struct announcements *announcements)
{
	const struct kv_record *record = &event->record;
	struct attr attr;
	bool is_other = event->has_prev && event->prev.id != record->id;
	bool is_new = is_other || record->create_revision == change->revision;
	bool is_file = attr_of_file(record, &attr) != ERR_OK || S_ISREG(attr.mode);
	if (is_other) /* as if the old one had been removed first */
		announce(announcements,
		         (struct announcement){.kind = HELPER_REMOVE, .key = record->key, .record_id = event->prev.id});
	if (is_new && !is_file)
		announce(announcements,
		         (struct announcement){.kind = HELPER_MAKE, .key = record->key, .record_id = record->id});
	else if (!is_new && bytes_equal(event->prev.value, record->value) &&
	         !bytes_equal(event->prev.attr, record->attr))
		announce(announcements,
		         (struct announcement){.kind = HELPER_ATTR, .key = record->key, .record_id = record->id});
	else
		announce_file(change, event, HELPER_CONTENT, announcements);
}

static void announce_put(struct looker *looker, const struct kv_change *change, const struct kv_event *event,
                         struct announcements *announcements)
{
	const struct kv_record *record = &event->record;
	bool is_new = record->create_revision == change->revision;
	struct bytes made = is_new ? new_directory(looker, change, record->key) : BYTES_NONE;
	if (made.size != 0) {
		if (!is_announced(announcements, made))
			announce(announcements, (struct announcement){.kind = HELPER_MAKE, .key = made});
		return;
	}
	if (!announce_is_directory(record->key)) {
		announce_put_file(change, event, announcements);
		return;
	}
	/* The marker of a directory that is there anyway says something only when it changes its attributes. */
	if (!bytes_equal(record->attr, event->has_prev ? event->prev.attr : BYTES_NONE))
		announce(announcements, (struct announcement){.kind = HELPER_ATTR, .key = record->key});
}

static int deeper_first(const void *left, const void *right)
{
	const struct announcement *a = left, *b = right;
	if (a->key.size != b->key.size)
		return a->key.size > b->key.size ? -1 : 1;
	return bytes_compare(a->key, b->key);
}

/* What a deleted key took with it, into `vanished`; one may come more than once. */
static void find_vanished(struct looker *looker, struct bytes key, struct announcements *vanished)
{
	struct bytes prefix = announce_is_directory(key) ? key : announce_parent(key);
	if (bytes_equal(prefix, looker->vanished))
		return;
	struct kv_directory directory;
	if (!is_root(looker->world, prefix) && !directory_look(looker, prefix, &directory))
		looker->vanished = prefix;
	while (!is_root(looker->world, prefix) && !directory_look(looker, prefix, &directory)) {
		announce(vanished, (struct announcement){.kind = HELPER_REMOVE, .key = prefix});
		prefix = announce_parent(prefix);
	}
}

static void announce_vanished(struct announcements *vanished, struct announcements *announcements)
{
	if (vanished->count == 0)
		return;
	qsort(vanished->list, vanished->count, sizeof *vanished->list, deeper_first);
	for (size_t at = 0; at < vanished->count; at++)
		if (at == 0 || !bytes_equal(vanished->list[at - 1].key, vanished->list[at].key))
			announce(announcements, vanished->list[at]);
}

static bool is_below_root(const struct announce_world *world, const struct kv_event *event)
{
	return event->record.key.size > world->root.size && bytes_have_prefix(event->record.key, world->root);
}

/* First what goes, for what comes may take its name. */
static void announce_events(const struct announce_world *world, const struct kv_change *change,
                            struct announcements *announcements)
{
	struct looker looker = {.world = world};
	struct announcements vanished = {.arena = announcements->arena};
	for (size_t at = 0; at < change->event_count; at++) {
		const struct kv_event *event = &change->events[at];
		if (event->type == KV_EVENT_PUT || !is_below_root(world, event))
			continue;
		if (!announce_is_directory(event->record.key))
			announce(announcements, (struct announcement){.kind = HELPER_REMOVE,
			                                              .key = event->record.key,
			                                              .record_id = event->record.id});
		find_vanished(&looker, event->record.key, &vanished);
	}
	announce_vanished(&vanished, announcements);
	for (size_t at = 0; at < change->event_count; at++)
		if (change->events[at].type == KV_EVENT_PUT && is_below_root(world, &change->events[at]))
			announce_put(&looker, change, &change->events[at], announcements);
}

void announce_change(const struct announce_world *world, const struct kv_change *change, const struct note *note,
                     struct announcements *announcements)
{
	check(announce_is_directory(world->root));
	/* A mount with another root may have moved it over the edge of this one. */
	if (note != NULL && bytes_have_prefix(note->path, world->root) &&
	    (note->to.size == 0 || bytes_have_prefix(note->to, world->root)))
		announce_note(change, note, announcements);
	else
		announce_events(world, change, announcements);
}
