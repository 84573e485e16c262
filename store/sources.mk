# The files of store/.
noinst_LIBRARIES += libstore.a
libstore_a_SOURCES =
nodist_libstore_a_SOURCES =

# The Raft log.
libstore_a_SOURCES += \
	store/raftlog.c store/raftlog.h store/raftlog_private.h \
	store/raftlog_cache.c store/raftlog_cache.h \
	store/raftlog_deque.c store/raftlog_deque.h \
	store/raftlog_disk.c store/raftlog_disk.h \
	store/raftlog_format.c store/raftlog_format.h \
	store/raftlog_identity.c \
	store/raftlog_index.c store/raftlog_index.h \
	store/raftlog_io.c store/raftlog_io.h \
	store/raftlog_keeper.c \
	store/raftlog_read.c \
	store/raftlog_recover.c \
	store/raftlog_segment.c store/raftlog_segment.h \
	store/raftlog_write.c

# The applied state.
libstore_a_SOURCES += \
	store/alarm.c store/alarm.h \
	store/apply.c \
	store/archive.c \
	store/batch.c store/batch.h \
	store/claims.c store/claims.h \
	store/command.c \
	store/compare.c \
	store/core.h \
	store/database.c store/database.h \
	store/digest.c \
	store/edit.c store/edit.h \
	store/history.c \
	store/keeper.c store/keeper.h \
	store/kv.h \
	store/layout.c store/layout.h \
	store/lease.c store/lease.h \
	store/list.c \
	store/member.c store/member.h \
	store/move.c \
	store/place.c store/place.h \
	store/prefix.c \
	store/range.c store/range.h \
	store/recall.c store/recall.h \
	store/room.c store/room.h \
	store/row.c store/row.h \
	store/scan.c store/scan.h \
	store/session.c store/session.h \
	store/snapshot.c \
	store/stats.c \
	store/store.c \
	store/store.h \
	store/sweep.c \
	store/table.c store/table.h \
	store/tree.c store/tree.h \
	store/txn.c store/txn.h \
	store/txn_read.c \
	store/view.c store/view.h
nodist_libstore_a_SOURCES += store/command.pb-c.c store/command.pb-c.h
BUILT_SOURCES += store/command.pb-c.c store/command.pb-c.h
EXTRA_DIST += store/command.proto
store/command.pb-c.h: store/command.pb-c.c
store/command.$(OBJEXT): store/command.pb-c.h
