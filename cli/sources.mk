# The files of cli/.
noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
	cli/client.c cli/client.h \
	cli/command.c cli/command.h \
	cli/show_changes.c \
	cli/show_keys.c \
	cli/show_status.c \
	cli/table.c cli/table.h \
	cli/terminal.c cli/terminal.h

bin_PROGRAMS += etcfs
etcfs_SOURCES = cli/main.c
etcfs_LDADD = libcli.a $(CONTROL_LIBS)
