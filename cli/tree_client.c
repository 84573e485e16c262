/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tree_client.h"

#include <inttypes.h>
#include <string.h>

#include "base/proto.h"
#include "cli/client.h"

static void tree_add(struct tree_listing *listing, const Etcfs__Control__TreeResponse *page, struct arena *arena)
{
	for (size_t at = 0; at < page->n_entries; at++) {
		listing->entries = arena_more(arena, listing->entries, listing->count, sizeof *listing->entries);
		listing->entries[listing->count++] = page->entries[at];
	}
}

enum cli_exit tree_list(const struct invocation *invocation, const char *path, const char *when, struct arena *arena,
                        struct tree_listing *ret_listing)
{
	Etcfs__Control__TreeRequest request = ETCFS__CONTROL__TREE_REQUEST__INIT;
	struct tree_listing listing = {0};
	request.path = proto_data(bytes_of_string(path));
	request.when = (char *)(when != NULL && strcmp(when, "now") != 0 ? when : "");
	for (bool more = true; more;) {
		ProtobufCMessage *message;
		enum cli_exit status =
		    client_ask(invocation,
		               &(struct client_call){"tree", &request.base, &etcfs__control__tree_response__descriptor,
		                                     CLIENT_PATIENT},
		               arena, &message);
		if (status != EXIT_OK)
			return status;
		const Etcfs__Control__TreeResponse *page = (const Etcfs__Control__TreeResponse *)message;
		tree_add(&listing, page, arena);
		listing.revision = page->revision;
		request.when = arena_format(arena, "%" PRId64, page->revision);
		more = page->more && page->n_entries > 0;
		if (more)
			request.after = page->entries[page->n_entries - 1]->key;
	}
	*ret_listing = listing;
	return EXIT_OK;
}

enum cli_exit tree_content(const struct invocation *invocation, ProtobufCBinaryData key, int64_t revision,
                           struct arena *arena, struct bytes *ret_content)
{
	Etcfs__Control__GetRequest request = ETCFS__CONTROL__GET_REQUEST__INIT;
	ProtobufCMessage *message;
	request.key = key;
	request.revision = revision;
	enum cli_exit status = client_ask(
	    invocation,
	    &(struct client_call){"get", &request.base, &etcfs__control__get_response__descriptor, CLIENT_PATIENT},
	    arena, &message);
	if (status == EXIT_OK)
		*ret_content = proto_bytes(((const Etcfs__Control__GetResponse *)message)->record->value);
	return status;
}
