# The tests of tests/unit/fs.
FS_TESTS = \
	tests/unit/fs/test_announce \
	tests/unit/fs/test_attr \
	tests/unit/fs/test_helper \
	tests/unit/fs/test_mountpoint \
	tests/unit/fs/test_names \
	tests/unit/fs/test_note \
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
