/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/rim.h"

#include <errno.h>

/* No default: a new condition must be given its errno here. */
int rim_errno_of_write(enum err err)
{
	switch (err) {
	case ERR_OK:
		return 0;
	case ERR_NOT_FOUND:
	case ERR_LEASE_NOT_FOUND:
		return ENOENT;
	case ERR_EXISTS:
	case ERR_LEASE_EXISTS:
		return EEXIST;
	case ERR_INVALID:
	case ERR_DUPLICATE_KEY:
		return EINVAL;
	case ERR_TOO_LARGE:
	case ERR_LIMIT:
		return EFBIG;
	case ERR_QUOTA:
	case ERR_NO_SPACE:
		return ENOSPC;
	case ERR_UNSUPPORTED:
		return EOPNOTSUPP;
	case ERR_PERMISSION:
		return EACCES;
	case ERR_CANCELED:
		return EINTR;
	case ERR_CONFLICT:
	case ERR_COMPACTED:
	case ERR_FUTURE:
		return ESTALE;
	case ERR_LOCKED:
		return EBUSY;
	case ERR_TIMEOUT: /* certainly not applied, and never will be */
	case ERR_NO_LEADER:
	case ERR_NOT_LEADER:
	case ERR_STOPPED:
	case ERR_BUSY:
		return EROFS;
	case ERR_UNKNOWN_OUTCOME:
	case ERR_STALE_SESSION:
	case ERR_IO:
	case ERR_CORRUPT:
	case ERR_DAMAGED:
	case ERR_FORMAT_NEWER:
	case ERR_WRONG_CLUSTER:
	case ERR_WRONG_MEMBER:
	case ERR_REMOVED:
	case ERR_ADDRESS_IN_USE:
	case ERR_ADDRESS_INVALID:
	case ERR_UNREACHABLE:
	case ERR_PROTOCOL:
	case ERR_CLOSED:
	case ERR_MOUNT:
		return EIO;
	}
	return EIO;
}

int rim_errno_of_read(enum err err)
{
	int error = rim_errno_of_write(err);
	return error == EROFS ? EIO : error;
}
