# The tests of replica/.
check_LIBRARIES += libcluster.a
libcluster_a_SOURCES = tests/unit/replica/cluster.c tests/unit/replica/cluster.h
REPLICA_TESTS = \
	tests/unit/replica/test_cluster \
	tests/unit/replica/test_replica
check_PROGRAMS += $(REPLICA_TESTS)
TESTS += $(REPLICA_TESTS)

tests_unit_replica_test_replica_LDADD = libcluster.a $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_cluster_LDADD = libcluster.a $(REPLICA_LIBS) $(UNIT_LIBS)
