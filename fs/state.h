/* SPDX-License-Identifier: Apache-2.0 */
/* The mount as its own files see it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "fs/fs.h"
#include "fs/fuse.h"
#include "fs/history.h"
#include "fs/node.h"
#include "fs/object.h"
#include "fs/own.h"
#include "fs/replay.h"

struct warden;
struct handle;
LIST_HEAD(handle_list, handle);

enum { FS_WORKERS = 4 }; /* more only contend for /dev/fuse; none of them ever waits for the cluster */

struct fs {
	struct fs_options options; /* its strings are ours */
	struct replica *replica;
	struct kv *kv;
	struct node_table *nodes;
	struct history_table *history;
	struct replay *replay;
	struct own_table own;
	struct warden *warden;
	struct fuse_session *session;
	pthread_t workers[FS_WORKERS];
	size_t worker_count;
	pthread_mutex_t workers_mutex; /* protects workers_running; worker_left when one ended */
	pthread_cond_t worker_left;
	size_t workers_running;
	pthread_mutex_t handles_mutex; /* guards the list; a leaf */
	struct handle_list handles;    /* that are open */
	uint64_t nonce;                /* of this mount, in its notes */
	_Atomic uint64_t ids_given;
	_Atomic int64_t newest_time_ns; /* of the commits seen */
	_Atomic uint64_t calls;         /* under way */
	_Atomic uint64_t failed_ns;     /* steady clock: when a barrier timed out last, */
	_Atomic int32_t failed_thread;  /* and for whom */
	_Atomic bool gone, init_answered;
	bool direct_reads;             /* the kernel maps files that are read past its page cache: see session.c */
	_Atomic uint64_t answers;      /* to the kernel; see session.c */
	uint32_t owner_uid, owner_gid; /* of `.etcfs/` */
	int64_t started_ns;
};

/* A view to which the node table has followed. */
struct kv_view *fs_view(struct fs *fs);
/* The time for what is changed here: the wall clock's, but never behind what the cluster has seen. */
int64_t fs_now_ns(struct fs *fs);
/* An id for a new object, or 0 (the store gives one) as long as the cluster has not given this node a session. */
uint64_t fs_new_id(struct fs *fs);
bool fs_is_local(const struct fs *fs);

/* The object that a node is. GO; STALE; AGAIN: names moved after the view was opened; UNREADABLE. */
enum verdict fs_object(struct fs *fs, struct kv_view *view, struct node *node, struct arena *arena,
                       struct object *ret_object) MUST_USE;
