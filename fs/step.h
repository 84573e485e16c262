/* SPDX-License-Identifier: Apache-2.0 */
/* One step of the replay: one call of the helper, about one or two names, that waits for its turn. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fs/helper_call.h"
#include "fs/node.h"

struct step_lane; /* of the queue */

struct step_place {
	struct node *directory; /* pinned; NULL: this place is not used */
	uint64_t directory_id;
	char *name; /* as the kernel calls it; owned */
	struct step_lane *lane;
	uint64_t
	    ended_wanted; /* of the lane: how many local calls must have ended, once it was parked; 0: it was not */
};

/* An object: a node of the table, or, for what was removed and the kernel did not know, a phantom: an id that stands for nothing. */
struct step_object {
	struct node *node; /* pinned, or NULL */
	uint64_t id;       /* 0: no object */
	bool is_directory;
};

struct step {
	struct step *next;
	enum helper_kind kind;
	bool is_refresh; /* instead of the kind: `object` was at the name; tell what is there now */
	bool is_linked;  /* a link of what it removes is still counted, see step_queue_links() */
	struct step_place at, to;
	struct step_object object; /* RENAME, EXCHANGE: at `at` before */
	struct step_object other;  /* at `to` before */
};
