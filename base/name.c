/* SPDX-License-Identifier: Apache-2.0 */
#include "base/name.h"

#include <ctype.h>
#include <string.h>

bool name_is_valid(const char *name)
{
	size_t size = strlen(name);
	for (size_t at = 0; at < size; at++) {
		if (!isalnum((unsigned char)name[at]) && strchr("._-", name[at]) == NULL)
			return false;
	}
	return size > 0 && size <= NAME_BYTES_MAX && name[0] != '.' && name[0] != '-';
}
