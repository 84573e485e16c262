# The files of cli/.
noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
	cli/client.c cli/client.h \
	cli/change_members.c \
	cli/change_trees.c \
	cli/local.c cli/local.h \
	cli/command.c cli/command.h \
	cli/command_help.c \
	cli/command_table.c cli/command_table.h \
	cli/member_note.c cli/member_note.h \
	cli/show_changes.c \
	cli/show_keys.c \
	cli/show_status.c \
	cli/table.c cli/table.h \
	cli/terminal.c cli/terminal.h

bin_PROGRAMS += etcfs
etcfs_SOURCES = cli/main.c
etcfs_LDADD = libcli.a $(CONTROL_LIBS)
