# The files of fs/.
noinst_LIBRARIES += libfs.a
libfs_a_CPPFLAGS = $(AM_CPPFLAGS) $(FUSE3_CFLAGS)
libfs_a_SOURCES = \
	fs/fs.h \
	fs/fuse.h \
	fs/node.h \
	fs/note.c fs/note.h \
	fs/replay.h
