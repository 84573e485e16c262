# The files of store/.
noinst_LIBRARIES += libstore.a
libstore_a_SOURCES =
nodist_libstore_a_SOURCES =

# The Raft log.
libstore_a_SOURCES += \
	store/raftlog.h

# The applied state.
libstore_a_SOURCES += \
	store/kv.h \
	store/prefix.c \
	store/store.h
