/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/wait.h"
#include "fs/entry.h"
#include "fs/handle.h"
#include "fs/warden.h"
#include "fs/mountpoint.h"
#include "fs/session.h"
#include "fs/stage.h"

enum {
	FS_ID_SESSION_BITS = 31, /* of an id: KV_ID_OWN, the session, a counter */
};

/* ---- what everybody here uses ---- */

struct kv_view *fs_view(struct fs *fs)
{
	struct kv_view *view = kv_view_open(fs->kv);
	node_table_wait(fs->nodes, kv_view_revision(view));
	return view;
}

int64_t fs_now_ns(struct fs *fs)
{
	int64_t wall_ns = clock_wall_ns(), seen_ns = atomic_load(&fs->newest_time_ns);
	return wall_ns > seen_ns ? wall_ns : seen_ns + 1;
}

uint64_t fs_new_id(struct fs *fs)
{
	uint64_t session = replica_session(fs->replica) & ((UINT64_C(1) << FS_ID_SESSION_BITS) - 1);
	uint64_t counter = atomic_fetch_add(&fs->ids_given, 1) & UINT32_MAX;
	return session == 0 ? 0 : KV_ID_OWN | session << 32 | counter;
}

bool fs_is_local(const struct fs *fs)
{
	return fs->options.reads == FS_READS_LOCAL;
}

static enum verdict fs_root(struct kv_view *view, struct bytes key, struct arena *arena, struct object *ret_object)
{
	struct object object = {.key = key, .is_directory = true, .is_root = true};
	enum err err = object_read(view, key, arena, &object);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return VERDICT_UNREADABLE;
	object.is_root = true;
	*ret_object = object;
	return VERDICT_GO;
}

enum verdict fs_object(struct fs *fs, struct kv_view *view, struct node *node, struct arena *arena,
                       struct object *ret_object)
{
	struct bytes key;
	int64_t revision;
	struct object object;
	enum err err = node_key(fs->nodes, node, arena, &key, &revision);
	if (err != ERR_OK)
		return err == ERR_CONFLICT ? VERDICT_AGAIN : VERDICT_STALE;
	if (node_id(node) == NODE_ID_ROOT)
		return fs_root(view, key, arena, ret_object);
	err = object_read(view, key, arena, &object);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return VERDICT_UNREADABLE;
	if (err == ERR_OK && object_id(&object) == node_record_id(fs->nodes, node)) {
		*ret_object = object;
		return VERDICT_GO;
	}
	return revision > kv_view_revision(view) ? VERDICT_AGAIN : VERDICT_STALE;
}

/* ---- following the store, on the apply role ---- */

static void fs_leaving(void *argument, struct node *node, const struct kv_record *prev)
{
	stage_orphan(stage_of(argument, node), prev);
}

static bool fs_is_own(struct fs *fs, const struct note *note)
{
	return note && note->mount == fs->nonce && own_claim(&fs->own, note->op);
}

static void fs_changed(void *argument, const struct kv_change *change)
{
	struct fs *fs = argument;
	struct note decoded;
	/* What cannot be read is replayed as its events say. */
	bool has = change->note.size != 0 && note_decode(change->note, &decoded) == ERR_OK;
	const struct note *note = has ? &decoded : NULL;
	if (change->time_ns > atomic_load(&fs->newest_time_ns))
		atomic_store(&fs->newest_time_ns, change->time_ns);
	replay_changing(fs->replay, change, note, fs_is_own(fs, note) ? REPLAY_OWN : REPLAY_REMOTE);
	node_follow(fs->nodes, change, note, fs_leaving, fs);
	replay_changed(fs->replay);
	if (!node_has_suspects(fs->nodes))
		return;
	struct kv_view *view = kv_view_open(fs->kv);
	node_follow_directories(fs->nodes, view);
	kv_view_close(view);
}

static void fs_replaced(void *argument, int64_t revision)
{
	struct fs *fs = argument;
	struct kv_view *view = kv_view_open(fs->kv);
	node_follow_replaced(fs->nodes, view);
	kv_view_close(view);
	replay_replaced(fs->replay);
}

/* ---- what the replay asks ---- */

static enum err fs_err(enum verdict verdict)
{
	return verdict == VERDICT_GO ? ERR_OK : ERR_NOT_FOUND;
}

static enum err fs_attributes(void *argument, struct node *node, struct stat *ret_stat)
{
	struct fs *fs = argument;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	return fs_err(entry_stat_now(fs, node, &arena, ret_stat));
}

static enum err fs_child(void *argument, struct node *parent, const char *name, struct node **ret_node)
{
	struct fs *fs = argument;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct call_found found;
	enum verdict verdict = VERDICT_AGAIN;
	for (int i = 0; i < CALL_LOOKS_MAX && verdict == VERDICT_AGAIN; i++) {
		struct kv_view *view = fs_view(fs);
		verdict = entry_find(fs, view, parent, name, &arena, &found);
		kv_view_close(view);
	}
	if (verdict == VERDICT_GO)
		*ret_node = found.node;
	return fs_err(verdict);
}

/* ---- life ---- */

static struct fs *fs_new(const struct fs_options *options, struct replica *replica)
{
	struct fs *fs = memory_new(sizeof *fs);
	fs->options = *options;
	fs->options.mount_point = memory_dup_string(options->mount_point);
	fs->options.root_key = memory_dup_string(options->root_key ? options->root_key : "");
	fs->options.version = memory_dup_string(options->version ? options->version : "");
	fs->replica = replica;
	fs->kv = replica_kv(replica);
	fs->nonce = random_from_system();
	fs->owner_uid = geteuid();
	fs->owner_gid = getegid();
	fs->started_ns = clock_wall_ns();
	pthread_mutex_init(&fs->workers_mutex, NULL);
	wait_cond_init(&fs->worker_left);
	pthread_mutex_init(&fs->handles_mutex, NULL);
	LIST_INIT(&fs->handles);
	own_init(&fs->own);
	fs->nodes = node_table_new(fs->options.root_key, stage_free);
	fs->history = history_table_new();
	fs->warden = warden_new(fs);
	struct replay_options replay = {
	    .mount_point = fs->options.mount_point,
	    .root_key = fs->options.root_key,
	    .kv = fs->kv,
	    .reads = options->reads,
	    .nodes = fs->nodes,
	    .attributes = fs_attributes,
	    .child = fs_child,
	    .argument = fs,
	};
	fs->replay = replay_new(&replay);
	return fs;
}

enum err fs_mount_point_prepare(const char *mount_point)
{
	return mountpoint_prepare(mount_point);
}

enum err fs_open(const struct fs_options *options, struct replica *replica, struct fs **ret_fs)
{
	enum err err = mountpoint_prepare(options->mount_point);
	if (err == ERR_OK)
		err = mountpoint_protect(options->mount_point);
	if (err != ERR_OK)
		return err;
	struct fs *fs = fs_new(options, replica);
	struct kv_view *view = kv_view_open(fs->kv);
	node_table_start(fs->nodes, kv_view_revision(view));
	kv_view_close(view);
	struct kv_observer observer = {.changed = fs_changed, .replaced = fs_replaced, .argument = fs};
	replica_observe(replica, &observer);
	*ret_fs = fs;
	return ERR_OK;
}

enum err fs_start(struct fs *fs)
{
	enum err err = session_mount(fs);
	if (err == ERR_OK)
		err = warden_start(fs->warden);
	if (err == ERR_OK)
		err = session_serve(fs);
	if (err == ERR_OK)
		err = replay_start(fs->replay);
	if (err == ERR_OK)
		log_info("mounted", "mount=%s reads=%s", fs->options.mount_point,
		         fs_is_local(fs) ? "local" : "linearizable");
	return err;
}

bool fs_is_gone(struct fs *fs)
{
	return atomic_load(&fs->gone);
}

/* Without the helper's hold, and with everything committed that can be, the mount is let go. */
void fs_stop(struct fs *fs)
{
	uint64_t until_ns = clock_steady_ns() + fs->options.write_timeout_ms * CLOCK_NS_PER_MS;
	warden_commit_all(fs->warden);
	warden_wait(fs->warden, until_ns);
	replay_stop(fs->replay);
	session_unmount(fs);
	warden_commit_all(fs->warden); /* what was written while it was being unmounted */
	warden_stop(fs->warden);
	log_info("unmounted", "mount=%s by=us", fs->options.mount_point);
}

void fs_close(struct fs *fs)
{
	if (!fs)
		return;
	/* The replica has answered everything that waited for it. */
	check(atomic_load(&fs->calls) == 0);
	session_free(fs);
	handle_free_all(fs);
	mountpoint_release(fs->options.mount_point);
	warden_free(fs->warden);
	replay_free(fs->replay);
	node_table_free(fs->nodes);
	history_table_free(fs->history);
	own_fini(&fs->own);
	pthread_cond_destroy(&fs->worker_left);
	pthread_mutex_destroy(&fs->workers_mutex);
	pthread_mutex_destroy(&fs->handles_mutex);
	free((void *)fs->options.mount_point);
	free((void *)fs->options.root_key);
	free((void *)fs->options.version);
	free(fs);
}
