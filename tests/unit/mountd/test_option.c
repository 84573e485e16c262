/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mountd/option.h"

static struct option_set set;
static struct problem problem;

static int set_begin(void **state)
{
	option_set_init(&set);
	problem.text[0] = '\0';
	return 0;
}

static int set_end(void **state)
{
	option_set_fini(&set);
	return 0;
}

static enum err read_all(const char *const *argv, const char *const *environment)
{
	static const char *nothing[] = {NULL};
	int argc = 0;
	while (argv[argc] != NULL)
		argc++;
	return option_set_read(&set, argc, argv, environment != NULL ? environment : nothing, &problem);
}

#define READ(...) read_all((const char *[]){"etcfsd", __VA_ARGS__, NULL}, NULL)

/* A file that is gone when the test is. */
static void file_with(const char *text, char path[32])
{
	snprintf(path, 32, "/tmp/test_option.XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static enum err read_file(const char *text)
{
	char path[32];
	file_with(text, path);
	enum err err = READ("--config-file", path);
	unlink(path);
	return err;
}

static void a_flag_takes_its_value_after_a_space_or_an_equals_sign(void **state)
{
	assert_int_equal(READ("--name", "n1", "--data-dir=/d", "--allow-plain-peers"), ERR_OK);
	assert_string_equal(option_text(&set, OPTION_NAME), "n1");
	assert_string_equal(option_text(&set, OPTION_DATA_DIR), "/d");
	assert_true(option_is_true(&set, OPTION_ALLOW_PLAIN_PEERS));
	assert_string_equal(option_text(&set, OPTION_READS), "linearizable");
	assert_false(option_is_given(&set, OPTION_READS));
}

static void a_flag_wins_over_the_environment_and_that_over_the_file(void **state)
{
	char path[32];
	file_with("name: file\nreads: local\nlog-level = warn\n", path);
	const char *environment[] = {"PATH=/bin", "ETCFS_NAME=environment", "ETCFS_READS=linearizable", NULL};
	const char *argv[] = {"etcfsd", "--name", "flag", "--config-file", path, NULL};
	enum err err = read_all(argv, environment);
	unlink(path);
	assert_int_equal(err, ERR_OK);
	assert_string_equal(option_text(&set, OPTION_NAME), "flag");
	assert_string_equal(option_text(&set, OPTION_READS), "linearizable");
	assert_string_equal(option_text(&set, OPTION_LOG_LEVEL), "warn");
	assert_string_equal(option_origin(&set, OPTION_NAME), "--name");
	assert_string_equal(option_origin(&set, OPTION_READS), "ETCFS_READS");
	assert_non_null(strstr(option_origin(&set, OPTION_LOG_LEVEL), "log-level in /tmp/"));
}

static void a_file_has_comments_quotes_and_both_separators(void **state)
{
	assert_int_equal(read_file("# a node\n\n  name: \"n 1\"  \ninitial-cluster = a=tcp://h:1,b=tcp://h:2\n"
	                           "mount:/m\nroot-key=''\nallow-plain-peers: true"),
	                 ERR_OK);
	assert_string_equal(option_text(&set, OPTION_NAME), "n 1");
	assert_string_equal(option_text(&set, OPTION_INITIAL_CLUSTER), "a=tcp://h:1,b=tcp://h:2");
	assert_string_equal(option_text(&set, OPTION_MOUNT), "/m");
	assert_string_equal(option_text(&set, OPTION_ROOT_KEY), "");
	assert_true(option_is_true(&set, OPTION_ALLOW_PLAIN_PEERS));
}

static void an_unknown_flag_is_answered_with_the_nearest(void **state)
{
	assert_int_equal(READ("--intial-cluster", "x"), ERR_INVALID);
	assert_non_null(strstr(problem.text, "--intial-cluster"));
	assert_non_null(strstr(problem.text, "did you mean --initial-cluster"));
	assert_int_equal(READ("--frobnicate"), ERR_INVALID);
	assert_null(strstr(problem.text, "did you mean"));
}

static void an_unknown_variable_or_key_is_named(void **state)
{
	const char *argv[] = {"etcfsd", NULL}, *environment[] = {"ETCFS_NMAE=x", NULL};
	assert_int_equal(read_all(argv, environment), ERR_INVALID);
	assert_non_null(strstr(problem.text, "ETCFS_NMAE"));
	assert_int_equal(read_file("name: a\nreed: local\n"), ERR_INVALID);
	assert_non_null(strstr(problem.text, ":2: reed"));
}

static void what_is_said_twice_must_agree(void **state)
{
	assert_int_equal(READ("--name", "a", "--name", "a"), ERR_OK);
	assert_int_equal(READ("--name", "a", "--name", "b"), ERR_INVALID);
	assert_non_null(strstr(problem.text, "twice"));
}

static void a_file_that_contradicts_itself_is_refused(void **state)
{
	assert_int_equal(read_file("name: a\nname: b\n"), ERR_INVALID);
	assert_non_null(strstr(problem.text, "twice"));
}

static void half_a_flag_is_refused(void **state)
{
	assert_int_equal(READ("--name"), ERR_INVALID);
	assert_non_null(strstr(problem.text, "--name NAME"));
	assert_int_equal(READ("n1"), ERR_INVALID);
	assert_int_equal(READ("-"), ERR_INVALID);
	assert_int_equal(READ("--"), ERR_INVALID);
	assert_int_equal(READ("--allow-plain-peers=yes"), ERR_INVALID);
}

static void a_file_that_is_not_one_is_refused(void **state)
{
	assert_int_equal(READ("--config-file", "/nonexistent/file"), ERR_INVALID);
	assert_non_null(strstr(problem.text, "/nonexistent/file"));
}

static void help_is_given_however_wrong_the_rest_is(void **state)
{
	assert_int_equal(READ("--help", "--frobnicate"), ERR_OK);
	assert_true(option_is_true(&set, OPTION_HELP));
}

static void the_help_names_every_flag(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	option_print_help(file);
	fclose(file);
	for (enum option option = 0; option < OPTION_COUNT; option++)
		assert_non_null(strstr(text, option_flag(option)));
	free(text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_begin, set_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_flag_takes_its_value_after_a_space_or_an_equals_sign),
	    CASE(a_flag_wins_over_the_environment_and_that_over_the_file),
	    CASE(a_file_has_comments_quotes_and_both_separators),
	    CASE(an_unknown_flag_is_answered_with_the_nearest),
	    CASE(an_unknown_variable_or_key_is_named),
	    CASE(what_is_said_twice_must_agree),
	    CASE(a_file_that_contradicts_itself_is_refused),
	    CASE(half_a_flag_is_refused),
	    CASE(a_file_that_is_not_one_is_refused),
	    CASE(help_is_given_however_wrong_the_rest_is),
	    CASE(the_help_names_every_flag),
	};
	return UNIT_RUN(tests);
}
