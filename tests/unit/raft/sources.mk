# The tests of tests/unit/raft.
RAFT_TESTS = \
	tests/unit/raft/test_config \
	tests/unit/raft/test_lease \
	tests/unit/raft/test_nonsense \
	tests/unit/raft/test_progress \
	tests/unit/raft/test_propose \
	tests/unit/raft/test_quorum \
	tests/unit/raft/test_step \
	tests/unit/raft/test_trail \
	tests/unit/raft/test_vectors \
	tests/unit/raft/test_writes
check_PROGRAMS += $(RAFT_TESTS)
TESTS += $(RAFT_TESTS)

tests_unit_raft_test_config_LDADD = libraft.a libbase.a $(UNIT_LIBS)
tests_unit_raft_test_lease_LDADD = libraft.a libbase.a $(UNIT_LIBS)
tests_unit_raft_test_nonsense_SOURCES = tests/unit/raft/test_nonsense.c tests/sim/node.c tests/sim/node.h
tests_unit_raft_test_nonsense_LDADD = libraft.a libbase.a $(UNIT_LIBS)
tests_unit_raft_test_progress_LDADD = libraft.a libbase.a $(UNIT_LIBS)
tests_unit_raft_test_propose_LDADD = libraft.a libbase.a $(UNIT_LIBS)
tests_unit_raft_test_quorum_LDADD = libraft.a libbase.a $(UNIT_LIBS)
tests_unit_raft_test_step_LDADD = libraft.a libbase.a $(UNIT_LIBS)
tests_unit_raft_test_trail_LDADD = libraft.a libbase.a $(UNIT_LIBS)
tests_unit_raft_test_vectors_LDADD = libraft.a libbase.a $(UNIT_LIBS)
tests_unit_raft_test_writes_LDADD = libraft.a libbase.a $(UNIT_LIBS)
