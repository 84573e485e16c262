# The files of cli/.
noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
	cli/client.c cli/client.h \
	cli/change_members.c \
	cli/change_trees.c \
	cli/edit.c \
	cli/lines.c cli/lines.h \
	cli/local.c cli/local.h \
	cli/local_write.c \
	cli/command.c cli/command.h \
	cli/command_help.c \
	cli/command_table.c cli/command_table.h \
	cli/member_note.c cli/member_note.h \
	cli/show_changes.c \
	cli/show_difference.c \
	cli/show_keys.c \
	cli/show_status.c \
	cli/table.c cli/table.h \
	cli/terminal.c cli/terminal.h \
	cli/tree_client.c cli/tree_client.h \
	cli/trees.h

bin_PROGRAMS += etcfs
etcfs_SOURCES = cli/main.c
etcfs_LDADD = libcli.a $(CONTROL_LIBS)
