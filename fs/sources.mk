# The files of fs/.
noinst_LIBRARIES += libfs.a
libfs_a_CPPFLAGS = $(AM_CPPFLAGS) $(FUSE3_CFLAGS)
libfs_a_SOURCES = \
	fs/attr.c fs/attr.h \
	fs/edit.c fs/edit.h \
	fs/fs.h \
	fs/fuse.h \
	fs/mountpoint.c fs/mountpoint.h \
	fs/names.c fs/names.h \
	fs/node.c fs/node.h fs/node_table.h \
	fs/node_follow.c \
	fs/note.c fs/note.h \
	fs/object.c fs/object.h \
	fs/plan.c fs/plan.h \
	fs/plan_change.c \
	fs/plan_make.c \
	fs/plan_remove.c \
	fs/plan_rename.c \
	fs/replay.h \
	fs/rim.c fs/rim.h \
	fs/verdict.c fs/verdict.h \
	fs/virtual.c fs/virtual.h
