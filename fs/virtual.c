/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/virtual.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/clock.h"
#include "fs/note.h"

enum {
	VIRTUAL_BYTES_MAX = 1 << 20,
	VIRTUAL_LOG_CHANGES_MAX = 256, /* the newest ones: `etcfs log` shows more */
	VIRTUAL_LOG_EVENTS_MAX = 16,   /* of one change */
};

struct virtual_page {
	struct replica *replica;
	const struct replay_counts *replay;
	struct arena *arena;
	struct replica_status status;
	struct buffer text;
};

/* What does not fit is left out: the page is for people. */
__attribute__((format(printf, 2, 3))) static void virtual_print(struct virtual_page *page, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	check(length >= 0);
	char *line = arena_take(page->arena, (size_t)length + 1);
	vsnprintf(line, (size_t)length + 1, format, again);
	va_end(again);
	enum err err = buffer_append(&page->text, bytes_of(line, (size_t)length));
	(void)err;
}

static const char *virtual_time(struct virtual_page *page, int64_t time_ns)
{
	if (time_ns <= 0)
		return "-";
	time_t seconds = time_ns / (int64_t)CLOCK_NS_PER_S;
	struct tm utc;
	char text[32];
	gmtime_r(&seconds, &utc);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
	return arena_format(page->arena, "%s.%03dZ", text, (int)(time_ns % (int64_t)CLOCK_NS_PER_S / 1000000));
}

static const char *virtual_member_name(const struct virtual_page *page, uint64_t id)
{
	for (size_t i = 0; i < page->status.member_count; i++)
		if (page->status.members[i].id == id && page->status.members[i].name[0] != '\0')
			return page->status.members[i].name;
	return id != 0 ? arena_format(page->arena, "%016" PRIx64, id) : "-";
}

static const char *virtual_health(const struct virtual_page *page)
{
	if (page->status.damaged)
		return "unhealthy: the log of this node is damaged";
	if (page->status.differs)
		return "unhealthy: the state of this node differs from the others'";
	if (page->status.leader_id == 0)
		return "unhealthy: no quorum: no leader is known";
	if (!page->status.has_quorum)
		return "unhealthy: no quorum: the leader is not heard, or does not hear a majority";
	for (size_t i = 0; i < page->status.alarms.count; i++)
		if (page->status.alarms.alarms[i].kind == KV_ALARM_NOSPACE)
			return "unhealthy: no space: what would grow is refused";
		else if (!page->status.alarms.alarms[i].by_itself)
			return "unhealthy: an alarm by hand stops all changes";
	return "healthy";
}

static void virtual_status(struct virtual_page *page)
{
	const struct replica_status *status = &page->status;
	virtual_print(page, "name       %s\n", status->name);
	virtual_print(page, "health     %s\n", virtual_health(page));
	virtual_print(page, "cluster    %016" PRIx64 "\n", status->cluster_id);
	virtual_print(page, "member     %016" PRIx64 "\n", status->member_id);
	virtual_print(page, "leader     %s\n", virtual_member_name(page, status->leader_id));
	virtual_print(page, "term       %" PRIu64 "\n", status->term);
	virtual_print(page, "commit     %" PRIu64 "\n", status->commit);
	virtual_print(page, "applied    %" PRIu64 "\n", status->applied);
	virtual_print(page, "revision   %" PRId64 "\n", status->revision);
	virtual_print(page, "compacted  %" PRId64 "\n", status->compacted);
	if (status->snapshot_busy)
		virtual_print(page, "snapshot   %" PRIu64 " of %" PRIu64 " bytes\n", status->snapshot_done_bytes,
		              status->snapshot_total_bytes);
}

static void virtual_members(struct virtual_page *page)
{
	virtual_print(page, "%-16s %-12s %-9s %-10s %-10s %-10s %-24s %s\n", "NAME", "ROLE", "TERM", "APPLIED",
	              "REVISION", "LAG", "UP SINCE", "PEER URLS");
	for (size_t i = 0; i < page->status.member_count; i++) {
		const struct replica_member_status *member = &page->status.members[i];
		virtual_print(page, "%-16s %-12s %-9" PRIu64 " %-10" PRIu64 " %-10" PRId64 " %-10" PRIu64 " %-24s %s\n",
		              member->name, member->role, member->term, member->applied, member->revision, member->lag,
		              virtual_time(page, member->started_ns), member->peer_urls);
	}
}

static void virtual_leader(struct virtual_page *page)
{
	if (page->status.leader_id != 0)
		virtual_print(page, "%s\n", virtual_member_name(page, page->status.leader_id));
}

static void virtual_revision(struct virtual_page *page)
{
	virtual_print(page, "%" PRId64 "\n", page->status.revision);
}

static void virtual_health_page(struct virtual_page *page)
{
	virtual_print(page, "%s\n", virtual_health(page));
}

static void virtual_metrics_of_replay(struct virtual_page *page)
{
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} metrics[] = {
	    {"queue", "gauge", "Changes that wait to be shown to watchers here", page->replay->waiting},
	    {"done_total", "counter", "Changes shown to watchers here", page->replay->replayed},
	    {"coalesced_total", "counter", "Changes told by the one before them that still waited",
	     page->replay->coalesced},
	    {"repeated_total", "counter", "Own changes shown again after a replayed one of the same name",
	     page->replay->repeated},
	    {"dropped_total", "counter", "Changes that found the queue full", page->replay->dropped},
	    {"failed_total", "counter", "Changes that could not be shown", page->replay->failed},
	    {"helper_starts_total", "counter", "Times that the helper was started", page->replay->helper_starts},
	};
	for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
		virtual_print(page,
		              "# HELP etcfs_replay_%s %s\n# TYPE etcfs_replay_%s %s\netcfs_replay_%s %" PRIu64 "\n",
		              metrics[i].name, metrics[i].help, metrics[i].name, metrics[i].type, metrics[i].name,
		              metrics[i].value);
}

static void virtual_metrics(struct virtual_page *page)
{
	enum err err = replica_metrics(page->replica, &page->text);
	if (err != ERR_OK)
		virtual_print(page, "# cut: %s\n", err_text(err));
	virtual_metrics_of_replay(page);
}

static const char *virtual_key(struct virtual_page *page, struct bytes key)
{
	char *text = arena_dup_string(page->arena, key);
	for (size_t i = 0; i < key.size; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	return text;
}

static void virtual_log_change(struct virtual_page *page, const struct kv_change *change)
{
	const char *head =
	    arena_format(page->arena, "%" PRId64 " %s %s", change->revision, virtual_time(page, change->time_ns),
	                 virtual_member_name(page, change->proposer));
	struct note note;
	if (note_decode(change->note, &note) == ERR_OK && (note.kind == NOTE_RENAME || note.kind == NOTE_EXCHANGE)) {
		virtual_print(page, "%s %s %s -> %s\n", head, note.kind == NOTE_RENAME ? "rename" : "exchange",
		              virtual_key(page, note.path), virtual_key(page, note.to));
		return;
	}
	for (size_t i = 0; i < change->event_count && i < VIRTUAL_LOG_EVENTS_MAX; i++)
		virtual_print(page, "%s %s %s\n", head, change->events[i].type == KV_EVENT_PUT ? "put" : "delete",
		              virtual_key(page, change->events[i].record.key));
	if (change->event_count > VIRTUAL_LOG_EVENTS_MAX)
		virtual_print(page, "%s and %zu more\n", head, change->event_count - VIRTUAL_LOG_EVENTS_MAX);
}

/* The newest changes, oldest of them first, as a log reads. */
static void virtual_log(struct virtual_page *page)
{
	struct kv_view *view = kv_view_open(replica_kv(page->replica));
	struct kv_change changes[VIRTUAL_LOG_CHANGES_MAX];
	size_t count = 0;
	int64_t revision = kv_view_revision(view);
	while (count < VIRTUAL_LOG_CHANGES_MAX &&
	       kv_change_until(view, revision, page->arena, &changes[count]) == ERR_OK)
		revision = changes[count++].revision - 1;
	while (count > 0)
		virtual_log_change(page, &changes[--count]);
	kv_view_close(view);
}

static const struct {
	const char *name;
	void (*render)(struct virtual_page *page);
} virtual_files[VIRTUAL_FILES] = {
    [VIRTUAL_STATUS] = {"status", virtual_status},
    [VIRTUAL_MEMBERS] = {"members", virtual_members},
    [VIRTUAL_LEADER] = {"leader", virtual_leader},
    [VIRTUAL_REVISION] = {"revision", virtual_revision},
    [VIRTUAL_HEALTH] = {"health", virtual_health_page},
    [VIRTUAL_METRICS] = {"metrics", virtual_metrics},
    [VIRTUAL_LOG] = {"log", virtual_log},
};

enum virtual_file virtual_find(struct bytes name)
{
	for (int file = VIRTUAL_NONE + 1; file < VIRTUAL_FILES; file++)
		if (bytes_equal(name, bytes_of_string(virtual_files[file].name)))
			return (enum virtual_file)file;
	return VIRTUAL_NONE;
}

const char *virtual_name(enum virtual_file file)
{
	check(file > VIRTUAL_NONE && file < VIRTUAL_FILES);
	return virtual_files[file].name;
}

struct bytes virtual_render(enum virtual_file file, const struct virtual_sources *sources, struct arena *arena)
{
	check(file > VIRTUAL_NONE && file < VIRTUAL_FILES);
	struct virtual_page page = {.replica = sources->replica, .replay = &sources->replay, .arena = arena};
	buffer_init(&page.text, VIRTUAL_BYTES_MAX);
	replica_status(sources->replica, arena, &page.status);
	virtual_files[file].render(&page);
	struct bytes content = arena_dup(arena, buffer_bytes(&page.text));
	buffer_fini(&page.text);
	return content;
}
