# The simulator.
SIM_SOURCES = \
	tests/sim/checker.c tests/sim/checker.h \
	tests/sim/checker_leader.c \
	tests/sim/child.c tests/sim/child.h \
	tests/sim/cluster.c tests/sim/cluster.h \
	tests/sim/coverage.c tests/sim/coverage.h \
	tests/sim/decisions.c tests/sim/decisions.h \
	tests/sim/events.c tests/sim/events.h \
	tests/sim/faults.c tests/sim/faults.h \
	tests/sim/node.c tests/sim/node.h \
	tests/sim/observe.c tests/sim/observe.h \
	tests/sim/plan.c tests/sim/plan.h \
	tests/sim/say.c tests/sim/say.h \
	tests/sim/shrink.c tests/sim/shrink.h \
	tests/sim/verdict.c tests/sim/verdict.h
# A check() that fails is a verdict like any other.
SIM_LINK = $(AM_LDFLAGS) -Wl,--wrap=check_failed

check_PROGRAMS += tests/sim/sim
tests_sim_sim_SOURCES = tests/sim/sim.c $(SIM_SOURCES)
tests_sim_sim_LDFLAGS = $(SIM_LINK)
tests_sim_sim_LDADD = libraft.a libbase.a
TESTS += tests/sim/sim

# The same core with faults planted, each of which the simulator must find.
EXTRA_LIBRARIES = libraft-bugs.a
libraft_bugs_a_SOURCES = $(RAFT_SOURCES)
libraft_bugs_a_CPPFLAGS = $(AM_CPPFLAGS) -DRAFT_PLANT_BUGS
check_PROGRAMS += tests/sim/bugs
tests_sim_bugs_SOURCES = tests/sim/bugs.c $(SIM_SOURCES)
tests_sim_bugs_CPPFLAGS = $(AM_CPPFLAGS) -DRAFT_PLANT_BUGS
tests_sim_bugs_LDFLAGS = $(SIM_LINK)
tests_sim_bugs_LDADD = libraft-bugs.a libbase.a
TESTS += tests/sim/bugs
dist_check_SCRIPTS += tests/sim/sim-long.sh
LONG_TESTS += tests/sim/sim-long.sh

# The same of whole nodes. The linker puts the simulator between the replica and its surroundings: threads, clocks, the network
# and RocksDB are replaced, and what the checker must see passes through it.
STACK_LINK = $(AM_LDFLAGS) \
	-Wl,--wrap=pthread_create,--wrap=pthread_join,--wrap=pthread_self,--wrap=pthread_setname_np \
	-Wl,--wrap=pthread_mutex_lock,--wrap=pthread_mutex_trylock,--wrap=pthread_mutex_unlock \
	-Wl,--wrap=pthread_cond_wait,--wrap=pthread_cond_signal,--wrap=pthread_cond_broadcast \
	-Wl,--wrap=random_from_system,--wrap=identity_lock,--wrap=join_cluster,--wrap=raft_new,--wrap=raft_step \
	-Wl,--wrap=raftlog_open,--wrap=raftlog_write,--wrap=raftlog_trim,--wrap=raftlog_reset \
	-Wl,--wrap=store_apply,--wrap=store_snapshot_make,--wrap=store_snapshot_install
STACK_LIBS = $(OPENSSL_LIBS) $(PROTOBUF_C_LIBS)
ENGINE_SOURCES = \
	tests/sim/stack_engine.c tests/sim/stack_engine.h \
	tests/sim/stack_engine_options.c
STACK_SOURCES = $(ENGINE_SOURCES) \
	tests/sim/events.c tests/sim/events.h \
	tests/sim/stack_checker.c tests/sim/stack_checker.h \
	tests/sim/stack_counters.c tests/sim/stack_counters.h \
	tests/sim/stack_cross.c tests/sim/stack_cross.h \
	tests/sim/stack_disk.c tests/sim/stack_disk.h \
	tests/sim/stack_faults.c tests/sim/stack_faults.h \
	tests/sim/stack_fibre.c tests/sim/stack_fibre.h \
	tests/sim/stack_history.c tests/sim/stack_history.h \
	tests/sim/stack_jobs.c tests/sim/stack_jobs.h \
	tests/sim/stack_ledger.c tests/sim/stack_ledger.h \
	tests/sim/stack_machine.c tests/sim/stack_machine.h \
	tests/sim/stack_members.c tests/sim/stack_members.h \
	tests/sim/stack_model.c tests/sim/stack_model.h \
	tests/sim/stack_network.c tests/sim/stack_network.h \
	tests/sim/stack_state.c tests/sim/stack_state.h \
	tests/sim/stack_world.c tests/sim/stack_world.h
check_PROGRAMS += tests/sim/stack
tests_sim_stack_SOURCES = tests/sim/stack.c $(STACK_SOURCES)
tests_sim_stack_LDFLAGS = $(STACK_LINK)
tests_sim_stack_LDADD = libchecker.a tests/unit/store/libmemorydisk.a libreplica.a libraft.a libstore.a libbase.a $(STACK_LIBS)
TESTS += tests/sim/stack

# And with faults planted beside the core, each of which must be found.
EXTRA_LIBRARIES += libreplica-bugs.a libstore-bugs.a
libreplica_bugs_a_SOURCES = $(libreplica_a_SOURCES)
nodist_libreplica_bugs_a_SOURCES = $(nodist_libreplica_a_SOURCES)
libreplica_bugs_a_CPPFLAGS = $(AM_CPPFLAGS) -DPLANT_BUGS
libstore_bugs_a_SOURCES = $(libstore_a_SOURCES)
nodist_libstore_bugs_a_SOURCES = $(nodist_libstore_a_SOURCES)
libstore_bugs_a_CPPFLAGS = $(AM_CPPFLAGS) -DPLANT_BUGS
$(libreplica_bugs_a_OBJECTS): replica/peer.pb-c.h
$(libstore_bugs_a_OBJECTS): store/command.pb-c.h
check_PROGRAMS += tests/sim/stack_bugs
tests_sim_stack_bugs_SOURCES = tests/sim/stack_bugs.c $(STACK_SOURCES)
tests_sim_stack_bugs_CPPFLAGS = $(AM_CPPFLAGS) -DPLANT_BUGS
tests_sim_stack_bugs_LDFLAGS = $(STACK_LINK)
tests_sim_stack_bugs_LDADD = \
	libchecker.a tests/unit/store/libmemorydisk.a libreplica-bugs.a libraft.a libstore-bugs.a libbase.a $(STACK_LIBS)
TESTS += tests/sim/stack_bugs

# The engine in place of RocksDB keeps what the store's own tests demand of a database.
ENGINE_TESTS = tests/sim/engine_model tests/sim/engine_apply tests/sim/engine_sweep tests/sim/engine_crash
ENGINE_TEST_LIBS = tests/unit/store/libfixture.a libstore.a libbase.a $(UNIT_LIBS) $(PROTOBUF_C_LIBS)
check_PROGRAMS += $(ENGINE_TESTS)
TESTS += $(ENGINE_TESTS)
tests_sim_engine_model_SOURCES = \
	tests/unit/store/test_model.c tests/unit/store/model.c tests/unit/store/model.h $(ENGINE_SOURCES)
tests_sim_engine_model_LDADD = $(ENGINE_TEST_LIBS)
tests_sim_engine_apply_SOURCES = tests/unit/store/test_apply.c $(ENGINE_SOURCES)
tests_sim_engine_apply_LDADD = $(ENGINE_TEST_LIBS)
tests_sim_engine_sweep_SOURCES = tests/unit/store/test_sweep.c $(ENGINE_SOURCES)
tests_sim_engine_sweep_LDADD = $(ENGINE_TEST_LIBS)
tests_sim_engine_crash_SOURCES = tests/unit/store/test_crash.c $(ENGINE_SOURCES)
tests_sim_engine_crash_LDADD = $(ENGINE_TEST_LIBS)
