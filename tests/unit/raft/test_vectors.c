/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published vectors for quorums and configuration changes, in plain text: a command, `----`, what it gives. They are read from
 * $ETCFS_VECTORS, or from ../shared/vectors beside the source tree; without them the test says so and is skipped. With them, each
 * must run: as many as there are `----` in the files, and a command that is not known fails.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "raft/progress.h"
#include "raft/quorum.h"
#include "tests/unit/unit.h"

enum { VECTOR_BYTES_MAX = 1 << 20, VECTOR_MEMBERS_MAX = 32, VECTOR_TEXT_MAX = 4096 };

struct vector {
	char command[256];
	char input[VECTOR_TEXT_MAX];  /* the lines between command and ---- */
	char output[VECTOR_TEXT_MAX]; /* all lines */
	char last[256];               /* the last of them */
};

static char *vectors_directory(void)
{
	const char *given = getenv("ETCFS_VECTORS"), *source = getenv("srcdir");
	char *path = given != NULL ? memory_dup_string(given)
	                           : memory_format("%s/../shared/vectors", source != NULL ? source : ".");
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

/* ---- the format ---- */

static char *vector_line(char **at)
{
	char *line = *at;
	if (*line == '\0')
		return NULL;
	char *end = strchr(line, '\n');
	*at = end != NULL ? end + 1 : line + strlen(line);
	if (end != NULL)
		*end = '\0';
	return line;
}

/* How many a file holds, by another way than reading them. */
static size_t vectors_in(const char *text)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, "\n----\n")) != NULL; at++)
		count++;
	return count;
}

static void vector_add(char *text, const char *line)
{
	size_t size = strlen(text);
	int added = snprintf(text + size, VECTOR_TEXT_MAX - size, "%s\n", line);
	check(added > 0 && size + (size_t)added < VECTOR_TEXT_MAX);
}

static bool vector_next(char **at, struct vector *vector)
{
	char *line = vector_line(at);
	while (line != NULL && (*line == '\0' || *line == '#'))
		line = vector_line(at);
	if (line == NULL)
		return false;
	*vector = (struct vector){0};
	snprintf(vector->command, sizeof vector->command, "%s", line);
	for (line = vector_line(at); line != NULL && strcmp(line, "----") != 0; line = vector_line(at))
		vector_add(vector->input, line);
	for (line = vector_line(at); line != NULL && *line != '\0'; line = vector_line(at)) {
		vector_add(vector->output, line);
		snprintf(vector->last, sizeof vector->last, "%s", line);
	}
	return true;
}

static char *vector_text(const char *directory, const char *name)
{
	AUTO_FREE char *path = memory_format("%s/%s", directory, name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	char *text = memory_new(VECTOR_BYTES_MAX + 1);
	size_t size = fread(text, 1, VECTOR_BYTES_MAX, file);
	fclose(file);
	text[size] = '\0';
	return text;
}

/* ---- quorums ---- */

struct poll {
	struct raft_config config;
	uint64_t values[VECTOR_MEMBERS_MAX];
	enum raft_ballot ballots[VECTOR_MEMBERS_MAX];
};

/* The words of `key=(a, b, c)`. */
static size_t poll_list(const char *command, const char *key, char words[][16])
{
	AUTO_FREE char *open = memory_format("%s=(", key);
	const char *at = strstr(command, open);
	size_t count = 0;
	if (at == NULL)
		return 0;
	AUTO_FREE char *list = memory_dup_string(at + strlen(open));
	char *rest = NULL;
	*strchr(list, ')') = '\0';
	for (char *word = strtok_r(list, ", ", &rest); word != NULL; word = strtok_r(NULL, ", ", &rest)) {
		check(count < VECTOR_MEMBERS_MAX);
		snprintf(words[count++], sizeof words[0], "%s", word);
	}
	return count;
}

static void poll_half(struct poll *poll, const char *command, const char *key, bool outgoing)
{
	char words[VECTOR_MEMBERS_MAX][16];
	size_t count = poll_list(command, key, words);
	for (size_t i = 0; i < count; i++) {
		uint64_t id = strtoull(words[i], NULL, 10);
		const struct raft_member *known = raft_config_find(&poll->config, id);
		struct raft_member member = known != NULL ? *known : (struct raft_member){.id = id};
		if (outgoing)
			member.voter_outgoing = true;
		else
			member.voter = true;
		assert_int_equal(raft_config_set(&poll->config, member), ERR_OK);
	}
}

static void poll_init(struct poll *poll, const char *command)
{
	char words[VECTOR_MEMBERS_MAX][16];
	*poll = (struct poll){0};
	poll_half(poll, command, "cfg", false);
	poll_half(poll, command, "cfgj", true);
	size_t count = poll_list(command, "idx", words);
	for (size_t i = 0; i < count; i++)
		poll->values[i] = strcmp(words[i], "_") == 0 ? 0 : strtoull(words[i], NULL, 10);
	count = poll_list(command, "votes", words);
	for (size_t i = 0; i < count; i++)
		poll->ballots[i] = words[i][0] == 'y'   ? RAFT_BALLOT_YES
		                   : words[i][0] == 'n' ? RAFT_BALLOT_NO
		                                        : RAFT_BALLOT_OPEN;
}

static size_t poll_place(const struct poll *poll, uint64_t id)
{
	return (size_t)(raft_config_find(&poll->config, id) - poll->config.members);
}

static uint64_t poll_value(const void *argument, uint64_t id)
{
	const struct poll *poll = argument;
	return poll->values[poll_place(poll, id)];
}

static enum raft_ballot poll_ballot(const void *argument, uint64_t id)
{
	const struct poll *poll = argument;
	return poll->ballots[poll_place(poll, id)];
}

static void poll_print(const struct poll *poll, const char *command, char text[32])
{
	static const char *const tallies[] = {"VotePending", "VoteWon", "VoteLost"};
	if (strncmp(command, "vote", 4) == 0) {
		snprintf(text, 32, "%s", tallies[raft_quorum_tally(&poll->config, poll_ballot, poll)]);
		return;
	}
	if (strncmp(command, "committed", 9) != 0)
		fail_msg("no command %s", command);
	uint64_t reached = raft_quorum_reached(&poll->config, poll_value, poll);
	if (reached == UINT64_MAX)
		snprintf(text, 32, "∞");
	else
		snprintf(text, 32, "%ju", (uintmax_t)reached);
}

static void quorum_vector(const struct vector *vector, size_t *number)
{
	char found[32];
	struct poll poll;
	poll_init(&poll, vector->command);
	poll_print(&poll, vector->command, found);
	/* An empty quorum is drawn in front of its answer. */
	size_t drawn = strstr(vector->last, ">∞") != NULL ? strcspn(vector->last, ">") + 1 : 0;
	if (strcmp(found, vector->last + drawn) != 0)
		fail_msg("%s: %s, not %s", vector->command, vector->last, found);
	raft_config_fini(&poll.config);
	++*number;
}

/* ---- changes ---- */

struct subject {
	struct raft_config config;
	struct raft_peers peers;
	uint64_t commands;
};

static size_t subject_changes(const char *input, struct raft_change *changes)
{
	AUTO_FREE char *words = memory_dup_string(input);
	char *rest = NULL;
	size_t count = 0;
	for (char *word = strtok_r(words, " \n", &rest); word != NULL; word = strtok_r(NULL, " \n", &rest)) {
		if (word[0] == 'u')
			continue; /* what is said of a member beside its vote is not the core's */
		check(count < VECTOR_MEMBERS_MAX);
		changes[count++] = (struct raft_change){.op = word[0] == 'v'   ? RAFT_CHANGE_VOTER
		                                              : word[0] == 'l' ? RAFT_CHANGE_LEARNER
		                                                               : RAFT_CHANGE_REMOVE,
		                                        .id = strtoull(word + 1, NULL, 10)};
	}
	return count;
}

static enum err subject_run(struct subject *subject, const struct vector *vector)
{
	struct raft_change changes[VECTOR_MEMBERS_MAX];
	size_t count = subject_changes(vector->input, changes);
	if (strncmp(vector->command, "simple", 6) == 0)
		return raft_config_change(&subject->config, changes, count);
	if (strncmp(vector->command, "leave", 5) == 0)
		return raft_config_leave_joint(&subject->config);
	if (strncmp(vector->command, "enter", 5) != 0)
		fail_msg("no command %s", vector->command);
	enum err err = raft_config_enter_joint(&subject->config, changes, count);
	if (err == ERR_OK)
		subject->config.auto_leave = strstr(vector->command, "autoleave=true") != NULL;
	return err;
}

enum subject_set { SUBJECT_VOTERS, SUBJECT_OUTGOING, SUBJECT_LEARNERS, SUBJECT_LEARNERS_NEXT };

static bool subject_has(enum subject_set set, const struct raft_member *member)
{
	switch (set) {
	case SUBJECT_VOTERS:
		return member->voter;
	case SUBJECT_OUTGOING:
		return member->voter_outgoing;
	case SUBJECT_LEARNERS:
		return !member->voter && !member->voter_outgoing;
	case SUBJECT_LEARNERS_NEXT:
		return member->learner_next;
	}
	return false;
}

/* `prefix(1 2 3)`, or nothing for an empty set. */
static void subject_print_set(FILE *out, const struct raft_config *config, enum subject_set set, const char *prefix)
{
	size_t count = 0;
	for (size_t i = 0; i < config->count; i++)
		if (subject_has(set, &config->members[i]))
			fprintf(out, "%s%ju", count++ == 0 ? prefix : " ", (uintmax_t)config->members[i].id);
	if (count != 0)
		fprintf(out, ")");
}

static void subject_print(FILE *out, const struct subject *subject)
{
	const struct raft_config *config = &subject->config;
	subject_print_set(out, config, SUBJECT_VOTERS, "voters=(");
	subject_print_set(out, config, SUBJECT_OUTGOING, "&&(");
	subject_print_set(out, config, SUBJECT_LEARNERS, " learners=(");
	subject_print_set(out, config, SUBJECT_LEARNERS_NEXT, " learners_next=(");
	fprintf(out, "%s\n", config->auto_leave ? " autoleave" : "");
	for (size_t i = 0; i < subject->peers.count; i++) {
		const struct raft_peer *peer = &subject->peers.items[i];
		fprintf(out, "%ju: StateProbe match=%ju next=%ju%s\n", (uintmax_t)peer->id, (uintmax_t)peer->match,
		        (uintmax_t)peer->next,
		        subject_has(SUBJECT_LEARNERS, raft_config_find(config, peer->id)) ? " learner" : "");
	}
}

static void change_vector(struct subject *subject, const struct vector *vector, size_t *number)
{
	char *found = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&found, &size);
	enum err err = subject_run(subject, vector);
	uint64_t last = subject->commands++;
	bool expected = strncmp(vector->output, "voters=", 7) == 0;
	if (err == ERR_OK) {
		raft_peers_follow(&subject->peers, &subject->config, last > 1 ? last : 1, 1, 1);
		subject_print(out, subject);
	}
	fclose(out);
	if (expected != (err == ERR_OK) || (expected && strcmp(found, vector->output) != 0))
		fail_msg("%s %s: expected %s found %s %s", vector->command, vector->input, vector->output,
		         err_name(err), found);
	free(found);
	++*number;
}

/* ---- files ---- */

static void vectors_quorum_file(const char *text_path, const char *name, size_t *number)
{
	struct vector vector;
	AUTO_FREE char *text = vector_text(text_path, name);
	size_t all = *number + vectors_in(text);
	for (char *at = text; vector_next(&at, &vector);)
		quorum_vector(&vector, number);
	assert_int_equal(*number, all);
}

static void vectors_change_file(const char *text_path, const char *name, size_t *number)
{
	struct vector vector;
	struct subject subject = {0};
	AUTO_FREE char *text = vector_text(text_path, name);
	size_t all = *number + vectors_in(text);
	for (char *at = text; vector_next(&at, &vector);)
		change_vector(&subject, &vector, number);
	assert_int_equal(*number, all);
	raft_peers_fini(&subject.peers);
	raft_config_fini(&subject.config);
}

static void vectors_run(const char *folder, void (*file)(const char *path, const char *name, size_t *number))
{
	AUTO_FREE char *root = vectors_directory();
	size_t number = 0;
	assert_non_null(root);
	AUTO_FREE char *path = memory_format("%s/%s", root, folder);
	DIR *directory = opendir(path);
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
		if (strstr(entry->d_name, ".txt") != NULL)
			file(path, entry->d_name, &number);
	closedir(directory);
	printf("%zu vectors of %s\n", number, folder);
	assert_true(number > 0);
}

static void quorums_agree_with_the_vectors(void **state)
{
	vectors_run("quorum", vectors_quorum_file);
}

static void changes_agree_with_the_vectors(void **state)
{
	vectors_run("confchange", vectors_change_file);
}

enum { EXIT_SKIPPED = 77 }; /* of automake's tests */

int main(void)
{
	AUTO_FREE char *root = vectors_directory();
	if (root == NULL) {
		printf("skipped: no vectors in ../shared/vectors; set ETCFS_VECTORS to their directory\n");
		return EXIT_SKIPPED;
	}
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(quorums_agree_with_the_vectors),
	    cmocka_unit_test(changes_agree_with_the_vectors),
	};
	return UNIT_RUN(tests);
}
