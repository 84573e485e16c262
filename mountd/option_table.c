/* SPDX-License-Identifier: Apache-2.0 */
#include "mountd/option_table.h"

#include <string.h>

#define ROW(id, name_, argument_, fallback_, section_, help_)                                                          \
	[OPTION_##id] = {.flag = "--" name_,                                                                           \
	                 .name = name_,                                                                                \
	                 .argument = argument_,                                                                        \
	                 .fallback = fallback_,                                                                        \
	                 .section = SECTION_##section_,                                                                \
	                 .help = help_}

const struct option_row option_rows[OPTION_COUNT] = {
    ROW(MOUNT, "mount", "DIR", NULL, MOUNT,
        "Mount the filesystem on this empty directory. Without it the node has none."),
    ROW(ROOT_KEY, "root-key", "KEY", "", MOUNT,
        "Show only the keys below KEY (such as /site), as the root of the mount."),
    ROW(READS, "reads", "KIND", "linearizable", MOUNT,
        "linearizable: a read shows every write that finished anywhere before it began.\n"
        "local: what this node knows; works without a quorum, and may be old."),
    ROW(READ_TIMEOUT, "read-timeout", "TIME", "5s", MOUNT,
        "How long a read waits for a quorum before it fails with EIO."),
    ROW(WRITE_TIMEOUT, "write-timeout", "TIME", "10s", MOUNT,
        "How long a write waits for a quorum before it fails: EROFS if nothing was\n"
        "changed, EIO if that is not known."),
    ROW(MAX_FILE_SIZE, "max-file-size", "SIZE", "1MiB", MOUNT, "Largest file, at most 64MiB. The same on every node."),

    ROW(NAME, "name", "NAME", NULL, NODE,
        "This node's name: unique in the cluster, and kept (default: `default`, and with\n"
        "--join the name of this machine)."),
    ROW(DATA_DIR, "data-dir", "DIR", NULL, NODE,
        "Where the node keeps its log and state; made when absent (default NAME.etcfs)."),
    ROW(QUOTA, "quota-backend-bytes", "SIZE", "2GiB", NODE,
        "All keys and values together may take this much; 0: no limit. The same on every\n"
        "node."),
    ROW(COMPACTION_MODE, "auto-compaction-mode", "MODE", "periodic", NODE,
        "How history ends, by itself: periodic, by its age; revision, by its length. Of the\n"
        "node that leads. Over twice the quota on disk, it is shortened in any case."),
    ROW(COMPACTION_RETENTION, "auto-compaction-retention", "N", NULL, NODE,
        "What is kept. periodic: a time, or hours (default 24h). revision: so many\n"
        "revisions (default 1000000). 0: all."),
    ROW(MEMORY, "memory", "SIZE", "64MiB", NODE, "Memory for the store's caches."),

    ROW(JOIN, "join", "URL", NULL, CLUSTER,
        "Join the cluster that has a member at this peer URL. Later starts go by what the\n"
        "data directory holds."),
    ROW(REPLACE, "replace", "NAME|ID", NULL, CLUSTER,
        "With --join: take the place of this member, which leaves once this node has\n"
        "caught up."),
    ROW(VOTERS, "voters", "N", "5", CLUSTER,
        "A leader lets nodes that joined vote while fewer than N members do: 1, 3, 5, 7\n"
        "or 9. The others have everything, and do not count for a majority. The same on\n"
        "every node."),
    ROW(INITIAL_CLUSTER, "initial-cluster", "NAME=URL,...", NULL, CLUSTER,
        "The members of a new cluster, this node included, alike on each node\n"
        "(default: this node alone)."),
    ROW(INITIAL_CLUSTER_STATE, "initial-cluster-state", "STATE", "new", CLUSTER,
        "new: form the cluster, if the data directory holds none yet.\n"
        "existing: the data directory must hold the node already."),
    ROW(INITIAL_CLUSTER_TOKEN, "initial-cluster-token", "TOKEN", "etcfs-cluster", CLUSTER,
        "Tells two clusters apart that have members of the same names and URLs."),
    ROW(LISTEN_PEER_URLS, "listen-peer-urls", "URL", NULL, CLUSTER,
        "Where the other nodes reach this one: tcp://HOST:PORT (default: this node's\n"
        "URL in --initial-cluster, else tcp://127.0.0.1:2380)."),
    ROW(ADVERTISE_PEER_URLS, "initial-advertise-peer-urls", "URL", NULL, CLUSTER,
        "The URL that the other nodes use for this one, as in --initial-cluster\n"
        "(default: as there, else --listen-peer-urls)."),
    ROW(ALLOW_PLAIN_PEERS, "allow-plain-peers", NULL, "false", CLUSTER,
        "Talk to peers beyond loopback without TLS: everybody on the network between\n"
        "can read and change everything."),
    ROW(HEARTBEAT_INTERVAL, "heartbeat-interval", "TIME", "100ms", CLUSTER,
        "How often a leader says that it is there."),
    ROW(ELECTION_TIMEOUT, "election-timeout", "TIME", "1000ms", CLUSTER,
        "How long silence of the leader is borne; at least 5 heartbeat intervals."),

    ROW(SNAPSHOT_COUNT, "snapshot-count", "N", "0", CLUSTER,
        "Entries of the log kept for nodes that were away; one that missed more gets a\n"
        "snapshot. 0: chosen by itself."),

    ROW(LISTEN_CLIENT_URLS, "listen-client-urls", "URL,...", "http://127.0.0.1:2379", CLIENTS,
        "Where etcd's API, /health, /livez, /readyz, /version and /metrics are served."),
    ROW(ADVERTISE_CLIENT_URLS, "advertise-client-urls", "URL,...", NULL, CLIENTS,
        "The client URLs that the members list shows (default: --listen-client-urls)."),
    ROW(WATCH_PROGRESS, "watch-progress-notify-interval", "TIME", "10m", CLIENTS,
        "How often a client's watch that asks for it is told that nothing happened."),

    ROW(REQUEST_BYTES, "max-request-bytes", "SIZE", "1536KiB", CLIENTS,
        "Largest request of a client of etcd that changes something, at most 10MiB."),
    ROW(TXN_OPS, "max-txn-ops", "N", "128", CLIENTS,
        "Operations of one level of a client's transaction, and of what is nested in it\n"
        "together; at most 4096."),

    ROW(CONFIG_FILE, "config-file", "FILE", NULL, PROGRAM,
        "Read options from a file of lines `name = value`, without the dashes."),
    ROW(LOG_LEVEL, "log-level", "LEVEL", "info", PROGRAM, "debug, info, warn or error."),
    ROW(VERSION, "version", NULL, "false", PROGRAM, "Print the version and exit."),
    ROW(HELP, "help", NULL, "false", PROGRAM, "Print this and exit."),
};

static const char *const section_titles[SECTION_COUNT] = {
    [SECTION_MOUNT] = "The filesystem",    [SECTION_NODE] = "This node",      [SECTION_CLUSTER] = "The cluster",
    [SECTION_CLIENTS] = "Client requests", [SECTION_PROGRAM] = "The program",
};

static const char help_head[] =
    "etcfsd: a directory that is the same on every machine\n"
    "\n"
    "Usage: etcfsd --mount DIR [flags]\n"
    "\n"
    "Each node runs one etcfsd. Together they keep one set of files, agreed on by a majority\n"
    "(Raft), and each shows it as a filesystem at --mount. A file that was saved is on the\n"
    "disks of a majority; a change made on one node raises inotify events on all.\n";

static const char help_tail[] =
    "\n"
    "Times are 500ms, 10s, 2m, or a number of milliseconds; sizes 64MiB, 2GiB, or a number of\n"
    "bytes. Every flag NAME-OF-FLAG can also be set as ETCFS_NAME_OF_FLAG in the environment,\n"
    "or as a line in --config-file; the flag wins over the environment, and that over the file.\n"
    "\n"
    "Examples\n"
    "  One node, to look around:\n"
    "    mkdir /tmp/etc && etcfsd --mount /tmp/etc --data-dir /tmp/etc.data\n"
    "  The first of three machines; the others differ in --name alone:\n"
    "    etcfsd --name n1 --mount /etc.d --data-dir /var/lib/etcfs --allow-plain-peers \\\n"
    "      --initial-cluster n1=tcp://10.0.0.1:2380,n2=tcp://10.0.0.2:2380,n3=tcp://10.0.0.3:2380\n"
    "  One more machine for a cluster that runs:\n"
    "    etcfsd --join tcp://10.0.0.1:2380 --mount /etc.d --data-dir /var/lib/etcfs \\\n"
    "      --listen-peer-urls tcp://10.0.0.4:2380 --allow-plain-peers\n"
    "  In the place of one that is dead:\n"
    "    etcfsd --join tcp://10.0.0.1:2380 --replace n2 --mount /etc.d ...\n"
    "  Ask the node how the cluster is:\n"
    "    etcfs --data-dir /var/lib/etcfs status\n"
    "\n"
    "Exit status: 0 stopped as asked; 1 failed; 2 wrong usage; 3 something is in the way that a\n"
    "restart does not cure (directory in use, of another node, or newer; mount point not empty).\n";

/* A line of the help, and those that follow it under the same column. */
static void option_print_lines(FILE *file, const char *text)
{
	for (const char *line = text; line != NULL;) {
		const char *end = strchr(line, '\n');
		int size = end != NULL ? (int)(end - line) : (int)strlen(line);
		fprintf(file, "        %.*s\n", size, line);
		line = end != NULL ? end + 1 : NULL;
	}
}

static void option_print_row(FILE *file, const struct option_row *row)
{
	fprintf(file, "  %s%s%s", row->flag, row->argument != NULL ? " " : "",
	        row->argument != NULL ? row->argument : "");
	if (row->argument != NULL && row->fallback != NULL && row->fallback[0] != '\0')
		fprintf(file, "  (default %s)", row->fallback);
	fprintf(file, "\n");
	option_print_lines(file, row->help);
}

void option_print_help(FILE *file)
{
	fputs(help_head, file);
	for (enum option_section section = 0; section < SECTION_COUNT; section++) {
		fprintf(file, "\n%s\n", section_titles[section]);
		for (enum option option = 0; option < OPTION_COUNT; option++) {
			if (option_rows[option].section == section)
				option_print_row(file, &option_rows[option]);
		}
	}
	fputs(help_tail, file);
}
