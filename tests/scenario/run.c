/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs dialogues with cores: a command and its arguments on a line, `----`, and what it must print, up to an empty line.
 * `#` begins a comment.
 *
 *     run [--rewrite] FILE...
 *
 * Nothing happens by itself: messages wait until they are delivered, writes until they are told to be durable, and clocks
 * stand still, but where a command says otherwise. See tests/scenario/README.md for the commands.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/memory.h"
#include "tests/scenario/world.h"

enum { FILE_BYTES_MAX = 1 << 20 };

struct dialogue {
	const char *path;
	char *text, *at;
	char *output; /* the file as it should be */
	size_t output_size;
	FILE *out;
	unsigned line, failures;
};

/* The next line without its end, or NULL. */
static char *dialogue_line(struct dialogue *dialogue)
{
	char *line = dialogue->at;
	if (*line == '\0')
		return NULL;
	char *end = strchr(line, '\n');
	dialogue->at = end != NULL ? end + 1 : line + strlen(line);
	if (end != NULL)
		*end = '\0';
	dialogue->line++;
	return line;
}

static void dialogue_expectation(struct dialogue *dialogue, FILE *expected)
{
	char *line = dialogue_line(dialogue);
	if (line == NULL || strcmp(line, "----") != 0)
		return;
	for (line = dialogue_line(dialogue); line != NULL && *line != '\0'; line = dialogue_line(dialogue))
		fprintf(expected, "%s\n", line);
}

static void dialogue_command(struct dialogue *dialogue, struct world *world, char *command)
{
	char *expected = NULL, *found = NULL;
	size_t expected_size = 0, found_size = 0;
	unsigned line = dialogue->line;
	FILE *expected_file = open_memstream(&expected, &expected_size);
	FILE *found_file = open_memstream(&found, &found_size);
	fprintf(dialogue->out, "%s\n----\n", command);
	dialogue_expectation(dialogue, expected_file);
	world->out = found_file;
	world_command(world, command);
	fclose(expected_file);
	fclose(found_file);
	fprintf(dialogue->out, "%s\n", found);
	if (strcmp(expected, found) != 0) {
		dialogue->failures++;
		printf("%s:%u:\n--- expected\n%s+++ found\n%s\n", dialogue->path, line, expected, found);
	}
	free(expected);
	free(found);
}

static char *file_text(const char *path)
{
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		perror(path);
		exit(2);
	}
	char *text = memory_new(FILE_BYTES_MAX + 1);
	size_t size = fread(text, 1, FILE_BYTES_MAX, file);
	text[size] = '\0';
	fclose(file);
	return text;
}

static void file_rewrite(const struct dialogue *dialogue)
{
	FILE *file = fopen(dialogue->path, "w");
	if (file == NULL || fputs(dialogue->output, file) == EOF || fclose(file) != 0) {
		perror(dialogue->path);
		exit(2);
	}
}

static unsigned dialogue_run(const char *path, bool rewrite)
{
	struct dialogue dialogue = {.path = path, .text = file_text(path)};
	struct world *world = world_new();
	dialogue.at = dialogue.text;
	dialogue.out = open_memstream(&dialogue.output, &dialogue.output_size);
	for (char *line = dialogue_line(&dialogue); line != NULL; line = dialogue_line(&dialogue)) {
		if (*line == '#' || *line == '\0')
			fprintf(dialogue.out, "%s\n", line);
		else
			dialogue_command(&dialogue, world, line);
	}
	fclose(dialogue.out);
	world_free(world);
	if (rewrite)
		file_rewrite(&dialogue);
	free(dialogue.output);
	free(dialogue.text);
	return rewrite ? 0 : dialogue.failures;
}

int main(int argc, char **argv)
{
	unsigned failures = 0;
	bool rewrite = argc > 1 && strcmp(argv[1], "--rewrite") == 0;
	for (int i = rewrite ? 2 : 1; i < argc; i++)
		failures += dialogue_run(argv[i], rewrite);
	printf("%u differences\n", failures);
	return failures != 0;
}
