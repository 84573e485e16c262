# The dialogues with cores.
check_PROGRAMS += tests/scenario/run
tests_scenario_run_SOURCES = tests/scenario/run.c tests/scenario/world.c tests/scenario/world.h \
	tests/sim/node.c tests/sim/node.h tests/sim/say.c tests/sim/say.h
tests_scenario_run_LDADD = libraft.a libbase.a

SCENARIOS = \
	tests/scenario/aba.txt \
	tests/scenario/backtracking.txt \
	tests/scenario/check_quorum.txt \
	tests/scenario/commit_rule.txt \
	tests/scenario/config_rollback.txt \
	tests/scenario/damage.txt \
	tests/scenario/durability.txt \
	tests/scenario/elections.txt \
	tests/scenario/joint.txt \
	tests/scenario/joint_leave.txt \
	tests/scenario/leases.txt \
	tests/scenario/membership.txt \
	tests/scenario/needed_voter.txt \
	tests/scenario/nonsense.txt \
	tests/scenario/only_voter.txt \
	tests/scenario/pipeline.txt \
	tests/scenario/pre_vote.txt \
	tests/scenario/quorum_shrinks.txt \
	tests/scenario/reads.txt \
	tests/scenario/single.txt \
	tests/scenario/snapshots.txt \
	tests/scenario/stalls.txt \
	tests/scenario/strays.txt \
	tests/scenario/transfer.txt \
	tests/scenario/vote_order.txt \
	tests/scenario/votes.txt
EXTRA_DIST += $(SCENARIOS) tests/scenario/README.md
dist_check_SCRIPTS += tests/scenario/scenarios.sh
TESTS += tests/scenario/scenarios.sh
