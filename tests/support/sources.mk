# What tests stand on: a replica of one (solo.h), and the filesystem on it to try by hand.
check_LIBRARIES += libsolo.a
libsolo_a_SOURCES = tests/support/solo.c tests/support/solo.h

EXTRA_PROGRAMS += tests/support/solo_mount
tests_support_solo_mount_SOURCES = tests/support/solo_mount.c
tests_support_solo_mount_CFLAGS = $(AM_CFLAGS) $(FUSE3_CFLAGS)
tests_support_solo_mount_LDADD = libfs.a libsolo.a libstore.a libbase.a \
	$(FUSE3_LIBS) $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS)
EXTRA_DIST += tests/support/tsan.supp

# Prints inotify events; for tests/mount and by hand.
check_PROGRAMS += tests/support/watch
tests_support_watch_SOURCES = tests/support/watch.c
tests_support_watch_LDADD = libbase.a
