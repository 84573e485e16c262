/* SPDX-License-Identifier: Apache-2.0 */
#include "api/method.h"

#include <string.h>

static const struct method methods[] = {
    {"status", METHOD_NOW, &etcfs__control__status_request__descriptor, NULL, method_status},
    {"members", METHOD_NOW, &etcfs__control__members_request__descriptor, NULL, method_members},
    {"get", METHOD_READ, &etcfs__control__get_request__descriptor, NULL, method_get},
    {"list", METHOD_READ, &etcfs__control__list_request__descriptor, NULL, method_list},
    {"log", METHOD_READ, &etcfs__control__log_request__descriptor, NULL, method_log},
    {"put", METHOD_WRITE, &etcfs__control__put_request__descriptor, method_put_command, method_put},
    {"delete", METHOD_WRITE, &etcfs__control__delete_request__descriptor, method_delete_command, method_delete},
    {"watch", METHOD_STREAM, &etcfs__control__watch_request__descriptor, NULL, method_watch},
};

const struct method *method_find(const char *name)
{
	for (size_t at = 0; at < sizeof methods / sizeof *methods; at++) {
		if (strcmp(methods[at].name, name) == 0)
			return &methods[at];
	}
	return NULL;
}
