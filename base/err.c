/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>

#include "base/check.h"

static const struct {
	const char *name, *text;
} err_table[] = {
#define ERR_ROW(name, text) [ERR_##name] = {#name, text},
    ERR_LIST(ERR_ROW)
#undef ERR_ROW
};

const char *err_name(enum err err)
{
	check((unsigned)err < sizeof err_table / sizeof err_table[0]);
	return err_table[err].name;
}

const char *err_text(enum err err)
{
	check((unsigned)err < sizeof err_table / sizeof err_table[0]);
	return err_table[err].text;
}

enum err err_from_errno(int error)
{
	switch (error) {
	case 0:
		return ERR_OK;
	case ENOENT:
		return ERR_NOT_FOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_PERMISSION;
	case ENOSPC:
	case EDQUOT:
		return ERR_NO_SPACE;
	case EINVAL:
	case ENAMETOOLONG:
	case ENOTDIR:
	case EISDIR:
		return ERR_INVALID;
	case EADDRINUSE:
		return ERR_ADDRESS_IN_USE;
	case EADDRNOTAVAIL:
		return ERR_ADDRESS_INVALID;
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return ERR_UNREACHABLE;
	case EPIPE:
	case ECONNRESET:
		return ERR_CLOSED;
	default:
		return ERR_IO;
	}
}
