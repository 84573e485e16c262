# The tests of tests/unit/fs.
FS_TESTS = \
	tests/unit/fs/test_announce \
	tests/unit/fs/test_attr \
	tests/unit/fs/test_helper \
	tests/unit/fs/test_mountpoint \
	tests/unit/fs/test_names \
	tests/unit/fs/test_note \
	tests/unit/fs/test_replay \
	tests/unit/fs/test_rim \
	tests/unit/fs/test_step_queue \
	tests/unit/fs/test_virtual
check_PROGRAMS += $(FS_TESTS)
TESTS += $(FS_TESTS)

tests_unit_fs_test_mountpoint_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_virtual_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_attr_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_names_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_note_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_rim_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_announce_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_helper_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_step_queue_LDADD = libfs.a libbase.a $(UNIT_LIBS)

FS_PURE_TESTS = \
	tests/unit/fs/test_draft \
	tests/unit/fs/test_history \
	tests/unit/fs/test_listing \
	tests/unit/fs/test_mode \
	tests/unit/fs/test_node \
	tests/unit/fs/test_reading \
	tests/unit/fs/test_xattr
FS_STORE_TESTS = tests/unit/fs/test_past tests/unit/fs/test_plan tests/unit/fs/test_stage
check_PROGRAMS += $(FS_PURE_TESTS) $(FS_STORE_TESTS)
TESTS += $(FS_PURE_TESTS) $(FS_STORE_TESTS)

tests_unit_fs_test_draft_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_listing_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_mode_CPPFLAGS = $(AM_CPPFLAGS) $(FUSE3_CFLAGS)
tests_unit_fs_test_mode_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_node_LDADD = libfs.a libstore.a libbase.a $(UNIT_LIBS) $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS)
tests_unit_fs_test_reading_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_xattr_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_history_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_past_LDADD = libfs.a libsolo.a libstore.a libbase.a $(UNIT_LIBS) $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS)
tests_unit_fs_test_plan_LDADD = libfs.a libsolo.a libstore.a libbase.a $(UNIT_LIBS) $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS)
tests_unit_fs_test_replay_LDADD = libfs.a libsolo.a libstore.a libbase.a $(UNIT_LIBS) $(FUSE3_LIBS) $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS)
tests_unit_fs_test_stage_CPPFLAGS = $(AM_CPPFLAGS) $(FUSE3_CFLAGS)
tests_unit_fs_test_stage_LDADD = libfs.a libsolo.a libstore.a libbase.a $(UNIT_LIBS) $(FUSE3_LIBS) $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS)
