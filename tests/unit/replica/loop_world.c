/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/replica/loop_world.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/proto.h"
#include "tests/unit/unit.h"

static enum err world_send(void *argument, uint64_t to, struct bytes frame)
{
	struct world *world = argument;
	struct bytes body = BYTES_NONE;
	size_t size = 0;
	Peer__Envelope *envelope = NULL;
	if (world->send_err != ERR_OK)
		return world->send_err;
	assert_int_equal(frame_split(arena_dup(&world->arena, frame), &body, &size), ERR_OK);
	assert_int_equal(frame_unpack(body, &world->arena, &envelope), ERR_OK);
	assert_int_equal(envelope->to, to);
	assert_int_equal(envelope->from, SELF);
	assert_int_equal(envelope->cluster, CLUSTER);
	assert_in_range(world->frame_count, 0, FRAMES_MAX - 1);
	world->frames[world->frame_count++] = envelope;
	return ERR_OK;
}

static void world_write(void *argument, struct write_job *job)
{
	struct world *world = argument;
	STAILQ_INSERT_TAIL(&world->writes, job, next);
}

static void world_apply(void *argument, struct apply_job *job)
{
	struct world *world = argument;
	STAILQ_INSERT_TAIL(&world->applies, job, next);
}

static void world_snapshot_fetch(void *argument, uint64_t from, uint64_t index, uint64_t term)
{
	struct world *world = argument;
	world->fetches++;
	world->fetch_index = index;
}

static void world_config_changed(void *argument, const struct raft_config *config)
{
}

static enum err world_members(void *argument, struct arena *arena, struct kv_member_list *ret_members,
                              struct kv_member_list *ret_removed)
{
	struct world *world = argument;
	*ret_members = world->members;
	if (ret_removed != NULL)
		*ret_removed = (struct kv_member_list){0};
	return ERR_OK;
}

static enum err world_leases(void *argument, int64_t after, size_t max, struct arena *arena,
                             struct kv_lease_list *ret_list)
{
	struct world *world = argument;
	size_t from = 0;
	while (from < world->leases.count && world->leases.leases[from].id <= after)
		from++;
	size_t left = world->leases.count - from;
	*ret_list = (struct kv_lease_list){.leases = world->leases.leases + from, .count = left < max ? left : max};
	return ERR_OK;
}

void world_init_promised(struct world *world, size_t voters, uint32_t promised_ms)
{
	log_level_set(LOG_ERROR_LEVEL);
	*world = (struct world){.now_ms = 5000};
	arena_init(&world->arena);
	STAILQ_INIT(&world->writes);
	STAILQ_INIT(&world->applies);
	world->pending = pending_new(SELF);
	world->barriers = barriers_new();
	pending_session_opened(world->pending, 77);
	struct raft_config config;
	raft_config_init(&config);
	for (uint64_t id = 1; id <= voters; id++)
		assert_int_equal(raft_config_set(&config, (struct raft_member){.id = id, .voter = true}), ERR_OK);
	AUTO_BUFFER struct buffer payload;
	buffer_init(&payload, 1 << 16);
	raft_config_encode(&config, &payload);
	raft_config_fini(&config);
	struct raft_start start = {.now_ms = world->now_ms,
	                           .term = promised_ms != 0,
	                           .promised_ms = promised_ms,
	                           .config_payload = buffer_bytes(&payload)};
	struct raft_options raft = {.id = SELF,
	                            .seed = 1,
	                            .heartbeat_interval_ms = HEARTBEAT_MS,
	                            .election_timeout_ms = TIMEOUT_MS,
	                            .leases = true,
	                            .inflight_messages_max = 8,
	                            .inflight_bytes_max = 1 << 20,
	                            .append_bytes_max = 1 << 16,
	                            .uncommitted_bytes_max = 1 << 20,
	                            .unapplied_bytes_max = UNAPPLIED_BYTES};
	struct loop_options options = {.cluster = CLUSTER,
	                               .member = SELF,
	                               .raft = &raft,
	                               .start = &start,
	                               .pending = world->pending,
	                               .barriers = world->barriers,
	                               .shown = &world->shown,
	                               .world = {.argument = world,
	                                         .send = world_send,
	                                         .write = world_write,
	                                         .apply = world_apply,
	                                         .snapshot_fetch = world_snapshot_fetch,
	                                         .config_changed = world_config_changed,
	                                         .members = world_members,
	                                         .leases = world_leases}};
	assert_int_equal(loop_new(&options, &world->loop), ERR_OK);
}

void world_init(struct world *world, size_t voters)
{
	world_init_promised(world, voters, 0);
}

void world_fini(struct world *world)
{
	struct write_job *write;
	struct apply_job *apply;
	while ((write = STAILQ_FIRST(&world->writes)) != NULL) {
		STAILQ_REMOVE_HEAD(&world->writes, next);
		write_job_free(write);
	}
	while ((apply = STAILQ_FIRST(&world->applies)) != NULL) {
		STAILQ_REMOVE_HEAD(&world->applies, next);
		apply_job_free(apply);
	}
	pending_stop(world->pending);
	barriers_stop(world->barriers, ERR_STOPPED);
	loop_stop(world->loop);
	loop_free(world->loop);
	pending_free(world->pending);
	barriers_free(world->barriers);
	arena_fini(&world->arena);
}

void world_forget(struct world *world)
{
	world->frame_count = 0;
}

void world_run(struct world *world, uint64_t ms)
{
	world->now_ms += ms;
	loop_now(world->loop, world->now_ms * CLOCK_NS_PER_MS, 1);
	loop_finish(world->loop);
}

void world_hear(struct world *world, Peer__Raft raft)
{
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	envelope.from = LEADER;
	envelope.to = SELF;
	envelope.body_case = PEER__ENVELOPE__BODY_RAFT;
	envelope.raft = &raft;
	loop_now(world->loop, world->now_ms * CLOCK_NS_PER_MS, 1);
	loop_message(world->loop, &envelope);
	loop_finish(world->loop);
}

void world_sync(struct world *world)
{
	struct write_job *job;
	while ((job = STAILQ_FIRST(&world->writes)) != NULL) {
		uint64_t write_id = job->write_id;
		STAILQ_REMOVE_HEAD(&world->writes, next);
		write_job_free(job);
		if (write_id != 0)
			loop_written(world->loop, write_id);
	}
	loop_finish(world->loop);
}

const struct write_job *world_last_write(const struct world *world)
{
	const struct write_job *job, *last = NULL;
	STAILQ_FOREACH(job, &world->writes, next)
	last = job;
	assert_non_null(last);
	return last;
}

const Peer__Raft *world_sent(const struct world *world, enum raft_message_type type)
{
	for (size_t i = 0; i < world->frame_count; i++)
		if (world->frames[i]->body_case == PEER__ENVELOPE__BODY_RAFT && world->frames[i]->raft->type == type)
			return world->frames[i]->raft;
	return NULL;
}

Peer__Raft raft_of(enum raft_message_type type, uint64_t term)
{
	Peer__Raft raft = PEER__RAFT__INIT;
	raft.type = type;
	raft.term = term;
	return raft;
}

void world_append_first(struct world *world, uint64_t commit)
{
	Peer__Entry entry = PEER__ENTRY__INIT, *entries[1] = {&entry};
	Peer__Raft append = raft_of(RAFT_APPEND, 1);
	entry.term = 1;
	entry.kind = RAFT_ENTRY_COMMAND;
	entry.time_ns = 1234;
	entry.payload = proto_data(BYTES_LITERAL("command"));
	append.commit = commit;
	append.n_entries = 1;
	append.entries = entries;
	world_hear(world, append);
}

void world_settle(struct world *world)
{
	while (!STAILQ_EMPTY(&world->writes) || !STAILQ_EMPTY(&world->applies)) {
		struct apply_job *job;
		world_sync(world);
		while ((job = STAILQ_FIRST(&world->applies)) != NULL) {
			uint64_t last = job->last;
			STAILQ_REMOVE_HEAD(&world->applies, next);
			apply_job_free(job);
			loop_applied(world->loop, last);
		}
		loop_finish(world->loop);
	}
}

void world_acknowledge(struct world *world, uint64_t from)
{
	struct raft_status status;
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__Raft raft = raft_of(RAFT_APPEND_REPLY, atomic_load(&world->shown.term));
	raft_status(loop_core(world->loop), &status);
	raft.index = status.last_index;
	envelope.from = from;
	envelope.to = SELF;
	envelope.body_case = PEER__ENVELOPE__BODY_RAFT;
	envelope.raft = &raft;
	loop_now(world->loop, world->now_ms * CLOCK_NS_PER_MS, 1);
	loop_message(world->loop, &envelope);
	loop_finish(world->loop);
}

void world_lead(struct world *world, size_t voters)
{
	world_run(world, 3 * TIMEOUT_MS);
	Peer__Raft granted = raft_of(RAFT_PRE_VOTE_REPLY, 1);
	if (voters > 1)
		world_hear(world, granted);
	world_sync(world);
	granted.type = RAFT_VOTE_REPLY;
	if (voters > 1)
		world_hear(world, granted);
	world_settle(world);
	for (int i = 0; i < 2 * TIMEOUT_MS / HEARTBEAT_MS; i++) {
		for (uint64_t id = 2; id <= voters; id++)
			world_acknowledge(world, id);
		world_settle(world);
		world_run(world, HEARTBEAT_MS);
	}
	assert_int_equal(atomic_load(&world->shown.role), RAFT_LEADER);
	world_forget(world);
}
