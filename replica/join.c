/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/join.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "replica/dialogue.h"

enum {
	CLAIM_MAGIC = 0x6c43456a, /* "jECl" */
	CLAIM_BYTES = 16,         /* magic, claim, checksum */
	JOIN_WORDS_BYTES_MAX = 512,
};

/* ---- the claim ---- */

static enum err claim_load(const char *path, struct arena *arena, uint64_t *ret_claim)
{
	struct bytes content = BYTES_NONE;
	enum err err = file_read(path, CLAIM_BYTES, arena, &content);
	if (err != ERR_OK && err != ERR_TOO_LARGE)
		return err;
	struct cursor cursor = cursor_over(content);
	uint32_t magic = cursor_u32(&cursor);
	uint64_t claim = cursor_u64(&cursor);
	uint32_t crc = cursor_u32(&cursor);
	if (cursor_is_done(&cursor) && magic == CLAIM_MAGIC && claim > KV_CLAIM_OPEN &&
	    crc == crc32c(0, bytes_of(content.data, CLAIM_BYTES - sizeof crc))) {
		*ret_claim = claim;
		return ERR_OK;
	}
	log_error("claim_unusable",
	          "path=%s reason=\"it is not whole\" remedy=\"remove this member if `etcfs members` shows it, and "
	          "the file, and join again\"",
	          path);
	return ERR_CORRUPT;
}

static enum err claim_make(const char *path, uint64_t *ret_claim)
{
	AUTO_BUFFER struct buffer buffer;
	uint64_t claim = random_from_system();
	while (claim <= KV_CLAIM_OPEN)
		claim = random_from_system();
	buffer_init(&buffer, CLAIM_BYTES);
	buffer_put_u32(&buffer, CLAIM_MAGIC);
	buffer_put_u64(&buffer, claim);
	buffer_put_u32(&buffer, crc32c(0, buffer_bytes(&buffer)));
	*ret_claim = claim;
	return file_replace(path, buffer_bytes(&buffer), 0600);
}

static enum err claim_get(const char *data_directory, struct arena *arena, uint64_t *ret_claim)
{
	AUTO_FREE char *path = memory_format("%s/joining", data_directory);
	enum err err = claim_load(path, arena, ret_claim);
	return err == ERR_NOT_FOUND ? claim_make(path, ret_claim) : err;
}

enum err join_check_none(const char *data_directory)
{
	AUTO_FREE char *path = memory_format("%s/joining", data_directory);
	if (access(path, F_OK) != 0)
		return ERR_OK;
	log_error("join_unfinished",
	          "path=%s reason=\"this node has asked to join a cluster, and may be a member of it\" remedy=\"give "
	          "--join URL again, or empty the data directory\"",
	          data_directory);
	return ERR_INVALID;
}

enum err join_forget_claim(const char *data_directory)
{
	AUTO_FREE char *path = memory_format("%s/joining", data_directory);
	return file_remove_tree(path);
}

/* ---- one ask ---- */

struct join {
	const struct replica_options *options;
	struct arena *arena; /* of what is kept */
	struct dialogue *dialogue;
	struct buffer ask;
	struct random random;
	char waits_for[JOIN_WORDS_BYTES_MAX];
	char elsewhere[LIMIT_MEMBER_STRING_BYTES + 1]; /* where it was sent to */
	uint64_t said_ns, pause_ms;
};

static bool join_is_given_up(const struct join *join)
{
	return join->options->give_up != NULL && join->options->give_up(join->options->give_up_argument);
}

/* Says now and then what it waits for; true: it is given up. */
static bool join_look(void *argument)
{
	struct join *join = argument;
	uint64_t now_ns = clock_steady_ns();
	if (now_ns - join->said_ns >= JOIN_SAY_MS * CLOCK_NS_PER_MS) {
		join->said_ns = now_ns;
		log_info("joining", "url=%s waits_for=\"%s\"", join->options->join_url, join->waits_for);
	}
	return join_is_given_up(join);
}

static void join_pause(struct join *join)
{
	uint64_t half_ms = join->pause_ms / 2;
	dialogue_pause(join->dialogue, half_ms + random_below(&join->random, half_ms + 1));
	join->pause_ms = join->pause_ms * 2 < JOIN_PAUSE_MAX_MS ? join->pause_ms * 2 : JOIN_PAUSE_MAX_MS;
}

static enum err join_ask_at(struct join *join, const char *url, struct arena *arena, Peer__JoinAnswer **ret_answer)
{
	Peer__Envelope *envelope = NULL;
	snprintf(join->waits_for, sizeof join->waits_for, "an answer at %.256s", url);
	enum err err = dialogue_ask(join->dialogue, url, buffer_bytes(&join->ask), arena, &envelope);
	if (err != ERR_OK) {
		snprintf(join->waits_for, sizeof join->waits_for, "an answer at %.256s: %s", url,
		         dialogue_why(join->dialogue));
		return err;
	}
	if (envelope->body_case != PEER__ENVELOPE__BODY_JOIN_ANSWER)
		return ERR_PROTOCOL;
	*ret_answer = envelope->join_answer;
	return ERR_OK;
}

/* ---- the answer ---- */

static enum err join_take_members(struct join *join, Peer__JoinMember *const *from, size_t count,
                                  struct kv_member **ret_members)
{
	struct kv_member *members = arena_zero(join->arena, count, sizeof *members);
	for (size_t i = 0; i < count; i++) {
		bool ascends = i == 0 || from[i]->id > from[i - 1]->id;
		if (from[i]->id == 0 || !ascends || strlen(from[i]->name) > LIMIT_MEMBER_STRING_BYTES ||
		    strlen(from[i]->peer_urls) > LIMIT_MEMBER_STRING_BYTES)
			return ERR_PROTOCOL;
		members[i] = (struct kv_member){
		    .id = from[i]->id,
		    .name = arena_dup_string(join->arena, bytes_of_string(from[i]->name)),
		    .peer_urls = arena_dup_string(join->arena, bytes_of_string(from[i]->peer_urls)),
		    .client_urls = "",
		};
	}
	*ret_members = members;
	return ERR_OK;
}

static enum err join_take(struct join *join, const Peer__JoinAnswer *answer, struct identity *ret_identity)
{
	struct identity identity = {.cluster = answer->cluster,
	                            .token = answer->token,
	                            .member = answer->member,
	                            .directory = random_from_system(),
	                            .joined = true,
	                            .confirmed = true, /* its id is new */
	                            .name = join->options->name,
	                            .member_count = answer->n_initial,
	                            .contact_count = answer->n_members};
	if (identity.cluster == 0 || identity.member == 0 || identity.member_count == 0 ||
	    identity.member_count > LIMIT_MEMBERS || identity.contact_count == 0 ||
	    identity.contact_count > LIMIT_MEMBERS)
		return ERR_PROTOCOL;
	enum err err = join_take_members(join, answer->initial, answer->n_initial, &identity.members);
	if (err == ERR_OK)
		err = join_take_members(join, answer->members, answer->n_members, &identity.contacts);
	if (err == ERR_OK)
		*ret_identity = identity;
	return err;
}

static enum err join_say_over(const struct join *join, enum err err, const char *why)
{
	switch ((int)err) {
	case ERR_INVALID:
		log_error("join_refused", "url=%s name=%s reason=\"%s\"", join->options->join_url, join->options->name,
		          why);
		break;
	case ERR_PROTOCOL:
		log_error("join_failed",
		          "url=%s reason=\"who answers there is no etcfs of this version\" remedy=\"name the peer URL "
		          "of a member: it is not the one for clients\"",
		          join->options->join_url);
		break;
	case ERR_ADDRESS_INVALID:
		log_error("join_failed",
		          "url=%s reason=\"it cannot be dialled\" remedy=\"it is tcp://HOST:PORT of a member\"",
		          join->options->join_url);
		break;
	default:
		log_info("join_given_up", "url=%s waits_for=\"%s\"", join->options->join_url, join->waits_for);
	}
	return err;
}

/* What an answer says is to be done: ERR_OK: it is a member. ERR_BUSY: ask again later. ERR_CONFLICT: ask at *url. */
static enum err join_heed(struct join *join, const Peer__JoinAnswer *answer, const char **url,
                          struct identity *ret_identity)
{
	switch (answer->outcome) {
	case JOIN_LET_IN:
		return join_take(join, answer, ret_identity);
	case JOIN_ELSEWHERE:
		snprintf(join->elsewhere, sizeof join->elsewhere, "%s", answer->url);
		*url = join->elsewhere;
		return ERR_CONFLICT;
	case JOIN_REFUSED:
		return join_say_over(join, ERR_INVALID, answer->why);
	case JOIN_LATER:
		snprintf(join->waits_for, sizeof join->waits_for, "%.200s (said at %.256s)", answer->why, *url);
		return ERR_BUSY;
	default:
		return ERR_PROTOCOL;
	}
}

/* Asks once, and where it is sent to. ERR_BUSY: nobody could say now. */
static enum err join_try(struct join *join, struct identity *ret_identity)
{
	const char *url = join->options->join_url;
	enum err err = ERR_CONFLICT;
	for (int i = 0; err == ERR_CONFLICT && i <= JOIN_REDIRECTS_MAX; i++) {
		AUTO_ARENA struct arena arena;
		arena_init(&arena);
		Peer__JoinAnswer *answer = NULL;
		err = join_ask_at(join, url, &arena, &answer);
		if (err == ERR_OK)
			err = join_heed(join, answer, &url, ret_identity);
		else if (url != join->options->join_url)
			err =
			    ERR_BUSY; /* what a member said of another one is not held against the URL that was given */
	}
	bool again = err == ERR_CONFLICT || err == ERR_UNREACHABLE || err == ERR_CLOSED;
	return again ? ERR_BUSY : err;
}

static enum err join_ask_until_answered(struct join *join, struct identity *ret_identity)
{
	for (;;) {
		enum err err = join_is_given_up(join) ? ERR_CANCELED : join_try(join, ret_identity);
		if (err == ERR_PROTOCOL || err == ERR_ADDRESS_INVALID || err == ERR_CANCELED)
			return join_say_over(join, err, "");
		if (err != ERR_BUSY)
			return err;
		join_pause(join);
	}
}

/* ---- the whole ---- */

/* How this node is reached by the others: its own place in what it was told of the cluster. */
static const char *join_own_url(const struct replica_options *options)
{
	for (size_t i = 0; i < options->initial_count; i++)
		if (strcmp(options->initial_cluster[i].name, options->name) == 0)
			return options->initial_cluster[i].url;
	return options->listen_peer_url;
}

static enum err join_pack(const struct replica_options *options, uint64_t claim, struct buffer *buffer)
{
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__Join ask = PEER__JOIN__INIT;
	ask.magic = TRANSPORT_MAGIC;
	ask.version = TRANSPORT_PROTOCOL;
	ask.claim = claim;
	ask.name = (char *)options->name;
	ask.peer_urls = (char *)join_own_url(options);
	ask.client_urls = (char *)options->client_urls;
	ask.replace = (char *)(options->replace != NULL ? options->replace : "");
	ask.election_timeout_ms = options->election_timeout_ms;
	envelope.body_case = PEER__ENVELOPE__BODY_JOIN;
	envelope.join = &ask;
	enum err err = frame_pack(&envelope, buffer);
	if (err == ERR_TOO_LARGE)
		log_error("join_failed", "reason=\"name and URLs have more than %d bytes together\"",
		          TRANSPORT_STRANGER_BYTES_MAX);
	return err;
}

static void join_init(struct join *join, const struct replica_options *options, struct arena *arena)
{
	struct dialogue_options dialogue = {
	    .answer_timeout_ms = JOIN_ANSWER_TIMEOUT_MS,
	    .answer_bytes_max = TRANSPORT_ANSWER_BYTES_MAX,
	    .look = join_look,
	    .argument = join,
	};
	*join = (struct join){.options = options, .arena = arena, .pause_ms = JOIN_PAUSE_MIN_MS};
	random_init(&join->random, random_from_system());
	buffer_init(&join->ask, FRAME_HEADER_BYTES + TRANSPORT_STRANGER_BYTES_MAX);
	join->dialogue = dialogue_new(&dialogue);
}

static void join_fini(struct join *join)
{
	dialogue_free(join->dialogue);
	buffer_fini(&join->ask);
}

enum err join_cluster(const struct replica_options *options, struct arena *arena, struct identity *ret_identity)
{
	struct join join;
	uint64_t claim = 0;
	enum err err = claim_get(options->data_directory, arena, &claim);
	if (err != ERR_OK)
		return err;
	join_init(&join, options, arena);
	err = join_pack(options, claim, &join.ask);
	if (err == ERR_OK)
		err = join_ask_until_answered(&join, ret_identity);
	join_fini(&join);
	if (err == ERR_OK)
		log_info("joined", "cluster=%016" PRIx64 " member=%016" PRIx64 " name=%s members=%zu",
		         ret_identity->cluster, ret_identity->member, ret_identity->name, ret_identity->contact_count);
	return err;
}
