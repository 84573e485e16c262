# The tests of tests/unit/store.

# The Raft log.
RAFTLOG_TESTS = \
	tests/unit/store/test_raftlog
check_PROGRAMS += $(RAFTLOG_TESTS)
TESTS += $(RAFTLOG_TESTS)

tests_unit_store_test_raftlog_LDADD = libstore.a libbase.a $(UNIT_LIBS)

# The applied state.
noinst_LIBRARIES += tests/unit/store/libfixture.a
tests_unit_store_libfixture_a_SOURCES = tests/unit/store/fixture.c tests/unit/store/fixture.h
STORE_TESTS = \
	tests/unit/store/test_txn
check_PROGRAMS += $(STORE_TESTS)
TESTS += $(STORE_TESTS)
STORE_TEST_LIBS = tests/unit/store/libfixture.a libstore.a libbase.a $(UNIT_LIBS) $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS)
tests_unit_store_test_txn_LDADD = $(STORE_TEST_LIBS)
