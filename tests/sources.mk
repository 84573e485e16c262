# The tests: each folder of them lists its own.
UNIT_LIBS = $(CMOCKA_LIBS)

include tests/unit/base/sources.mk
include tests/unit/raft/sources.mk
include tests/unit/store/sources.mk
include tests/unit/replica/sources.mk
include tests/unit/fs/sources.mk
include tests/unit/api/sources.mk
include tests/unit/mountd/sources.mk
include tests/scenario/sources.mk
include tests/sim/sources.mk
include tests/mount/sources.mk
include tests/bench/sources.mk
include tests/lint/sources.mk
