# The tests of tests/unit/store.

# The Raft log.
RAFTLOG_TESTS = \
	tests/unit/store/test_raftlog
check_PROGRAMS += $(RAFTLOG_TESTS)
TESTS += $(RAFTLOG_TESTS)

tests_unit_store_test_raftlog_LDADD = libstore.a libbase.a $(UNIT_LIBS)
