# The files of fs/.
noinst_LIBRARIES += libfs.a
libfs_a_CPPFLAGS = $(AM_CPPFLAGS) $(FUSE3_CFLAGS)
libfs_a_SOURCES = \
	fs/announce.c fs/announce.h \
	fs/attr.c fs/attr.h \
	fs/draft.c fs/draft.h \
	fs/fs.h \
	fs/fuse.h \
	fs/helper.c fs/helper.h \
	fs/helper_call.c fs/helper_call.h \
	fs/helper_do.c \
	fs/helper_process.c fs/helper_process.h \
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
	fs/replay.c fs/replay.h fs/replay_state.h \
	fs/replay_answer.c \
	fs/replay_change.c \
	fs/replay_run.c fs/replay_run.h \
	fs/rim.c fs/rim.h \
	fs/step.h \
	fs/step_queue.c fs/step_queue.h \
	fs/verdict.c fs/verdict.h \
	fs/virtual.c fs/virtual.h

libfs_a_SOURCES += \
	fs/call.c fs/call.h \
	fs/closing.c fs/closing.h \
	fs/commit.c \
	fs/entry.c fs/entry.h \
	fs/fs.c \
	fs/handle.c fs/handle.h \
	fs/warden.c fs/warden.h \
	fs/history.c fs/history.h \
	fs/listing.c fs/listing.h \
	fs/past.c fs/past.h \
	fs/op_history.c \
	fs/mode.c fs/mode.h \
	fs/op.c fs/op.h \
	fs/op_create.c \
	fs/op_directory.c \
	fs/op_file.c fs/op_file.h \
	fs/op_lookup.c \
	fs/op_make.c fs/op_make.h \
	fs/op_names.c \
	fs/op_setattr.c \
	fs/op_virtual.c \
	fs/op_xattr.c \
	fs/own.c fs/own.h \
	fs/reading.c fs/reading.h \
	fs/reply.c fs/reply.h \
	fs/session.c fs/session.h \
	fs/settle.c fs/settle.h \
	fs/stage.c fs/stage.h \
	fs/state.h \
	fs/xattr.c fs/xattr.h
