# The simulator.
SIM_SOURCES = \
	tests/sim/checker.c tests/sim/checker.h \
	tests/sim/cluster.c tests/sim/cluster.h \
	tests/sim/events.c tests/sim/events.h \
	tests/sim/faults.c tests/sim/faults.h \
	tests/sim/node.c tests/sim/node.h

check_PROGRAMS += tests/sim/sim
tests_sim_sim_SOURCES = tests/sim/sim.c $(SIM_SOURCES)
tests_sim_sim_LDADD = libraft.a libbase.a
TESTS += tests/sim/sim

# The same core with faults planted, each of which the simulator must find.
EXTRA_LIBRARIES = libraft-bugs.a
libraft_bugs_a_SOURCES = $(RAFT_SOURCES)
libraft_bugs_a_CPPFLAGS = $(AM_CPPFLAGS) -DRAFT_PLANT_BUGS
check_PROGRAMS += tests/sim/bugs
tests_sim_bugs_SOURCES = tests/sim/bugs.c $(SIM_SOURCES)
tests_sim_bugs_CPPFLAGS = $(AM_CPPFLAGS) -DRAFT_PLANT_BUGS
tests_sim_bugs_LDADD = libraft-bugs.a libbase.a
TESTS += tests/sim/bugs
dist_check_SCRIPTS += tests/sim/sim-long.sh
LONG_TESTS += tests/sim/sim-long.sh
