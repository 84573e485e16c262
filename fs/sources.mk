# The files of fs/.
noinst_LIBRARIES += libfs.a
libfs_a_CPPFLAGS = $(AM_CPPFLAGS) $(FUSE3_CFLAGS)
libfs_a_SOURCES = \
	fs/fs.h \
	fs/fuse.h \
	fs/mountpoint.c fs/mountpoint.h \
	fs/node.h \
	fs/note.c fs/note.h \
	fs/replay.h \
	fs/virtual.c fs/virtual.h
