# The tests: each folder of them lists its own.
UNIT_LIBS = $(CMOCKA_LIBS)

# Programs run as they are, scripts by Python with what they need to know of the build.
TEST_EXTENSIONS = .py .sh
PY_LOG_COMPILER = $(PYTHON)
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	SRCDIR='$(abs_top_srcdir)'; BUILDDIR='$(abs_top_builddir)'; CC='$(CC)'; \
	HEADER_FLAGS='$(DEFS) $(AM_CPPFLAGS) $(CPPFLAGS) $(AM_CFLAGS)'; \
	TSAN_OPTIONS='suppressions=$(abs_top_srcdir)/tests/support/tsan.supp'; PYTHONDONTWRITEBYTECODE=1; \
	export SRCDIR BUILDDIR CC HEADER_FLAGS TSAN_OPTIONS PYTHONDONTWRITEBYTECODE;

include tests/support/sources.mk
include tests/unit/base/sources.mk
include tests/unit/raft/sources.mk
include tests/unit/store/sources.mk
include tests/unit/replica/sources.mk
include tests/unit/fs/sources.mk
include tests/unit/tree/sources.mk
include tests/unit/api/sources.mk
include tests/unit/cli/sources.mk
include tests/unit/mountd/sources.mk
include tests/checker/sources.mk
include tests/unit/checker/sources.mk
include tests/unit/support/sources.mk
include tests/scenario/sources.mk
include tests/fuzz/sources.mk
include tests/sim/sources.mk
include tests/mount/sources.mk
include tests/conformance/sources.mk
include tests/clients/sources.mk
include tests/bench/sources.mk
include tests/lint/sources.mk
