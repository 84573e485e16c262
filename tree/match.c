/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/match.h"

size_t tree_lower_bound(const struct bytes *keys, size_t count, struct bytes key)
{
	size_t low = 0;
	while (low < count) {
		size_t middle = low + (count - low) / 2;
		if (bytes_compare(keys[middle], key) < 0)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

static bool keys_have_below(const struct bytes *keys, size_t count, struct bytes directory)
{
	size_t at = tree_lower_bound(keys, count, directory);
	return at < count && bytes_have_prefix(keys[at], directory);
}

/* What hangs on a lease is a promise to a client, which keeps it or lets it go: nobody else does. */
struct leased {
	struct bytes *keys;
	size_t count;
};

static struct leased match_leased(const struct tree_plan *plan, const struct tree_match *match)
{
	struct leased leased = {0};
	for (size_t at = 0; at < match->now.count; at++) {
		if (match->now.records[at].lease == 0)
			continue;
		leased.keys = arena_more(plan->arena, leased.keys, leased.count, sizeof *leased.keys);
		leased.keys[leased.count++] = match->now.records[at].key;
	}
	return leased;
}

/* The highest directory above the key, or the key's own, below which nothing is to stay; empty: there is none. */
static struct bytes match_unwanted(const struct tree_plan *plan, const struct tree_match *match,
                                   const struct leased *leased, struct bytes key)
{
	for (size_t size = plan->path.size + 1; size <= key.size; size++) {
		struct bytes above = bytes_of(key.data, size);
		if (tree_is_directory(above) && !keys_have_below(match->wanted, match->wanted_count, above) &&
		    !keys_have_below(leased->keys, leased->count, above))
			return above;
	}
	return BYTES_NONE;
}

/* A marker that nobody wants, of a directory that stays, because something is wanted below it: it says nothing from now on. */
static enum err match_reset(struct tree_plan *plan, const struct kv_record *now)
{
	return tree_plan_put(plan, now, &(struct kv_record){.key = now->key});
}

/* *at: of `now`; goes behind all that the removal of its directory takes along. */
static enum err match_remove(struct tree_plan *plan, const struct tree_match *match, const struct leased *leased,
                             size_t *at)
{
	const struct kv_record *now = &match->now.records[*at];
	if (now->lease != 0) {
		++*at;
		return ERR_OK;
	}
	struct bytes directory = match_unwanted(plan, match, leased, now->key);
	if (directory.size == 0) {
		++*at;
		if (tree_is_directory(now->key))
			return match_reset(plan, now);
		tree_plan_delete(plan, now);
		return tree_plan_check(plan);
	}
	tree_plan_delete_directory(plan, directory);
	while (*at < match->now.count && bytes_have_prefix(match->now.records[*at].key, directory))
		++*at;
	return tree_plan_check(plan);
}

static enum err match_put(struct tree_plan *plan, const struct tree_match *match, size_t wanted,
                          const struct kv_record *now)
{
	struct kv_record whole, made;
	AUTO_ARENA struct arena scratch; /* what is there is only looked at */
	arena_init(&scratch);
	if (now && match->revisions && (match->revisions[wanted] == now->mod_revision || now->lease != 0))
		return ERR_OK;
	enum err err = now ? kv_get(plan->view, now->key, &scratch, &whole) : ERR_OK;
	struct tree_making making = {plan, match->argument, wanted, now ? &whole : NULL, &scratch};
	if (err == ERR_OK)
		err = match->make(&making, &made);
	return err == ERR_OK ? tree_plan_put(plan, now ? &whole : NULL, &made) : err;
}

enum err tree_match(struct tree_plan *plan, const struct tree_match *match)
{
	struct leased leased = match_leased(plan, match);
	size_t now = 0, wanted = 0;
	enum err err = ERR_OK;
	while (err == ERR_OK && (now < match->now.count || wanted < match->wanted_count)) {
		int order = now == match->now.count ? 1
		            : wanted == match->wanted_count
		                ? -1
		                : bytes_compare(match->now.records[now].key, match->wanted[wanted]);
		if (order < 0 && match->remove)
			err = match_remove(plan, match, &leased, &now);
		else if (order < 0)
			now++;
		else
			err = match_put(plan, match, wanted++, order == 0 ? &match->now.records[now++] : NULL);
	}
	return err;
}
