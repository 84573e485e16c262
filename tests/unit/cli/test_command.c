/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command_table.h"

static struct invocation invocation;
static const struct command *command;

/* What goes to standard error while a case runs is not for the reader of the test's output. */
static int quiet_begin(void **state)
{
	static int kept = -1;
	if (kept < 0)
		kept = dup(STDERR_FILENO);
	*state = &kept;
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(nowhere, STDERR_FILENO);
	close(nowhere);
	invocation = (struct invocation){0};
	command = NULL;
	return 0;
}

static int quiet_end(void **state)
{
	fflush(stderr);
	dup2(*(int *)*state, STDERR_FILENO);
	return 0;
}

static enum cli_exit parse(char *const *argv)
{
	int argc = 0;
	while (argv[argc] != NULL)
		argc++;
	return command_parse(argc, argv, &invocation, &command);
}

#define PARSE(...) parse((char *const *)(const char *const[]){"etcfs", __VA_ARGS__, NULL})

static void options_may_stand_anywhere(void **state)
{
	assert_int_equal(PARSE("--data-dir", "/d", "get", "--json", "/k", "--revision=7"), EXIT_OK);
	assert_string_equal(command->name, "get");
	assert_string_equal(invocation.data_directory, "/d");
	assert_string_equal(invocation.arguments[0], "/k");
	assert_string_equal(invocation.revision, "7");
	assert_true(invocation.json);
}

static void short_options_may_be_joined(void **state)
{
	assert_int_equal(PARSE("ls", "-lr", "/a"), EXIT_OK);
	assert_true(invocation.long_form && invocation.recursive);
	assert_int_equal(PARSE("log", "-n", "5"), EXIT_OK);
	assert_string_equal(invocation.limit, "5");
	assert_int_equal(PARSE("ls", "-lx"), EXIT_USAGE);
}

static void a_command_takes_its_own_options_alone(void **state)
{
	assert_int_equal(PARSE("del", "--recursive", "/a"), EXIT_OK);
	assert_int_equal(PARSE("put", "--recursive", "/a"), EXIT_USAGE);
	assert_int_equal(PARSE("status", "--limit", "3"), EXIT_USAGE);
	assert_int_equal(PARSE("--local", "get", "/a"), EXIT_USAGE);
}

static void the_number_of_words_is_checked(void **state)
{
	assert_int_equal(PARSE("get"), EXIT_USAGE);
	assert_int_equal(PARSE("get", "/a", "/b"), EXIT_USAGE);
	assert_int_equal(PARSE("put", "/a", "v", "w"), EXIT_USAGE);
	assert_int_equal(PARSE("ls"), EXIT_OK);
	assert_int_equal(PARSE("get", "--revision"), EXIT_USAGE);
	assert_int_equal(PARSE("get", "/a", "--json=yes"), EXIT_USAGE);
}

static void words_after_two_dashes_are_no_options(void **state)
{
	assert_int_equal(PARSE("put", "--", "-k", "--json"), EXIT_OK);
	assert_string_equal(invocation.arguments[0], "-k");
	assert_string_equal(invocation.arguments[1], "--json");
	assert_false(invocation.json);
	assert_int_equal(PARSE("put", "/k", "-"), EXIT_OK);
	assert_string_equal(invocation.arguments[1], "-");
}

static void help_needs_no_arguments(void **state)
{
	assert_int_equal(PARSE("get", "--help"), EXIT_OK);
	assert_true(invocation.help);
	assert_int_equal(PARSE("-h"), EXIT_OK);
	assert_null(command);
	assert_int_equal(parse((char *const *)(const char *const[]){"etcfs", NULL}), EXIT_USAGE);
	assert_int_equal(PARSE("frobnicate"), EXIT_USAGE);
}

static void an_unknown_command_finds_the_nearest(void **state)
{
	const char *nearest = NULL;
	assert_null(command_find(NULL, "stauts", &nearest));
	assert_string_equal(nearest, "status");
	const struct command *member = command_find(NULL, "member", &nearest);
	assert_null(command_find(member, "remvoe", &nearest));
	assert_string_equal(nearest, "remove");
}

static void a_command_may_have_two_words(void **state)
{
	assert_int_equal(PARSE("member", "--json", "add", "n4", "--timeout=1s", "tcp://h:1"), EXIT_OK);
	assert_string_equal(command->name, "member add");
	assert_string_equal(invocation.arguments[0], "n4");
	assert_string_equal(invocation.arguments[1], "tcp://h:1");
	assert_string_equal(invocation.timeout, "1s");
	assert_true(invocation.json);
	assert_int_equal(PARSE("member", "add", "n4"), EXIT_USAGE);
	assert_int_equal(PARSE("add", "n4", "tcp://h:1"), EXIT_USAGE);
	assert_int_equal(PARSE("member", "member", "add"), EXIT_USAGE);
	assert_int_equal(PARSE("member", "frobnicate"), EXIT_USAGE);
}

static void the_first_of_two_words_may_be_a_command_or_not(void **state)
{
	assert_int_equal(PARSE("leader"), EXIT_OK);
	assert_string_equal(command->name, "leader");
	assert_int_equal(PARSE("leader", "move"), EXIT_OK);
	assert_string_equal(command->name, "leader move");
	assert_int_equal(invocation.argument_count, 0);
	assert_int_equal(PARSE("leader", "mvoe"), EXIT_USAGE);
	assert_int_equal(PARSE("member"), EXIT_USAGE);
	assert_int_equal(PARSE("member", "--help"), EXIT_OK);
	assert_string_equal(command->name, "member");
}

static void the_table_is_whole(void **state)
{
	for (size_t at = 0; at < command_count; at++) {
		bool parent = commands[at].run == NULL;
		for (size_t other = 0; other < command_count; other++)
			parent = parent || command_is_below(&commands[other], &commands[at]);
		assert_true(commands[at].arguments_max <= COMMAND_ARGUMENTS_MAX);
		assert_true(!parent || commands[at].arguments_max == 0);
		for (const char *letter = commands[at].options; *letter != '\0'; letter++) {
			size_t option = 0;
			while (option < command_option_count && command_options[option].letter != *letter)
				option++;
			assert_true(option < command_option_count);
		}
	}
}

static const char *help_of(const struct command *which)
{
	static char text[8192];
	FILE *file = fmemopen(text, sizeof text, "w");
	if (which != NULL)
		command_print_help(which, file);
	else
		command_print_overview(file);
	fclose(file);
	return text;
}

static void the_help_of_a_first_word_shows_the_second_ones(void **state)
{
	const char *nearest;
	const char *text = help_of(command_find(NULL, "member", &nearest));
	assert_non_null(strstr(text, "member promote"));
	assert_null(strstr(text, "leader move"));
	text = help_of(NULL);
	for (size_t at = 0; at < command_count; at++) {
		if (commands[at].run != NULL)
			assert_non_null(strstr(text, commands[at].name));
	}
}

static void numbers_are_above_zero(void **state)
{
	int64_t number = 0;
	assert_int_equal(command_number("--limit", "12", &number), EXIT_OK);
	assert_int_equal(number, 12);
	static const char *const wrong[] = {"", "0", "-1", "+1", " 1", "1x", "x", "9223372036854775808"};
	for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++)
		assert_int_equal(command_number("--limit", wrong[at], &number), EXIT_USAGE);
	assert_int_equal(number, 12);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, quiet_begin, quiet_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(options_may_stand_anywhere),
	    CASE(short_options_may_be_joined),
	    CASE(a_command_takes_its_own_options_alone),
	    CASE(the_number_of_words_is_checked),
	    CASE(words_after_two_dashes_are_no_options),
	    CASE(help_needs_no_arguments),
	    CASE(an_unknown_command_finds_the_nearest),
	    CASE(a_command_may_have_two_words),
	    CASE(the_first_of_two_words_may_be_a_command_or_not),
	    CASE(the_table_is_whole),
	    CASE(the_help_of_a_first_word_shows_the_second_ones),
	    CASE(numbers_are_above_zero),
	};
	return UNIT_RUN(tests);
}
