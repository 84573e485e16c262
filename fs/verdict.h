/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan, or a look at a name, comes to: the conditions of a tree of files, which are decided where the tree was read. */
#pragma once

#include "base/err.h"

enum verdict {
	VERDICT_GO,
	VERDICT_DONE,  /* nothing has to be changed: success */
	VERDICT_AGAIN, /* names moved between the look at the node and the view: look again */
	VERDICT_WAIT,  /* the call waits for a stage, and may be with another thread already: hands off */
	VERDICT_ABSENT,
	VERDICT_STALE, /* the object that the kernel means is not there any more */
	VERDICT_EXISTS,
	VERDICT_NOT_EMPTY,
	VERDICT_NOT_DIRECTORY,
	VERDICT_IS_DIRECTORY,
	VERDICT_INTO_ITSELF,
	VERDICT_NAME_TOO_LONG,
	VERDICT_NAME_RESERVED,
	VERDICT_TOO_LARGE,
	VERDICT_NO_ATTRIBUTE,
	VERDICT_NO_ROOM,    /* for an extended attribute */
	VERDICT_FORGOTTEN,  /* of the history: compacted */
	VERDICT_NOT_YET,    /* of the history: no such revision yet */
	VERDICT_UNREADABLE, /* what is stored there cannot be read; logged */
};

/* The errno for the kernel; 0 for GO and DONE. AGAIN that never ended is EIO. */
int verdict_errno(enum verdict verdict);
