/* SPDX-License-Identifier: Apache-2.0 */
#include "mountd/cluster.h"

#include <string.h>

#include "base/limits.h"
#include "base/name.h"
#include "base/quantity.h"

#define CLUSTER_PEER_URL_DEFAULT "tcp://127.0.0.1:2380"

enum { CLUSTER_VOTERS_MAX = 9 }; /* every write waits for a majority of them */

struct cluster_words cluster_split(const char *text, struct arena *arena)
{
	struct cluster_words words = {.words = arena_take(arena, (strlen(text) / 2 + 1) * sizeof *words.words)};
	for (const char *at = text; *at != '\0';) {
		size_t size = strcspn(at, ",");
		if (size > 0)
			words.words[words.count++] = arena_dup_string(arena, bytes_of(at, size));
		at += size + (at[size] == ',' ? 1 : 0);
	}
	return words;
}

/* ---- --initial-cluster ---- */

/* What stands for one member while the whole is being checked. */
struct cluster_entry {
	const char *name;
	struct url url;
};

struct cluster {
	struct cluster_entry *entries;
	size_t count;
	struct cluster_entry *self; /* NULL: not in it */
};

static enum err cluster_parse_entry(struct option_set *set, const char *word, struct cluster_entry *ret_entry,
                                    struct problem *problem)
{
	const char *origin = option_origin(set, OPTION_INITIAL_CLUSTER), *equals = strchr(word, '=');
	if (equals == NULL)
		return problem_set(problem, "%s: '%s' is not NAME=URL", origin, word);
	ret_entry->name = arena_dup_string(&set->arena, bytes_of(word, (size_t)(equals - word)));
	if (!name_is_valid(ret_entry->name))
		return problem_set(problem, "%s: '%s' cannot be a name: it is 1 to %d of A-Z a-z 0-9 . _ -", origin,
		                   ret_entry->name, NAME_BYTES_MAX);
	return url_parse(equals + 1, origin, &set->arena, &ret_entry->url, problem);
}

static enum err cluster_check_distinct(struct option_set *set, const struct cluster *cluster, struct problem *problem)
{
	const char *origin = option_origin(set, OPTION_INITIAL_CLUSTER);
	for (size_t at = 0; at < cluster->count; at++) {
		for (size_t other = 0; other < at; other++) {
			const struct cluster_entry *left = &cluster->entries[other], *right = &cluster->entries[at];
			if (strcmp(left->name, right->name) == 0)
				return problem_set(problem, "%s names %s twice: one URL for each member", origin,
				                   left->name);
			if (url_equal(&left->url, &right->url))
				return problem_set(problem, "%s gives %s and %s the same URL, %s", origin, left->name,
				                   right->name, url_format(&left->url, "tcp", &set->arena));
		}
	}
	return ERR_OK;
}

static enum err cluster_parse(struct option_set *set, const struct config *config, struct cluster *cluster,
                              struct problem *problem)
{
	struct cluster_words words = cluster_split(option_text(set, OPTION_INITIAL_CLUSTER), &set->arena);
	if (words.count == 0 || words.count > LIMIT_MEMBERS)
		return problem_set(problem, "%s: %zu members; it is 1 to %d",
		                   option_origin(set, OPTION_INITIAL_CLUSTER), words.count, LIMIT_MEMBERS);
	cluster->entries = arena_zero(&set->arena, words.count, sizeof *cluster->entries);
	cluster->count = words.count;
	for (size_t at = 0; at < words.count; at++) {
		enum err err = cluster_parse_entry(set, words.words[at], &cluster->entries[at], problem);
		if (err != ERR_OK)
			return err;
		if (strcmp(cluster->entries[at].name, config->name) == 0)
			cluster->self = &cluster->entries[at];
	}
	enum err err = cluster_check_distinct(set, cluster, problem);
	if (err != ERR_OK || cluster->self != NULL)
		return err;
	return problem_set(problem, "%s does not name this node, %s (%s)", option_origin(set, OPTION_INITIAL_CLUSTER),
	                   config->name, option_origin(set, OPTION_NAME));
}

/* ---- this node's own URLs ---- */

/* One URL, for now: the list of etcd's flag has one entry. */
static enum err cluster_own_url(struct option_set *set, enum option option, struct url *ret_url,
                                struct problem *problem)
{
	struct cluster_words words = cluster_split(option_text(set, option), &set->arena);
	if (words.count != 1)
		return problem_set(problem, "%s: one URL, not %zu", option_origin(set, option), words.count);
	return url_parse(words.words[0], option_origin(set, option), &set->arena, ret_url, problem);
}

static enum err cluster_listen(struct option_set *set, const struct cluster *cluster, struct url *ret_url,
                               struct problem *problem)
{
	if (option_is_given(set, OPTION_LISTEN_PEER_URLS))
		return cluster_own_url(set, OPTION_LISTEN_PEER_URLS, ret_url, problem);
	if (cluster->self != NULL) {
		*ret_url = cluster->self->url;
		return ERR_OK;
	}
	return url_parse(CLUSTER_PEER_URL_DEFAULT, option_flag(OPTION_LISTEN_PEER_URLS), &set->arena, ret_url, problem);
}

static bool cluster_is_wildcard(const struct url *url)
{
	return strcmp(url->host, "0.0.0.0") == 0 || strcmp(url->host, "::") == 0;
}

/* The URL that the others use; in the cluster's list when there is one. */
static enum err cluster_advertise(struct option_set *set, const struct cluster *cluster, const struct url *listen,
                                  struct url *ret_url, struct problem *problem)
{
	struct url url = cluster->self != NULL ? cluster->self->url : *listen;
	if (option_is_given(set, OPTION_ADVERTISE_PEER_URLS)) {
		enum err err = cluster_own_url(set, OPTION_ADVERTISE_PEER_URLS, &url, problem);
		if (err != ERR_OK)
			return err;
	}
	if (cluster->self != NULL && !url_equal(&url, &cluster->self->url))
		return problem_set(problem, "%s (%s) is not the URL of %s in %s (%s)",
		                   option_origin(set, OPTION_ADVERTISE_PEER_URLS), url_format(&url, "tcp", &set->arena),
		                   cluster->self->name, option_origin(set, OPTION_INITIAL_CLUSTER),
		                   url_format(&cluster->self->url, "tcp", &set->arena));
	if (cluster_is_wildcard(&url))
		return problem_set(
		    problem,
		    "no other node can reach %s: give --initial-advertise-peer-urls an address of this machine",
		    url_format(&url, "tcp", &set->arena));
	*ret_url = url;
	return ERR_OK;
}

/* ---- together ---- */

static enum err cluster_check_plain(struct option_set *set, const struct url *url, struct problem *problem)
{
	const char *text = url_format(url, "tcp", &set->arena);
	if (url->tls)
		return problem_set(
		    problem, "TLS between nodes is not supported yet: write %s, and see --allow-plain-peers", text);
	if (!url_is_loopback(url) && !option_is_true(set, OPTION_ALLOW_PLAIN_PEERS))
		return problem_set(
		    problem,
		    "%s is not on loopback and has no TLS: everybody on the network between could read and change "
		    "everything; give --allow-plain-peers if that network is trusted",
		    text);
	return ERR_OK;
}

static enum err cluster_check_state(struct option_set *set, struct config *config, struct problem *problem)
{
	const char *state = option_text(set, OPTION_INITIAL_CLUSTER_STATE);
	config->must_exist = strcmp(state, "existing") == 0;
	if (config->must_exist || strcmp(state, "new") == 0)
		return ERR_OK;
	return problem_set(problem, "%s: '%s' is none of new, existing",
	                   option_origin(set, OPTION_INITIAL_CLUSTER_STATE), state);
}

/* Odd, because one more would not bear one more failure: a majority of four is three, as of five. */
static enum err cluster_voters(struct option_set *set, struct config *config, struct problem *problem)
{
	uint64_t voters;
	if (quantity_count(option_text(set, OPTION_VOTERS), &voters) != ERR_OK || voters % 2 == 0 ||
	    voters > CLUSTER_VOTERS_MAX)
		return problem_set(problem, "%s: '%s' is not an odd number from 1 to %d",
		                   option_origin(set, OPTION_VOTERS), option_text(set, OPTION_VOTERS),
		                   CLUSTER_VOTERS_MAX);
	config->voters_max = (uint32_t)voters;
	return ERR_OK;
}

/* ---- --join ---- */

/* What says how a new cluster begins does not go with one that is there. */
static enum err cluster_check_joiner(struct option_set *set, struct problem *problem)
{
	static const enum option beginnings[] = {OPTION_INITIAL_CLUSTER, OPTION_INITIAL_CLUSTER_STATE,
	                                         OPTION_INITIAL_CLUSTER_TOKEN};
	for (size_t at = 0; at < sizeof beginnings / sizeof *beginnings; at++) {
		if (option_is_given(set, beginnings[at]) && option_is_given(set, OPTION_JOIN))
			return problem_set(
			    problem,
			    "%s and %s contradict each other: a node that joins learns of the members from "
			    "the cluster; leave %s out",
			    option_origin(set, OPTION_JOIN), option_origin(set, beginnings[at]),
			    option_origin(set, beginnings[at]));
	}
	if (!option_is_given(set, OPTION_REPLACE))
		return ERR_OK;
	if (!option_is_given(set, OPTION_JOIN))
		return problem_set(problem, "%s without --join: only a node that joins takes the place of another",
		                   option_origin(set, OPTION_REPLACE));
	if (!name_is_valid(option_text(set, OPTION_REPLACE)))
		return problem_set(problem, "%s: '%.80s' is neither a member's name nor an id",
		                   option_origin(set, OPTION_REPLACE), option_text(set, OPTION_REPLACE));
	return ERR_OK;
}

static enum err cluster_join(struct option_set *set, const struct url *advertise, struct config *config,
                             struct problem *problem)
{
	struct url url;
	if (!option_is_given(set, OPTION_JOIN))
		return ERR_OK;
	enum err err =
	    url_parse(option_text(set, OPTION_JOIN), option_origin(set, OPTION_JOIN), &set->arena, &url, problem);
	if (err == ERR_OK)
		err = cluster_check_plain(set, &url, problem);
	if (err != ERR_OK)
		return err;
	const char *text = url_format(&url, "tcp", &set->arena), *own = url_format(advertise, "tcp", &set->arena);
	if (url_equal(&url, advertise))
		return problem_set(problem,
		                   "%s: %s is this node itself: name another member there, and for this node its own "
		                   "--listen-peer-urls",
		                   option_origin(set, OPTION_JOIN), text);
	if (url_is_loopback(advertise) && !url_is_loopback(&url))
		return problem_set(
		    problem,
		    "%s %s: its members cannot reach this node at %s: give --listen-peer-urls an address "
		    "of this machine",
		    option_origin(set, OPTION_JOIN), text, own);
	config->join_url = text;
	config->replace = option_text(set, OPTION_REPLACE);
	return ERR_OK;
}

/* ---- all of it ---- */

enum err cluster_make(struct option_set *set, struct config *config, struct problem *ret_problem)
{
	struct cluster cluster = {0};
	struct url listen, advertise;
	enum err err = cluster_check_state(set, config, ret_problem);
	if (err == ERR_OK)
		err = cluster_voters(set, config, ret_problem);
	if (err == ERR_OK)
		err = cluster_check_joiner(set, ret_problem);
	if (err == ERR_OK && option_is_given(set, OPTION_INITIAL_CLUSTER))
		err = cluster_parse(set, config, &cluster, ret_problem);
	if (err == ERR_OK)
		err = cluster_listen(set, &cluster, &listen, ret_problem);
	if (err == ERR_OK)
		err = cluster_check_plain(set, &listen, ret_problem);
	if (err == ERR_OK)
		err = cluster_advertise(set, &cluster, &listen, &advertise, ret_problem);
	if (err == ERR_OK)
		err = cluster_join(set, &advertise, config, ret_problem);
	if (err != ERR_OK)
		return err;
	struct cluster_entry alone = {.name = config->name, .url = advertise};
	if (cluster.count == 0)
		cluster = (struct cluster){.entries = &alone, .count = 1, .self = &alone};
	config->cluster_token = option_text(set, OPTION_INITIAL_CLUSTER_TOKEN);
	config->listen_peer_url = url_format(&listen, "tcp", &set->arena);
	config->initial_cluster = arena_zero(&set->arena, cluster.count, sizeof *config->initial_cluster);
	config->initial_count = cluster.count;
	for (size_t at = 0; at < cluster.count; at++) {
		const struct cluster_entry *entry = &cluster.entries[at];
		err = cluster_check_plain(set, &entry->url, ret_problem);
		if (err != ERR_OK)
			return err;
		config->initial_cluster[at] =
		    (struct replica_peer){.name = entry->name, .url = url_format(&entry->url, "tcp", &set->arena)};
	}
	return ERR_OK;
}
