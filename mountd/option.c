/* SPDX-License-Identifier: Apache-2.0 */
#include "mountd/option.h"

#include <ctype.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "base/nearest.h"
#include "mountd/option_table.h"

enum {
	OPTION_FILE_BYTES_MAX = 256 << 10,
	OPTION_NAME_BYTES_MAX = 64,
};

void option_set_init(struct option_set *set)
{
	memset(set, 0, sizeof *set);
	arena_init(&set->arena);
	for (enum option option = 0; option < OPTION_COUNT; option++)
		set->values[option].text = option_rows[option].fallback;
}

void option_set_fini(struct option_set *set)
{
	arena_fini(&set->arena);
}

/* ---- finding a row ---- */

static enum option option_find(struct bytes name)
{
	enum option option = 0;
	while (option < OPTION_COUNT && !bytes_equal(name, bytes_of_string(option_rows[option].name)))
		option++;
	return option;
}

/* "ETCFS_LISTEN_PEER_URLS" for "listen-peer-urls". */
static void option_environment_name(enum option option, char name[OPTION_NAME_BYTES_MAX])
{
	size_t used = (size_t)snprintf(name, OPTION_NAME_BYTES_MAX, "ETCFS_%s", option_rows[option].name);
	check(used < OPTION_NAME_BYTES_MAX);
	for (size_t at = 0; at < used; at++)
		name[at] = name[at] == '-' ? '_' : (char)toupper((unsigned char)name[at]);
}

static const char *option_nearest(const char *name)
{
	const char *names[OPTION_COUNT];
	for (size_t option = 0; option < OPTION_COUNT; option++)
		names[option] = option_rows[option].name;
	return nearest_word(name, names, OPTION_COUNT);
}

static enum err option_unknown(const char *where, const char *name, struct problem *problem)
{
	const char *nearest = option_nearest(name);
	return problem_set(problem, "%s%s: there is no such option%s%s%s", where, name,
	                   nearest != NULL ? "; did you mean " : "; see etcfsd --help",
	                   nearest != NULL ? (where[0] == '-' ? "--" : "") : "", nearest != NULL ? nearest : "");
}

/* ---- setting ---- */

static bool option_is_switch(enum option option)
{
	return option_rows[option].argument == NULL;
}

/* A lower source never overwrites a higher one, whatever the order of the calls. */
static enum err option_set_value(struct option_set *set, enum option option, struct option_value value,
                                 const char *origin, struct problem *problem)
{
	if (option_is_switch(option) && strcmp(value.text, "true") != 0 && strcmp(value.text, "false") != 0)
		return problem_set(problem, "%s is true or false, not '%s'", origin, value.text);
	struct option_value *before = &set->values[option];
	if (before->source == value.source && strcmp(before->text, value.text) != 0)
		return problem_set(problem, "%s is given twice, as '%s' and as '%s'", origin, before->text, value.text);
	if (value.source > before->source)
		*before = value;
	return ERR_OK;
}

/* ---- the command line ---- */

/* One flag at argv[*at]; *at moves past its value when that is a word of its own. */
static enum err option_read_flag(struct option_set *set, const char *const *argv, int *at, struct problem *problem)
{
	const char *word = argv[*at];
	if (strncmp(word, "--", 2) != 0 || word[2] == '\0')
		return problem_set(problem, "'%s' is not a flag: etcfsd takes only flags; see etcfsd --help", word);
	const char *equals = strchr(word, '=');
	struct bytes name = bytes_of(word + 2, equals != NULL ? (size_t)(equals - word - 2) : strlen(word + 2));
	enum option option = option_find(name);
	if (option == OPTION_COUNT)
		return option_unknown("--", arena_dup_string(&set->arena, name), problem);
	const char *text = equals != NULL ? equals + 1 : NULL;
	if (text == NULL && option_is_switch(option))
		text = "true";
	if (text == NULL && argv[*at + 1] != NULL)
		text = argv[++*at];
	if (text == NULL)
		return problem_set(problem, "--%s wants a value: --%s %s", option_rows[option].name,
		                   option_rows[option].name, option_rows[option].argument);
	return option_set_value(set, option, (struct option_value){text, OPTION_FROM_FLAG}, option_flag(option),
	                        problem);
}

static enum err option_read_flags(struct option_set *set, int argc, const char *const *argv, struct problem *problem)
{
	for (int at = 1; at < argc; at++) {
		enum err err = option_read_flag(set, argv, &at, problem);
		if (err != ERR_OK)
			return err;
		if (option_is_true(set, OPTION_HELP) || option_is_true(set, OPTION_VERSION))
			return ERR_OK;
	}
	return ERR_OK;
}

/* ---- the environment ---- */

static enum err option_read_variable(struct option_set *set, const char *variable, struct problem *problem)
{
	const char *equals = strchr(variable, '=');
	if (strncmp(variable, "ETCFS_", 6) != 0 || equals == NULL)
		return ERR_OK;
	struct bytes name = bytes_of(variable, (size_t)(equals - variable));
	if (bytes_equal(name, BYTES_LITERAL("ETCFS_ENDPOINT"))) /* the command line's */
		return ERR_OK;
	for (enum option option = 0; option < OPTION_COUNT; option++) {
		char expected[OPTION_NAME_BYTES_MAX];
		option_environment_name(option, expected);
		if (option == OPTION_HELP || option == OPTION_VERSION || !bytes_equal(name, bytes_of_string(expected)))
			continue;
		return option_set_value(set, option, (struct option_value){equals + 1, OPTION_FROM_ENVIRONMENT},
		                        arena_dup_string(&set->arena, name), problem);
	}
	return problem_set(problem, "%s in the environment names no option of etcfsd: unset it, or see etcfsd --help",
	                   arena_dup_string(&set->arena, name));
}

static enum err option_read_environment(struct option_set *set, const char *const *environment, struct problem *problem)
{
	for (size_t at = 0; environment[at] != NULL; at++) {
		enum err err = option_read_variable(set, environment[at], problem);
		if (err != ERR_OK)
			return err;
	}
	return ERR_OK;
}

/* ---- the file: `key = value` or `key: value`, # begins a comment line ---- */

static struct bytes option_trim(struct bytes text)
{
	while (text.size > 0 && isspace(text.data[0]))
		text = bytes_from(text, 1);
	while (text.size > 0 && isspace(text.data[text.size - 1]))
		text.size--;
	return text;
}

static struct bytes option_unquote(struct bytes text)
{
	bool quoted =
	    text.size >= 2 && (text.data[0] == '"' || text.data[0] == '\'') && text.data[text.size - 1] == text.data[0];
	return quoted ? bytes_of(text.data + 1, text.size - 2) : text;
}

static enum err option_read_line(struct option_set *set, const char *where, struct bytes line, struct problem *problem)
{
	size_t mark = 0;
	while (mark < line.size && line.data[mark] != '=' && line.data[mark] != ':')
		mark++;
	if (mark == line.size)
		return problem_set(problem, "%s: neither 'key = value' nor 'key: value'", where);
	struct bytes name = option_trim(bytes_of(line.data, mark));
	enum option option = option_find(name);
	if (option == OPTION_COUNT)
		return option_unknown(arena_format(&set->arena, "%s: ", where), arena_dup_string(&set->arena, name),
		                      problem);
	if (option == OPTION_CONFIG_FILE || option == OPTION_HELP || option == OPTION_VERSION)
		return problem_set(problem, "%s: %s has no meaning in a file", where, option_rows[option].name);
	const char *text = arena_dup_string(&set->arena, option_unquote(option_trim(bytes_from(line, mark + 1))));
	return option_set_value(set, option, (struct option_value){text, OPTION_FROM_FILE}, where, problem);
}

static enum err option_read_lines(struct option_set *set, const char *path, struct bytes content,
                                  struct problem *problem)
{
	for (size_t number = 1; content.size > 0; number++) {
		const uint8_t *end = memchr(content.data, '\n', content.size);
		size_t size = end != NULL ? (size_t)(end - content.data) : content.size;
		struct bytes line = option_trim(bytes_of(content.data, size));
		content = bytes_from(content, end != NULL ? size + 1 : size);
		if (line.size == 0 || line.data[0] == '#')
			continue;
		if (memchr(line.data, '\0', line.size) != NULL)
			return problem_set(problem, "%s:%zu: not a text file", path, number);
		enum err err = option_read_line(set, arena_format(&set->arena, "%s:%zu", path, number), line, problem);
		if (err != ERR_OK)
			return err;
	}
	return ERR_OK;
}

static enum err option_read_file(struct option_set *set, struct problem *problem)
{
	const char *path = option_text(set, OPTION_CONFIG_FILE);
	if (path == NULL || path[0] == '\0')
		return ERR_OK;
	struct bytes content;
	enum err err = file_read(path, OPTION_FILE_BYTES_MAX, &set->arena, &content);
	if (err != ERR_OK)
		return problem_set(problem, "%s: %s cannot be read: %s", option_origin(set, OPTION_CONFIG_FILE), path,
		                   err_text(err));
	return option_read_lines(set, path, content, problem);
}

enum err option_set_read(struct option_set *set, int argc, const char *const *argv, const char *const *environment,
                         struct problem *ret_problem)
{
	enum err err = option_read_flags(set, argc, argv, ret_problem);
	if (err != ERR_OK || option_is_true(set, OPTION_HELP) || option_is_true(set, OPTION_VERSION))
		return err;
	err = option_read_environment(set, environment, ret_problem);
	return err == ERR_OK ? option_read_file(set, ret_problem) : err;
}

/* ---- asking ---- */

const char *option_text(const struct option_set *set, enum option option)
{
	return set->values[option].text;
}

bool option_is_given(const struct option_set *set, enum option option)
{
	return set->values[option].source != OPTION_FROM_DEFAULT;
}

bool option_is_true(const struct option_set *set, enum option option)
{
	const char *text = set->values[option].text;
	return text != NULL && strcmp(text, "true") == 0;
}

const char *option_flag(enum option option)
{
	return option_rows[option].flag;
}

const char *option_origin(struct option_set *set, enum option option)
{
	char name[OPTION_NAME_BYTES_MAX];
	switch (set->values[option].source) {
	case OPTION_FROM_ENVIRONMENT:
		option_environment_name(option, name);
		return arena_format(&set->arena, "%s", name);
	case OPTION_FROM_FILE:
		return arena_format(&set->arena, "%s in %s", option_rows[option].name,
		                    option_text(set, OPTION_CONFIG_FILE));
	case OPTION_FROM_DEFAULT:
	case OPTION_FROM_FLAG:
		return option_rows[option].flag;
	}
	check(false);
	return NULL;
}
