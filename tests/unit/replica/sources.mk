# The tests of replica/.
check_LIBRARIES += libcluster.a
libcluster_a_SOURCES = tests/unit/replica/cluster.c tests/unit/replica/cluster.h
check_LIBRARIES += libloopworld.a
libloopworld_a_SOURCES = tests/unit/replica/loop_world.c tests/unit/replica/loop_world.h
REPLICA_TESTS = \
	tests/unit/replica/test_asks \
	tests/unit/replica/test_barriers \
	tests/unit/replica/test_cluster \
	tests/unit/replica/test_compactor \
	tests/unit/replica/test_configuration \
	tests/unit/replica/test_crew \
	tests/unit/replica/test_decision \
	tests/unit/replica/test_entry \
	tests/unit/replica/test_fetch \
	tests/unit/replica/test_frame \
	tests/unit/replica/test_identity \
	tests/unit/replica/test_install \
	tests/unit/replica/test_join \
	tests/unit/replica/test_inquiries \
	tests/unit/replica/test_lease_cluster \
	tests/unit/replica/test_lessor \
	tests/unit/replica/test_loop \
	tests/unit/replica/test_loop_change \
	tests/unit/replica/test_loop_lease \
	tests/unit/replica/test_membership \
	tests/unit/replica/test_node_standing \
	tests/unit/replica/test_pending \
	tests/unit/replica/test_replica \
	tests/unit/replica/test_reports \
	tests/unit/replica/test_roll \
	tests/unit/replica/test_roster \
	tests/unit/replica/test_shelf \
	tests/unit/replica/test_standing \
	tests/unit/replica/test_transport
check_PROGRAMS += $(REPLICA_TESTS)
TESTS += $(REPLICA_TESTS)
dist_check_SCRIPTS += tests/unit/replica/install-long.sh
LONG_TESTS += tests/unit/replica/install-long.sh

tests_unit_replica_test_compactor_LDADD = tests/unit/store/libfixture.a $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_asks_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_barriers_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_cluster_LDADD = libcluster.a $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_configuration_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_crew_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_decision_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_entry_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_fetch_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_frame_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_identity_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_install_LDADD = libcluster.a $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_join_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_inquiries_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_lessor_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_loop_lease_LDADD = libloopworld.a $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_lease_cluster_LDADD = libcluster.a $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_loop_LDADD = libloopworld.a $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_loop_change_LDADD = libloopworld.a $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_membership_LDADD = libcluster.a $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_node_standing_LDADD = libcluster.a $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_pending_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_replica_LDADD = libcluster.a $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_reports_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_roll_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_roster_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_shelf_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_standing_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
tests_unit_replica_test_transport_LDADD = $(REPLICA_LIBS) $(UNIT_LIBS)
