/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command_table.h"

#include <stddef.h>

const struct command commands[] = {
    {"status", "", 0, 0, "", "how the cluster and each of its nodes is",
     "Shows every member: its role, how far it has come, how large it is, and since when it is\n"
     "up. Answers without a quorum.\n"
     "\n"
     "Examples\n"
     "  etcfs status\n"
     "  etcfs status --json | jq -r .leader\n",
     command_status},
    {"members", "", 0, 0, "", "who belongs to the cluster, and where they are reached",
     "Lists the members with their addresses: the same as etcfs member list. Answers without a\n"
     "quorum.\n"
     "\n"
     "Example\n"
     "  etcfs members\n",
     command_members},
    {"member", "COMMAND", 0, 0, "", "add, remove and change members",
     "Changes who belongs to the cluster, and who of them votes. A machine that joins by\n"
     "etcfsd --join needs none of it: it is added, and votes once it has caught up, by itself.\n"
     "\n"
     "A member is named by its name or its id, on any node. A change is made once it is agreed\n"
     "on by a majority, and refused if the votes that are left could not agree on anything.\n",
     NULL},
    {"member list", "", 0, 0, "", "who belongs to the cluster, and where they are reached",
     "Lists the members with their addresses. Answers without a quorum.\n"
     "\n"
     "Example\n"
     "  etcfs member list --json | jq -r '.members[] | select(.voter).name'\n",
     command_members},
    {"member add", "NAME URL", 2, 2, "t", "make a place for a node that is started later",
     "Adds a member that is reached at this peer URL, before it is started. It does not vote\n"
     "until it has caught up. Then start it, on its machine:\n"
     "  etcfsd --join URL-OF-ANY-MEMBER --name NAME --listen-peer-urls URL --mount DIR\n"
     "\n"
     "Started like this a node also adds itself: this command is for those who want to decide\n"
     "on one machine what another may do.\n"
     "\n"
     "Example\n"
     "  etcfs member add n4 tcp://10.0.0.4:2380\n",
     command_member_add},
    {"member remove", "NAME", 1, 1, "t", "take a member out of the cluster, for ever",
     "The member learns of it and stops, and its data directory does not start again; its\n"
     "machine may join anew with an empty one. Refused if too few of the votes that are left\n"
     "are there: bring one back first, or put a new node in the place of a dead one by\n"
     "etcfsd --join URL --replace NAME.\n"
     "\n"
     "Examples\n"
     "  etcfs member remove n3\n"
     "  etcfs member remove 8e9e05c52164694d\n",
     command_member_remove},
    {"member promote", "NAME", 1, 1, "t", "let a member vote",
     "Members that have caught up are promoted by themselves while fewer vote than etcfsd\n"
     "--voters says, always to an odd number. This makes one vote beyond that, and takes a\n"
     "demotion back. Refused before it has caught up.\n"
     "\n"
     "Example\n"
     "  etcfs member promote n4\n",
     command_member_promote},
    {"member demote", "NAME", 1, 1, "t", "take a member's vote; it keeps everything else",
     "The member goes on to have every file, and does not count for a majority any more: for a\n"
     "slow or distant machine, or before it is away for long. It is not promoted by itself\n"
     "again; etcfs member promote does it.\n"
     "\n"
     "Example\n"
     "  etcfs member demote n5\n",
     command_member_demote},
    {"member update", "NAME URL", 2, 2, "t", "a member is reached at another peer URL",
     "Tells all others the new address of a member that has moved; then start it there.\n"
     "\n"
     "Example\n"
     "  etcfs member update n2 tcp://10.0.1.2:2380\n",
     command_member_update},
    {"leader", "", 0, 0, "", "who leads",
     "Prints the leader's name. Answers without a quorum; fails when there is none.\n"
     "\n"
     "Examples\n"
     "  etcfs leader\n"
     "  test \"$(etcfs leader)\" = \"$(hostname)\" && run-once-in-the-cluster\n",
     command_leader},
    {"leader move", "[NAME]", 0, 1, "t", "hand leadership to another member",
     "To the voter that has come furthest, if none is given: before a machine is serviced.\n"
     "Writes pause for some milliseconds. A daemon that is stopped does it by itself.\n"
     "\n"
     "Examples\n"
     "  etcfs leader move\n"
     "  etcfs leader move n2\n",
     command_leader_move},
    {"get", "KEY", 1, 1, "Lrt", "the value of a key",
     "Prints the value of a key as it is; a file /a/b under the mount has the key /a/b.\n"
     "\n"
     "Examples\n"
     "  etcfs get /nginx/site.conf\n"
     "  etcfs get /nginx/site.conf --revision 41 > site.conf.old\n",
     command_get},
    {"put", "KEY [VALUE]", 1, 2, "t", "change a key, or make it",
     "Sets the value, which comes from standard input when it is not given or is '-'. Mode and\n"
     "owner of the file stay as they are.\n"
     "\n"
     "Examples\n"
     "  etcfs put /motd 'Back at noon.'\n"
     "  etcfs put /nginx/site.conf < site.conf\n",
     command_put},
    {"del", "KEY", 1, 1, "Rt", "remove a key",
     "Removes a key; with --recursive also everything below it.\n"
     "\n"
     "Examples\n"
     "  etcfs del /motd\n"
     "  etcfs del --recursive /nginx\n",
     command_del},
    {"ls", "[DIRECTORY]", 0, 1, "Lrlt", "what is in a directory",
     "Lists a directory, / if none is given; directories end in a slash. With --recursive, the\n"
     "keys below it at any depth.\n"
     "\n"
     "Examples\n"
     "  etcfs ls /nginx\n"
     "  etcfs ls --long /\n",
     command_ls},
    {"watch", "[KEY]", 0, 1, "Lv", "changes of a key and all below it, as they come",
     "Prints each change as it happens, until it is interrupted; of everything if no key is\n"
     "given. With --revision, first what has happened since then.\n"
     "\n"
     "Examples\n"
     "  etcfs watch /nginx\n"
     "  etcfs watch --json | jq -r '.change.events[].record.key'\n",
     command_watch},
    {"log", "[KEY]", 0, 1, "Lnt", "who changed what, the newest first",
     "Prints the recent changes, of a key and all below it if one is given: 20, or as many as\n"
     "--limit says.\n"
     "\n"
     "Examples\n"
     "  etcfs log\n"
     "  etcfs log --limit 100 /nginx\n",
     command_log},
    {"diff", "A B [PATH]", 2, 3, "Lt", "what is different between two points of the history",
     "Compares a file, or a directory with all below it (/ if none is given), as it was at A and\n"
     "at B: a revision (4711), a time (2026-12-01T13:00:00Z), an age (-10m), or now. Texts are\n"
     "shown as a unified diff; what was added, removed or is binary, and other modes, owners,\n"
     "links and extended attributes, in a line each; with --json, a line for each file.\n"
     "Ends as diff(1) does: 0, alike; 1, different; 2, it failed.\n"
     "\n"
     "Examples\n"
     "  etcfs diff -10m now /nginx\n"
     "  etcfs diff 4711 4712\n",
     command_diff},
    {"edit", "PATH", 1, 1, "t", "change a file or a directory in an editor, in one revision",
     "Copies a file, or a directory with all below it, to a directory of its own in TMPDIR or\n"
     "/tmp, starts VISUAL, EDITOR or vi on the copy, and makes what it has become one revision.\n"
     "If somebody else has changed anything of it meanwhile, or the editor fails, nothing is\n"
     "changed, and the copy is kept. A file that is not there is made. Backups that an editor\n"
     "leaves in a directory are files like others.\n"
     "\n"
     "Examples\n"
     "  etcfs edit /nginx/site.conf\n"
     "  EDITOR='code --wait' etcfs edit /nginx\n",
     command_edit},
    {"restore", "PATH", 1, 1, "adt", "a file or a directory as it was, in one revision",
     "Brings a file, or a directory with all below it, back as it was: what was removed since\n"
     "returns, what was added since goes; contents, modes, owners, links and extended attributes.\n"
     "All of it is one revision, or nothing happens. What it replaces is history, too: restoring\n"
     "to the revision before takes it back.\n"
     "\n"
     "WHEN is a revision (4711), a time (2026-12-01T13:00:00Z; UTC unless it has an offset) or an\n"
     "age (-10m). A time means the newest revision that was there then; etcfs log shows them.\n"
     "Prints what it does, or with --dry-run what it would do.\n"
     "\n"
     "Examples\n"
     "  etcfs restore --at -10m --dry-run /nginx\n"
     "  etcfs restore --at 4711 /nginx/site.conf\n",
     command_restore},
    {"apply", "DIR", 1, 1, "TXdt", "a whole local directory, in one revision",
     "Makes the files, directories and symbolic links of a local directory those of the cluster,\n"
     "below PATH (--to; / if it is not given): all of them in one revision, or none. Only what\n"
     "differs is written. What is new belongs to who runs this, and has the mode that it has in\n"
     "DIR; what was there keeps its owner and extended attributes. With --delete, what is below\n"
     "PATH and not in DIR goes. A DIR that is a file becomes the file at PATH.\n"
     "\n"
     "Examples\n"
     "  etcfs apply --to /nginx ./nginx\n"
     "  etcfs apply --delete --dry-run --to /nginx ./nginx\n",
     command_apply},
    {"version", "", 0, 0, "", "the version of this program", "Prints the version of this program.\n", command_version},
    {"help", "[COMMAND]", 0, 2, "", "how to use a command",
     "Explains a command.\n"
     "\n"
     "Examples\n"
     "  etcfs help watch\n"
     "  etcfs help member add\n",
     command_help},
};

const size_t command_count = sizeof commands / sizeof *commands;

const struct command_option command_options[] = {
    {"--data-dir", "DIR", 0, 0, offsetof(struct invocation, data_directory), "the data directory of the node to ask"},
    {"--endpoint", "URL", 0, 0, offsetof(struct invocation, endpoint), "or its socket: unix:///DIR/control.sock"},
    {"--json", NULL, 0, 0, offsetof(struct invocation, json), "JSON, for programs"},
    {"--help", NULL, 0, 'h', offsetof(struct invocation, help), "this text"},
    {"--version", NULL, 0, 0, offsetof(struct invocation, version), "the version of this program"},
    {"--timeout", "TIME", 't', 0, offsetof(struct invocation, timeout), "wait so long for the others: 500ms, 10s, 2m"},
    {"--local", NULL, 'L', 0, offsetof(struct invocation, local), "what the node knows, without a quorum"},
    {"--revision", "N", 'r', 0, offsetof(struct invocation, revision), "as it was at this revision"},
    {"--revision", "N", 'v', 0, offsetof(struct invocation, revision), "begin with this revision"},
    {"--recursive", NULL, 'R', 'r', offsetof(struct invocation, recursive), "all that is below, too"},
    {"--recursive", NULL, 'l', 'r', offsetof(struct invocation, recursive), "all keys below, with their whole names"},
    {"--long", NULL, 'l', 'l', offsetof(struct invocation, long_form), "size, revision and time too"},
    {"--at", "WHEN", 'a', 0, offsetof(struct invocation, at),
     "a revision, a time or an age: 4711, 2026-12-01T13:00, -10m"},
    {"--to", "PATH", 'T', 0, offsetof(struct invocation, to), "the path in the cluster"},
    {"--delete", NULL, 'X', 0, offsetof(struct invocation, remove), "remove what is not in DIR"},
    {"--dry-run", NULL, 'd', 'n', offsetof(struct invocation, dry_run), "only show what would be done"},
    {"--limit", "N", 'n', 'n', offsetof(struct invocation, limit), "at most so many changes"},
};

const size_t command_option_count = sizeof command_options / sizeof *command_options;
