# The files of store/.
noinst_LIBRARIES += libstore.a
libstore_a_SOURCES =
nodist_libstore_a_SOURCES =

# The Raft log.
libstore_a_SOURCES += \
	store/raftlog.h

# The applied state.
libstore_a_SOURCES += \
	store/command.c \
	store/database.c store/database.h \
	store/kv.h \
	store/layout.c store/layout.h \
	store/prefix.c \
	store/row.c store/row.h \
	store/store.h \
	store/view.c store/view.h
nodist_libstore_a_SOURCES += store/command.pb-c.c store/command.pb-c.h
BUILT_SOURCES += store/command.pb-c.c store/command.pb-c.h
EXTRA_DIST += store/command.proto
store/command.pb-c.h: store/command.pb-c.c
store/command.$(OBJEXT): store/command.pb-c.h
