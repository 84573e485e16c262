/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fuse_file_info.fh points to. Made when open is answered, freed at release; what the kernel still had open when its
 * connection was closed is freed with the mount, for nobody releases it any more.
 */
#pragma once

#include <stdbool.h>

#include "fs/call.h"
#include "fs/listing.h"
#include "fs/reading.h"

enum handle_kind { HANDLE_FILE, HANDLE_DIRECTORY, HANDLE_VIRTUAL };

struct handle {
	LIST_ENTRY(handle) next; /* of fs->handles */
	enum handle_kind kind;
	struct node *node;   /* pinned; NULL: VIRTUAL */
	struct stage *stage; /* FILE: open */
	bool writable, append;
	bool direct;            /* FILE: past the kernel's page cache, by `reading` */
	struct reading reading; /* FILE */
	struct listing listing; /* DIRECTORY */
	struct arena arena;     /* VIRTUAL: the content's */
	struct bytes content;   /* VIRTUAL */
};

/* Takes a pin and opens the stage. */
struct handle *handle_new_file(struct fs *fs, struct node *node, int flags);
struct handle *handle_new_directory(struct fs *fs, struct node *node);
struct handle *handle_new_virtual(struct fs *fs);
void handle_free(struct fs *fs, struct handle *handle);
/* Once no request comes any more. */
void handle_free_all(struct fs *fs);

static inline struct handle *handle_of(const struct fuse_file_info *info)
{
	return info ? (struct handle *)(uintptr_t)info->fh : NULL;
}
