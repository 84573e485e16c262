/* SPDX-License-Identifier: Apache-2.0 */
/* etcfs diff: what is different between two points of the history. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/proto.h"
#include "cli/lines.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/tree_client.h"

/* As diff(1); other commands mean other things by these numbers. */
enum { DIFFERENCE_NONE = 0, DIFFERENCE_FOUND = 1, DIFFERENCE_TROUBLE = 2 };

struct difference {
	const struct invocation *invocation;
	struct tree_listing before, after;
	struct arena *arena; /* of all of it */
	struct arena *piece; /* of one file */
	size_t count;
};

/* ---- a file ---- */

static const char *difference_name(const struct difference *difference, const Etcfs__Control__TreeEntry *entry)
{
	return table_escape(proto_bytes(entry->key), 0, difference->piece);
}

/* For programs: what it is, without what is in it. */
static void difference_tell(struct difference *difference, Etcfs__Control__PlannedKind kind,
                            const Etcfs__Control__TreeEntry *entry)
{
	Etcfs__Control__PlannedChange change = ETCFS__CONTROL__PLANNED_CHANGE__INIT;
	change.kind = kind;
	change.key = entry->key;
	difference->count++;
	control_print_json(stdout, &change.base, CONTROL_ONE_LINE);
}

static void difference_say(struct difference *difference, enum colour colour, const char *what,
                           const Etcfs__Control__TreeEntry *entry)
{
	difference->count++;
	printf("%s%s %s%s", terminal_begin(colour), what, difference_name(difference, entry), terminal_end(colour));
}

static bool difference_same_xattrs(const Etcfs__Control__TreeEntry *left, const Etcfs__Control__TreeEntry *right)
{
	bool same = left->n_xattrs == right->n_xattrs;
	for (size_t at = 0; at < left->n_xattrs && same; at++)
		same = bytes_equal(proto_bytes(left->xattrs[at]->name), proto_bytes(right->xattrs[at]->name)) &&
		       bytes_equal(proto_bytes(left->xattrs[at]->value), proto_bytes(right->xattrs[at]->value));
	return same;
}

static bool difference_same_attributes(const Etcfs__Control__TreeEntry *left, const Etcfs__Control__TreeEntry *right)
{
	return left->mode == right->mode && left->uid == right->uid && left->gid == right->gid &&
	       difference_same_xattrs(left, right);
}

static void difference_attributes(struct difference *difference, const Etcfs__Control__TreeEntry *before,
                                  const Etcfs__Control__TreeEntry *after)
{
	if ((before->mode & 07777) != (after->mode & 07777)) {
		difference_say(difference, COLOUR_NONE, "mode", after);
		printf(" %04o -> %04o\n", before->mode & 07777, after->mode & 07777);
	}
	if (before->uid != after->uid || before->gid != after->gid) {
		difference_say(difference, COLOUR_NONE, "owner", after);
		printf(" %" PRIu32 ":%" PRIu32 " -> %" PRIu32 ":%" PRIu32 "\n", before->uid, before->gid, after->uid,
		       after->gid);
	}
	if (!difference_same_xattrs(before, after)) {
		difference_say(difference, COLOUR_NONE, "xattrs", after);
		putchar('\n');
	}
}

static const char *difference_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "link";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "device";
	}
}

static void difference_print_text(struct difference *difference, const Etcfs__Control__TreeEntry *before,
                                  const Etcfs__Control__TreeEntry *after, struct bytes contents[2])
{
	const char *name = difference_name(difference, after);
	difference->count++;
	printf("%s--- %s\t%s (revision %" PRId64 ")\n+++ %s\t%s (revision %" PRId64 ")%s\n",
	       terminal_begin(COLOUR_FAINT), name, before->time, before->revision, name, after->time, after->revision,
	       terminal_end(COLOUR_FAINT));
	lines_print_difference(contents[0], contents[1], difference->piece, stdout);
}

static void difference_print_contents(struct difference *difference, const Etcfs__Control__TreeEntry *before,
                                      const Etcfs__Control__TreeEntry *after, struct bytes contents[2])
{
	if ((before->mode & S_IFMT) != (after->mode & S_IFMT)) {
		difference_say(difference, COLOUR_NONE, "type", after);
		printf(" %s -> %s\n", difference_type(before->mode), difference_type(after->mode));
	} else if (bytes_equal(contents[0], contents[1])) {
		return;
	} else if (S_ISLNK(after->mode)) {
		difference_say(difference, COLOUR_NONE, "link", after);
		printf(" %s -> %s\n", table_escape(contents[0], 0, difference->piece),
		       table_escape(contents[1], 0, difference->piece));
	} else if (lines_are_text(contents[0]) && lines_are_text(contents[1])) {
		difference_print_text(difference, before, after, contents);
	} else {
		difference_say(difference, COLOUR_NONE, "binary", after);
		printf(" %zu -> %zu bytes\n", contents[0].size, contents[1].size);
	}
}

static enum cli_exit difference_both(struct difference *difference, const Etcfs__Control__TreeEntry *before,
                                     const Etcfs__Control__TreeEntry *after)
{
	struct bytes contents[2];
	if (before->revision == after->revision)
		return EXIT_OK; /* the very same record */
	enum cli_exit status = tree_content(difference->invocation, before->key, difference->before.revision,
	                                    difference->piece, &contents[0]);
	if (status == EXIT_OK)
		status = tree_content(difference->invocation, after->key, difference->after.revision, difference->piece,
		                      &contents[1]);
	if (status != EXIT_OK)
		return status;
	if (difference->invocation->json) {
		bool type = (before->mode & S_IFMT) == (after->mode & S_IFMT);
		if (!type || !bytes_equal(contents[0], contents[1]))
			difference_tell(difference, ETCFS__CONTROL__PLANNED_KIND__changed, after);
		else if (!difference_same_attributes(before, after))
			difference_tell(difference, ETCFS__CONTROL__PLANNED_KIND__attributes, after);
		return EXIT_OK;
	}
	difference_print_contents(difference, before, after, contents);
	difference_attributes(difference, before, after);
	return EXIT_OK;
}

/* ---- all of them ---- */

static enum cli_exit difference_one(struct difference *difference, size_t *before, size_t *after)
{
	struct tree_listing *left = &difference->before, *right = &difference->after;
	Etcfs__Control__TreeEntry *l = *before < left->count ? left->entries[*before] : NULL;
	Etcfs__Control__TreeEntry *r = *after < right->count ? right->entries[*after] : NULL;
	int order = l == NULL ? 1 : r == NULL ? -1 : bytes_compare(proto_bytes(l->key), proto_bytes(r->key));
	*before += order <= 0;
	*after += order >= 0;
	if (order == 0)
		return difference_both(difference, l, r);
	if (difference->invocation->json) {
		difference_tell(difference,
		                order < 0 ? ETCFS__CONTROL__PLANNED_KIND__removed : ETCFS__CONTROL__PLANNED_KIND__added,
		                order < 0 ? l : r);
		return EXIT_OK;
	}
	difference_say(difference, order < 0 ? COLOUR_BAD : COLOUR_GOOD, order < 0 ? "removed" : "added",
	               order < 0 ? l : r);
	putchar('\n');
	return EXIT_OK;
}

static enum cli_exit difference_all(struct difference *difference)
{
	enum cli_exit status = EXIT_OK;
	size_t before = 0, after = 0;
	while (status == EXIT_OK && (before < difference->before.count || after < difference->after.count)) {
		arena_reset(difference->piece);
		status = difference_one(difference, &before, &after);
	}
	return status;
}

enum cli_exit command_diff(const struct invocation *invocation, struct arena *arena)
{
	AUTO_ARENA struct arena piece;
	arena_init(&piece);
	struct difference difference = {.invocation = invocation, .arena = arena, .piece = &piece};
	const char *path = invocation->argument_count > 2 ? invocation->arguments[2] : "/";
	enum cli_exit status = tree_list(invocation, path, invocation->arguments[0], arena, &difference.before);
	if (status == EXIT_OK)
		status = tree_list(invocation, path, invocation->arguments[1], arena, &difference.after);
	if (status == EXIT_OK && difference.before.count == 0 && difference.after.count == 0)
		status = command_fail(EXIT_NOT_FOUND, "there was no %s at either of them", path);
	if (status == EXIT_OK)
		status = difference_all(&difference);
	if (status != EXIT_OK)
		return (enum cli_exit)DIFFERENCE_TROUBLE;
	return (enum cli_exit)(difference.count != 0 ? DIFFERENCE_FOUND : DIFFERENCE_NONE);
}
