/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mountd/config.h"

static struct option_set set;
static struct config config;
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

static enum err make(const char *const *argv)
{
	const char *nothing[] = {NULL};
	int argc = 0;
	while (argv[argc] != NULL)
		argc++;
	option_set_fini(&set);
	option_set_init(&set);
	assert_int_equal(option_set_read(&set, argc, argv, nothing, &problem), ERR_OK);
	return config_make(&set, &config, &problem);
}

#define MAKE(...) make((const char *[]){"etcfsd", __VA_ARGS__, NULL})

static void refused(enum err err, const char *word)
{
	assert_int_equal(err, ERR_INVALID);
	if (strstr(problem.text, word) == NULL)
		fail_msg("'%s' does not say '%s'", problem.text, word);
}

static void a_mount_alone_is_a_cluster_of_one(void **state)
{
	assert_int_equal(MAKE("--mount", "/m"), ERR_OK);
	assert_int_equal(config.initial_count, 1);
	assert_string_equal(config.initial_cluster[0].name, "default");
	assert_string_equal(config.initial_cluster[0].url, "tcp://127.0.0.1:2380");
	assert_string_equal(config.listen_peer_url, "tcp://127.0.0.1:2380");
	assert_string_equal(config.data_directory, "default.etcfs");
	assert_string_equal(config.control_path, "default.etcfs/control.sock");
	assert_string_equal(config.advertise_client_urls, "http://127.0.0.1:2379");
	assert_int_equal(config.election_timeout_ms, 1000);
	assert_int_equal(config.file_bytes_max, 1 << 20);
}

static void a_node_listens_where_the_cluster_expects_it(void **state)
{
	assert_int_equal(MAKE("--name", "b", "--initial-cluster", "a=http://127.0.0.1:1,b=tcp://127.0.0.1:2"), ERR_OK);
	assert_string_equal(config.listen_peer_url, "tcp://127.0.0.1:2");
	assert_string_equal(config.initial_cluster[0].url, "tcp://127.0.0.1:1");
	assert_int_equal(MAKE("--name", "b", "--initial-cluster", "b=tcp://10.0.0.1:2", "--listen-peer-urls",
	                      "tcp://0.0.0.0:2", "--allow-plain-peers"),
	                 ERR_OK);
	assert_string_equal(config.listen_peer_url, "tcp://0.0.0.0:2");
	assert_string_equal(config.initial_cluster[0].url, "tcp://10.0.0.1:2");
}

static void a_cluster_without_this_node_is_contradictory(void **state)
{
	refused(MAKE("--name", "c", "--initial-cluster", "a=tcp://127.0.0.1:1"), "does not name this node, c");
	refused(MAKE("--name", "a", "--initial-cluster", "a=tcp://127.0.0.1:1,a=tcp://127.0.0.1:2"), "twice");
	refused(MAKE("--name", "a", "--initial-cluster", "a=tcp://127.0.0.1:1,b=http://127.0.0.1:1"), "the same URL");
	refused(MAKE("--name", "a", "--initial-cluster", ","), "0 members");
	refused(MAKE("--name", "a", "--initial-cluster", "tcp://127.0.0.1:1"), "NAME=URL");
	refused(MAKE("--name", "a", "--initial-cluster", "a=tcp://127.0.0.1:1", "--initial-advertise-peer-urls",
	             "tcp://127.0.0.1:2"),
	        "is not the URL of a");
	refused(MAKE("--listen-peer-urls", "tcp://0.0.0.0:1", "--allow-plain-peers"), "no other node can reach");
}

static void peers_beyond_loopback_need_a_word(void **state)
{
	refused(MAKE("--listen-peer-urls", "tcp://10.0.0.1:2380"), "--allow-plain-peers");
	refused(MAKE("--name", "a", "--initial-cluster", "a=tcp://127.0.0.1:1,b=tcp://10.0.0.1:1"), "10.0.0.1");
	assert_int_equal(MAKE("--listen-peer-urls", "tcp://10.0.0.1:2380", "--allow-plain-peers"), ERR_OK);
}

static void tls_is_refused_until_it_is_there(void **state)
{
	refused(MAKE("--listen-peer-urls", "tls://127.0.0.1:2380"), "not supported yet");
	refused(MAKE("--listen-client-urls", "https://127.0.0.1:2379"), "not supported yet");
}

static void times_and_sizes_have_bounds(void **state)
{
	refused(MAKE("--heartbeat-interval", "300", "--election-timeout", "1000"), "at least 5 times");
	refused(MAKE("--election-timeout", "2m"), "50 s");
	refused(MAKE("--heartbeat-interval", "0"), "not a time");
	refused(MAKE("--max-file-size", "65MiB"), "64 MiB");
	refused(MAKE("--max-file-size", "0"), "64 MiB");
	refused(MAKE("--memory", "1K"), "--memory");
	refused(MAKE("--quota-backend-bytes", "lots"), "not a size");
	assert_int_equal(MAKE("--max-file-size", "64MiB"), ERR_OK);
	assert_int_equal(config.request_bytes_max, 1536 << 10);
	assert_int_equal(config.txn_ops_max, 128);
	refused(MAKE("--max-request-bytes", "11MiB"), "10 MiB");
	refused(MAKE("--max-txn-ops", "0"), "4096");
	assert_int_equal(MAKE("--max-request-bytes", "1572864", "--max-txn-ops", "1000"), ERR_OK);
	assert_int_equal(config.txn_ops_max, 1000);
}

static void history_is_kept_for_a_day_unless_told_otherwise(void **state)
{
	assert_int_equal(MAKE("--name", "b"), ERR_OK);
	assert_int_equal(config.compaction, REPLICA_COMPACT_BY_TIME);
	assert_int_equal(config.compaction_retention, 24 * 3600 * 1000);
	assert_int_equal(MAKE("--auto-compaction-retention", "10"), ERR_OK); /* hours, as etcd has it */
	assert_int_equal(config.compaction_retention, 10 * 3600 * 1000);
	assert_int_equal(MAKE("--auto-compaction-retention", "1h30m"), ERR_OK);
	assert_int_equal(config.compaction_retention, 90 * 60 * 1000);
	assert_int_equal(MAKE("--auto-compaction-retention", "0"), ERR_OK);
	assert_int_equal(config.compaction, REPLICA_COMPACT_NEVER);
	assert_int_equal(MAKE("--auto-compaction-mode", "revision"), ERR_OK);
	assert_int_equal(config.compaction, REPLICA_COMPACT_BY_REVISIONS);
	assert_int_equal(config.compaction_retention, 1000000);
	assert_int_equal(MAKE("--auto-compaction-mode", "revision", "--auto-compaction-retention", "500"), ERR_OK);
	assert_int_equal(config.compaction_retention, 500);
	refused(MAKE("--auto-compaction-mode", "revision", "--auto-compaction-retention", "1h"), "number of revisions");
	refused(MAKE("--auto-compaction-retention", "soon"), "not a time");
	refused(MAKE("--auto-compaction-mode", "never"), "periodic, revision");
}

static void a_joiner_knows_one_member_and_itself(void **state)
{
	assert_int_equal(MAKE("--join", "http://127.0.0.1:1", "--name", "b", "--listen-peer-urls", "tcp://127.0.0.1:2",
	                      "--replace", "a"),
	                 ERR_OK);
	assert_string_equal(config.join_url, "tcp://127.0.0.1:1");
	assert_string_equal(config.replace, "a");
	assert_int_equal(config.initial_count, 1);
	assert_string_equal(config.initial_cluster[0].name, "b");
	assert_string_equal(config.initial_cluster[0].url, "tcp://127.0.0.1:2");
	assert_int_equal(MAKE("--name", "b"), ERR_OK);
	assert_null(config.join_url);
	assert_null(config.replace);
}

static void a_joiner_is_called_as_its_machine(void **state)
{
	char host[HOST_NAME_MAX + 1];
	assert_int_equal(gethostname(host, sizeof host), 0);
	assert_int_equal(MAKE("--join", "tcp://127.0.0.1:1"), ERR_OK);
	assert_string_equal(config.name, host);
	assert_string_equal(config.initial_cluster[0].name, host);
	assert_int_equal(MAKE("--join", "tcp://127.0.0.1:1", "--name", "b"), ERR_OK);
	assert_string_equal(config.name, "b");
}

static void what_contradicts_a_join_is_refused(void **state)
{
	refused(MAKE("--join", "tcp://127.0.0.1:1", "--name", "a", "--initial-cluster", "a=tcp://127.0.0.1:2"),
	        "leave --initial-cluster out");
	refused(MAKE("--join", "tcp://127.0.0.1:1", "--initial-cluster-state", "new"), "--initial-cluster-state");
	refused(MAKE("--join", "tcp://127.0.0.1:1", "--initial-cluster-token", "t"), "--initial-cluster-token");
	refused(MAKE("--join", "tcp://127.0.0.1:1", "--listen-peer-urls", "http://127.0.0.1:1"), "this node itself");
	refused(MAKE("--join", "tcp://127.0.0.1:2380"), "this node itself");
	refused(MAKE("--join", "tcp://10.0.0.1:1", "--listen-peer-urls", "tcp://10.0.0.2:1"), "--allow-plain-peers");
	refused(MAKE("--join", "tcp://10.0.0.1:1"), "--allow-plain-peers");
	refused(MAKE("--join", "tcp://10.0.0.1:1", "--allow-plain-peers"), "cannot reach this node");
	refused(MAKE("--join", "tls://127.0.0.1:1"), "not supported yet");
	refused(MAKE("--join", "n1"), "not a URL");
	refused(MAKE("--replace", "a"), "without --join");
	refused(MAKE("--join", "tcp://127.0.0.1:1", "--replace", ""), "neither a member's name nor an id");
}

static void an_odd_number_of_members_votes(void **state)
{
	assert_int_equal(MAKE("--name", "a"), ERR_OK);
	assert_int_equal(config.voters_max, 5);
	assert_int_equal(MAKE("--voters", "9"), ERR_OK);
	assert_int_equal(config.voters_max, 9);
	static const char *const wrong[] = {"0", "2", "4", "11", "-1", "three", "3.0", ""};
	for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++)
		refused(MAKE("--voters", wrong[at]), "is not an odd number from 1 to 9");
}

static void words_outside_a_choice_are_refused_with_the_choice(void **state)
{
	refused(MAKE("--reads", "fast"), "linearizable, local");
	refused(MAKE("--log-level", "loud"), "debug, info, warn, error");
	refused(MAKE("--initial-cluster-state", "old"), "new, existing");
}

static void names_fit_into_paths_and_lists(void **state)
{
	refused(MAKE("--name", ""), "cannot be a name");
	refused(MAKE("--name", "a/b"), "cannot be a name");
	refused(MAKE("--name", "a,b"), "cannot be a name");
	refused(MAKE("--name", "a\nb"), "cannot be a name");
	refused(MAKE("--name", "."), "cannot be a name");
	refused(MAKE("--root-key", "site"), "--root-key");
	refused(MAKE("--root-key", "/site/"), "--root-key");
	assert_int_equal(MAKE("--root-key", "/site/a"), ERR_OK);
}

static void client_urls_are_advertised_as_they_are_listened_on(void **state)
{
	assert_int_equal(MAKE("--listen-client-urls", "http://127.0.0.1:1,http://[::1]:2"), ERR_OK);
	assert_int_equal(config.listen_client_count, 2);
	assert_string_equal(config.listen_clients[1].host, "::1");
	assert_string_equal(config.advertise_client_urls, "http://127.0.0.1:1,http://[::1]:2");
	refused(MAKE("--advertise-client-urls", "nowhere"), "nowhere");
}

static void the_machine_must_offer_what_is_asked(void **state)
{
	char top[] = "/tmp/test_config.XXXXXX";
	assert_non_null(mkdtemp(top));
	char inside[64], deep[64];
	snprintf(inside, sizeof inside, "%s/data", top);
	snprintf(deep, sizeof deep, "%s/no/data", top);
	assert_int_equal(MAKE("--data-dir", inside), ERR_OK);
	assert_int_equal(config_check_machine(&config, &set.arena, &problem), ERR_OK);
	assert_int_equal(MAKE("--data-dir", deep), ERR_OK);
	refused(config_check_machine(&config, &set.arena, &problem), "make it first");
	assert_int_equal(MAKE("--data-dir", inside, "--mount", top), ERR_OK);
	refused(config_check_machine(&config, &set.arena, &problem), "is inside --mount");
	assert_int_equal(MAKE("--data-dir", inside, "--initial-cluster-state", "existing"), ERR_OK);
	refused(config_check_machine(&config, &set.arena, &problem), "give --join URL");
	assert_int_equal(MAKE("--data-dir", "/dev/null"), ERR_OK);
	refused(config_check_machine(&config, &set.arena, &problem), "not a directory");
	rmdir(top);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_begin, set_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_mount_alone_is_a_cluster_of_one),
	    CASE(a_node_listens_where_the_cluster_expects_it),
	    CASE(a_cluster_without_this_node_is_contradictory),
	    CASE(peers_beyond_loopback_need_a_word),
	    CASE(tls_is_refused_until_it_is_there),
	    CASE(times_and_sizes_have_bounds),
	    CASE(history_is_kept_for_a_day_unless_told_otherwise),
	    CASE(a_joiner_knows_one_member_and_itself),
	    CASE(a_joiner_is_called_as_its_machine),
	    CASE(what_contradicts_a_join_is_refused),
	    CASE(an_odd_number_of_members_votes),
	    CASE(words_outside_a_choice_are_refused_with_the_choice),
	    CASE(names_fit_into_paths_and_lists),
	    CASE(client_urls_are_advertised_as_they_are_listened_on),
	    CASE(the_machine_must_offer_what_is_asked),
	};
	return UNIT_RUN(tests);
}
