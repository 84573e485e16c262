# Real daemons with real mounts. Each script stands alone, and skips itself without root or /dev/fuse.
MOUNT_TESTS = \
	tests/mount/test_bad_input.py \
	tests/mount/test_behind.py \
	tests/mount/test_command_line.py \
	tests/mount/test_compaction.py \
	tests/mount/test_crash.py \
	tests/mount/test_edit.py \
	tests/mount/test_events.py \
	tests/mount/test_full_disk.py \
	tests/mount/test_history.py \
	tests/mount/test_join.py \
	tests/mount/test_local_reads.py \
	tests/mount/test_members.py \
	tests/mount/test_netns.py \
	tests/mount/test_no_quorum.py \
	tests/mount/test_one_world.py \
	tests/mount/test_partition.py \
	tests/mount/test_pause.py \
	tests/mount/test_quota.py \
	tests/mount/test_reload.py \
	tests/mount/test_restore.py \
	tests/mount/test_semantics.py \
	tests/mount/test_service.py \
	tests/mount/test_stall.py \
	tests/mount/test_tools.py
# Minutes each, or searching by chance.
MOUNT_TESTS_LONG = \
	tests/mount/test_behind_long.py \
	tests/mount/test_events_stress.py \
	tests/mount/test_linearizable.py \
	tests/mount/test_members_load.py \
	tests/mount/test_model.py \
	tests/mount/test_netns_long.py \
	tests/mount/test_patroni.py \
	tests/mount/test_pause_long.py \
	tests/mount/test_snapshot_faults.py \
	tests/mount/test_tree.py

TESTS += $(MOUNT_TESTS)
dist_check_SCRIPTS += $(MOUNT_TESTS) $(MOUNT_TESTS_LONG)
EXTRA_DIST += tests/mount/cluster.py tests/mount/etcdctl.py tests/mount/harness.py tests/mount/ledger.py tests/mount/networked.py tests/mount/pause.py tests/mount/recorder.py tests/mount/register.py
LONG_TESTS += $(MOUNT_TESTS_LONG)
