/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done some times a second, beside the roles: the status goes out, silent connections are given up, the state is flushed and
 * the log trimmed, the peers' addresses are followed, checksums compared, and this member's own entry in the state kept right.
 */
#include "replica/node.h"

#include <inttypes.h>

#include "base/bug.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

enum {
	KEEPER_PERIOD_MS = 250,
	KEEPER_STATUS_MS = 1000, /* a status at the latest; sooner when there is something new to say */
	KEEPER_ERRAND_MS = 10000,
	KEEPER_ALIVE_MS = 10000, /* a member heard since is one that the log is kept for */
	/* A restart replays what was not flushed: a second's work or two. */
	KEEPER_FLUSH_ENTRIES = 50000,
	KEEPER_FLUSH_MS = 60000,
	/* The log kept for members that are away for some minutes, and its ceilings on disk: above the first it is kept only
	 * for members that are alive, above the second for nobody. */
	KEEPER_CATCHUP_ENTRIES = 100000,
	KEEPER_LOG_BYTES = 256 << 20,
	KEEPER_LOG_BYTES_MAX = 1 << 30,
	/* The only member keeps no more than what saves a trim in each round: a start reads all that is kept. */
	KEEPER_ALONE_ENTRIES = 100,
};

/* ---- flush and trim ---- */

static void keeper_flush(struct replica *replica, uint64_t now_ns)
{
	uint64_t applied = store_applied(replica->store), flushed = store_flushed(replica->store);
	if (applied == flushed)
		return;
	uint64_t entries = replica->options.snapshot_catchup_entries != 0 ? replica->options.snapshot_catchup_entries
	                                                                  : KEEPER_FLUSH_ENTRIES;
	bool many = applied - flushed >= entries && applied - replica->flush_asked_index >= entries;
	bool long_ago = now_ns - replica->flush_asked_ns >= KEEPER_FLUSH_MS * CLOCK_NS_PER_MS;
	if (!many && !long_ago)
		return;
	replica->flush_asked_ns = now_ns;
	replica->flush_asked_index = applied;
	store_flush(replica->store);
}

/* The lowest index that a live member still lacks, less one. */
static uint64_t keeper_slowest(struct replica *replica, uint64_t now_ns, struct arena *arena)
{
	struct report *reports = NULL;
	uint64_t slowest = store_applied(replica->store);
	size_t count = reports_all(replica->reports, arena, &reports);
	for (size_t i = 0; i < count; i++) {
		bool alive = now_ns - reports[i].heard_ns < KEEPER_ALIVE_MS * CLOCK_NS_PER_MS;
		if (alive && reports[i].last_index < slowest)
			slowest = reports[i].last_index;
	}
	return slowest;
}

static uint64_t keeper_kept_entries(struct replica *replica, struct arena *arena)
{
	uint64_t *members = NULL, keep = replica->options.snapshot_catchup_entries;
	if (keep == 0)
		keep = KEEPER_CATCHUP_ENTRIES;
	bool alone = node_members(replica, arena, &members) == 1 && members[0] == replica->identity.member;
	return alone && keep > KEEPER_ALONE_ENTRIES ? KEEPER_ALONE_ENTRIES : keep;
}

static void keeper_trim(struct replica *replica, uint64_t now_ns, struct arena *arena)
{
	uint64_t keep = keeper_kept_entries(replica, arena);
	uint64_t first = atomic_load(&replica->shown.first_index), log_bytes = raftlog_disk_bytes(replica->log);
	uint64_t to = HAS_BUG(TRIM_BEYOND_FLUSHED) ? store_applied(replica->store) : store_flushed(replica->store);
	uint64_t slowest = keeper_slowest(replica, now_ns, arena);
	uint64_t tail = slowest > keep ? slowest - keep : 0;
	if (log_bytes > KEEPER_LOG_BYTES || HAS_BUG(TRIM_BEYOND_FLUSHED))
		tail = slowest;
	if (log_bytes <= KEEPER_LOG_BYTES_MAX && tail < to)
		to = tail;
	/* In steps: a trim is a step of the core and a wake-up of the log. */
	if (to < first || to - first + 1 < keep / 16 + 1)
		return;
	struct letter *letter = letter_new(LETTER_TRIM);
	letter->index = to;
	node_post(replica, letter);
}

/* ---- promises ---- */

/* The start kept to what it had promised under a longer election timeout; that is over now. */
static void keeper_end_promise(struct replica *replica, uint64_t now_ns)
{
	uint32_t now_ms = replica->options.election_timeout_ms;
	if (replica->identity.promised_ms == now_ms ||
	    now_ns < replica->opened_ns + replica->identity.promised_ms * CLOCK_NS_PER_MS)
		return;
	replica->identity.promised_ms = now_ms;
	enum err err = identity_save(replica->options.data_directory, &replica->identity);
	(void)err; /* logged; the next start then only waits longer than it must */
}

/* ---- members ---- */

/* This member's URL by its initial cluster; NULL: it is not in it. */
static const char *keeper_initial_url(const struct replica *replica)
{
	for (size_t i = 0; i < replica->options.initial_count; i++)
		if (strcmp(replica->options.initial_cluster[i].name, replica->options.name) == 0)
			return replica->options.initial_cluster[i].url;
	return NULL;
}

static void keeper_peer(struct replica *replica, const struct kv_member *member)
{
	if (member->id == replica->identity.member)
		return;
	AUTO_FREE char *url = memory_dup_string(member->peer_urls);
	const char *name = member->name != NULL ? member->name : "";
	url[strcspn(url, ",")] = 0;
	/* Who has this member's own URL is the one whose place it takes, on the same machine. */
	const char *own = keeper_initial_url(replica);
	bool elsewhere = url[0] != 0 && (own == NULL || strcmp(url, own) != 0);
	enum err err = elsewhere ? transport_peer(replica->transport, member->id, name, url) : ERR_OK;
	(void)err; /* logged there, when the address is new */
}

static void keeper_list_put(struct kv_member_list *list, const struct kv_member *member)
{
	size_t at = 0;
	while (at < list->count && list->members[at].id != member->id)
		at++;
	list->members[at] = *member;
	list->count += at == list->count;
}

/* The list, as it will be when all is applied of which the start's log speaks. */
static struct kv_member_list keeper_with_log(const struct replica *replica, const struct kv_member_list *list,
                                             uint64_t index, struct arena *arena)
{
	const struct kv_member_list *newer = &replica->log_members;
	if (index >= replica->log_members_index)
		return *list;
	struct kv_member_list both = {.members = arena_zero(arena, list->count + newer->count, sizeof *both.members)};
	for (size_t i = 0; i < list->count; i++)
		keeper_list_put(&both, &list->members[i]);
	for (size_t i = 0; i < newer->count; i++)
		keeper_list_put(&both, &newer->members[i]);
	return both;
}

static bool keeper_list_has(const struct kv_member_list *list, uint64_t id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->members[i].id == id)
			return true;
	return false;
}

/* A joiner's state knows the members of old until it knows the joiner: till then, who let it in has told who is there. */
void node_peers_refresh(struct replica *replica)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_member_list list = {0}, contacts = {.members = replica->identity.contacts,
	                                              .count = replica->identity.contact_count};
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	uint64_t index = kv_view_index(view);
	enum err err = kv_members(view, &arena, &list);
	kv_view_close(view);
	if (err != ERR_OK)
		return; /* logged */
	bool known = keeper_list_has(&list, replica->identity.member);
	list = keeper_with_log(replica, known || contacts.count == 0 ? &list : &contacts, index, &arena);
	for (size_t i = 0; i < list.count; i++)
		keeper_peer(replica, &list.members[i]);
	node_forget_removed(replica, &list);
}

static void errand_done(void *argument, enum err err, struct kv_result *result)
{
	struct errand *errand = argument;
	(void)err;
	kv_result_free(result);
	atomic_store(&errand->under_way, false);
}

void node_errand(struct replica *replica, struct errand *errand, const struct kv_command *command)
{
	uint64_t deadline_ns = clock_steady_ns() + KEEPER_ERRAND_MS * CLOCK_NS_PER_MS;
	if (pending_session(replica->pending) == 0 || atomic_exchange(&errand->under_way, true))
		return;
	if (pending_add(replica->pending, command, deadline_ns, errand_done, errand) != ERR_OK)
		atomic_store(&errand->under_way, false);
	else
		crew_want(replica->crew, CREW_RAFT);
}

static bool keeper_member_differs(const struct kv_member *one, const struct kv_member *other)
{
	return strcmp(one->name, other->name) != 0 || strcmp(one->peer_urls, other->peer_urls) != 0 ||
	       strcmp(one->client_urls, other->client_urls) != 0;
}

/* What it began with, or was let in with. */
static const char *keeper_first_url(const struct replica *replica)
{
	const struct identity *identity = &replica->identity;
	for (size_t i = 0; i < identity->member_count; i++)
		if (identity->members[i].id == identity->member)
			return identity->members[i].peer_urls;
	for (size_t i = 0; i < identity->contact_count; i++)
		if (identity->contacts[i].id == identity->member)
			return identity->contacts[i].peer_urls;
	return NULL;
}

/* Its URL as the state should have it: what the options say, unless that is what it began with; then somebody may have
 * given it another one since. */
static const char *keeper_own_urls(const struct replica *replica, const struct kv_member *known)
{
	const char *url = keeper_initial_url(replica), *first = keeper_first_url(replica);
	return url != NULL && (first == NULL || strcmp(url, first) != 0) ? url : known->peer_urls;
}

/* The name and addresses of this member, as the state should have them. */
static void keeper_publish(struct replica *replica, struct arena *arena)
{
	struct kv_command command = {.kind = KV_COMMAND_MEMBER};
	struct kv_member_list list = {0};
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	bool known = kv_members(view, arena, &list) == ERR_OK, differs = false;
	kv_view_close(view);
	for (size_t i = 0; known && i < list.count; i++) {
		if (list.members[i].id != replica->identity.member)
			continue;
		command.member = (struct kv_member){.id = replica->identity.member,
		                                    .name = replica->options.name,
		                                    .peer_urls = keeper_own_urls(replica, &list.members[i]),
		                                    .client_urls = replica->options.client_urls};
		differs = keeper_member_differs(&list.members[i], &command.member);
	}
	if (differs)
		node_errand(replica, &replica->publish, &command);
}

/* ---- history ---- */

static void keeper_compact(struct replica *replica, uint64_t now_ns)
{
	struct kv_command command = {.kind = KV_COMMAND_COMPACT};
	if (atomic_load(&replica->shown.leader) != replica->identity.member || atomic_load(&replica->differs))
		return;
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	command.compact.revision = compactor_target(&replica->compactor, view, now_ns, clock_wall_ns());
	kv_view_close(view);
	if (command.compact.revision != 0)
		node_errand(replica, &replica->compact, &command);
}

/* What was removed says nothing any more that counts. */
static void keeper_forget_reports(struct replica *replica, struct arena *arena)
{
	uint64_t *members = NULL;
	size_t count = node_members(replica, arena, &members);
	reports_keep(replica->reports, members, count);
}

/* ---- the state compared ---- */

static void keeper_compare(struct replica *replica, struct arena *arena)
{
	uint64_t index = 0, self = replica->identity.member;
	struct report_jury jury = node_jury(replica, arena);
	if (atomic_load(&replica->differs) || !reports_contradict(replica->reports, &jury, self, &index))
		return;
	log_error("state_differs",
	          "index=%" PRIu64 " path=%s remedy=\"this node has taken itself out of the cluster: stop it, keep the "
	          "directory for an inquiry, and replace this member\"",
	          index, replica->options.data_directory);
	atomic_store(&replica->differs, true);
	atomic_store(&replica->shown.lease_until_ms, 0);
	pending_stop(replica->pending);
	barriers_stop(replica->barriers, ERR_DAMAGED);
}

/* ---- the thread ---- */

static void keeper_report(struct replica *replica, uint64_t now_ns)
{
	uint64_t applied = store_applied(replica->store);
	int role = atomic_load(&replica->shown.role);
	bool due = now_ns - replica->reported_ns >= KEEPER_STATUS_MS * CLOCK_NS_PER_MS;
	if (!due && applied == replica->reported_applied && role == replica->reported_role)
		return;
	replica->reported_ns = now_ns;
	replica->reported_applied = applied;
	replica->reported_role = role;
	node_send_status(replica);
}

static void keeper_round(struct replica *replica)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	uint64_t now_ns = clock_steady_ns();
	keeper_report(replica, now_ns);
	keeper_forget_reports(replica, &arena);
	transport_review(replica->transport, now_ns);
	keeper_flush(replica, now_ns);
	keeper_trim(replica, now_ns, &arena);
	keeper_end_promise(replica, now_ns);
	node_standing_review(replica, now_ns);
	node_peers_refresh(replica);
	keeper_publish(replica, &arena);
	node_alarms_review(replica, &arena);
	keeper_compact(replica, now_ns);
	keeper_compare(replica, &arena);
}

static void *keeper_main(void *argument)
{
	struct replica *replica = argument;
	pthread_setname_np(pthread_self(), "etcfs-keeper");
	replica->flush_asked_ns = clock_steady_ns();
	for (;;) {
		/* Nobody posts there: it is the timer, and how the thread is stopped. */
		mailbox_drain(replica->keeper_bell, clock_steady_ns() + KEEPER_PERIOD_MS * CLOCK_NS_PER_MS);
		if (mailbox_is_stopped(replica->keeper_bell))
			return NULL;
		keeper_round(replica);
	}
}

void node_keeper_start(struct replica *replica)
{
	int failed = pthread_create(&replica->keeper, NULL, keeper_main, replica);
	check(failed == 0);
	replica->keeper_started = true;
}

void node_keeper_stop(struct replica *replica)
{
	if (!replica->keeper_started)
		return;
	mailbox_stop(replica->keeper_bell);
	pthread_join(replica->keeper, NULL);
	replica->keeper_started = false;
}
