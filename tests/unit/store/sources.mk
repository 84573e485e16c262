# The tests of tests/unit/store.

# The Raft log.
check_LIBRARIES += tests/unit/store/libmemorydisk.a
tests_unit_store_libmemorydisk_a_SOURCES = \
	tests/unit/store/memory_disk.c tests/unit/store/memory_disk.h \
	tests/unit/store/raftlog_model.c tests/unit/store/raftlog_model.h
RAFTLOG_TESTS = \
	tests/unit/store/test_raftlog \
	tests/unit/store/test_raftlog_crash \
	tests/unit/store/test_raftlog_damage \
	tests/unit/store/test_raftlog_fail \
	tests/unit/store/test_raftlog_threads
check_PROGRAMS += $(RAFTLOG_TESTS)
TESTS += $(RAFTLOG_TESTS)
RAFTLOG_TEST_LIBS = tests/unit/store/libmemorydisk.a libstore.a libbase.a $(UNIT_LIBS)
tests_unit_store_test_raftlog_LDADD = $(RAFTLOG_TEST_LIBS)
tests_unit_store_test_raftlog_crash_LDADD = $(RAFTLOG_TEST_LIBS)
tests_unit_store_test_raftlog_damage_LDADD = $(RAFTLOG_TEST_LIBS)
tests_unit_store_test_raftlog_fail_LDADD = $(RAFTLOG_TEST_LIBS)
tests_unit_store_test_raftlog_threads_LDADD = $(RAFTLOG_TEST_LIBS)

# The applied state.
check_LIBRARIES += tests/unit/store/libfixture.a
tests_unit_store_libfixture_a_SOURCES = tests/unit/store/fixture.c tests/unit/store/fixture.h
STORE_TESTS = \
	tests/unit/store/test_alarm \
	tests/unit/store/test_apply \
	tests/unit/store/test_archive \
	tests/unit/store/test_claims \
	tests/unit/store/test_command \
	tests/unit/store/test_crash \
	tests/unit/store/test_digest \
	tests/unit/store/test_lease \
	tests/unit/store/test_member \
	tests/unit/store/test_model \
	tests/unit/store/test_range \
	tests/unit/store/test_recall \
	tests/unit/store/test_row \
	tests/unit/store/test_snapshot \
	tests/unit/store/test_sweep \
	tests/unit/store/test_tree \
	tests/unit/store/test_txn \
	tests/unit/store/test_view
check_PROGRAMS += $(STORE_TESTS)
TESTS += $(STORE_TESTS)
STORE_TEST_LIBS = tests/unit/store/libfixture.a libstore.a libbase.a $(UNIT_LIBS) $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS)
tests_unit_store_test_alarm_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_txn_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_tree_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_apply_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_model_SOURCES = tests/unit/store/test_model.c tests/unit/store/model.c tests/unit/store/model.h
tests_unit_store_test_member_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_model_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_snapshot_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_claims_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_command_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_lease_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_crash_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_recall_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_range_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_archive_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_digest_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_sweep_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_view_LDADD = $(STORE_TEST_LIBS)
tests_unit_store_test_row_LDADD = $(STORE_TEST_LIBS)
