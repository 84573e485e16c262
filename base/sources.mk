# The files of base/.
noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	base/arena.c base/arena.h \
	base/base64.c base/base64.h \
	base/bug.h \
	base/buffer.c base/buffer.h \
	base/bytes.c base/bytes.h \
	base/check.c base/check.h \
	base/clock.c base/clock.h \
	base/crc32c.c base/crc32c.h \
	base/cursor.c base/cursor.h \
	base/err.c base/err.h \
	base/file.c base/file.h \
	base/limits.h \
	base/log.c base/log.h \
	base/mailbox.c base/mailbox.h \
	base/map.c base/map.h \
	base/memory.c base/memory.h \
	base/name.c base/name.h \
	base/nearest.c base/nearest.h \
	base/problem.c base/problem.h \
	base/proto.h \
	base/quantity.c base/quantity.h \
	base/random.c base/random.h \
	base/role.c base/role.h \
	base/url.c base/url.h \
	base/wait.c base/wait.h \
	base/when.c base/when.h
