/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/verdict.h"

#include <errno.h>

int verdict_errno(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_GO:
	case VERDICT_DONE:
		return 0;
	case VERDICT_AGAIN:
	case VERDICT_WAIT:
	case VERDICT_UNREADABLE:
		return EIO;
	case VERDICT_ABSENT:
		return ENOENT;
	case VERDICT_STALE:
		return ESTALE;
	case VERDICT_EXISTS:
		return EEXIST;
	case VERDICT_NOT_EMPTY:
		return ENOTEMPTY;
	case VERDICT_NOT_DIRECTORY:
		return ENOTDIR;
	case VERDICT_IS_DIRECTORY:
		return EISDIR;
	case VERDICT_INTO_ITSELF:
		return EINVAL;
	case VERDICT_NAME_TOO_LONG:
		return ENAMETOOLONG;
	case VERDICT_NAME_RESERVED:
		return EPERM;
	case VERDICT_TOO_LARGE:
		return EFBIG;
	case VERDICT_NO_ATTRIBUTE:
		return ENODATA;
	case VERDICT_FORGOTTEN:
		return ENODATA;
	case VERDICT_NOT_YET:
		return ERANGE;
	case VERDICT_NO_ROOM:
		return ENOSPC;
	}
	return EIO;
}
