# The dialogues with cores.
check_PROGRAMS += tests/scenario/run
tests_scenario_run_SOURCES = tests/scenario/run.c tests/scenario/world.c tests/scenario/world.h \
	tests/sim/node.c tests/sim/node.h
tests_scenario_run_LDADD = libraft.a libbase.a
