# The tests of tests/unit/fs.
FS_TESTS = \
	tests/unit/fs/test_mountpoint \
	tests/unit/fs/test_virtual
check_PROGRAMS += $(FS_TESTS)
TESTS += $(FS_TESTS)

tests_unit_fs_test_mountpoint_LDADD = libfs.a libbase.a $(UNIT_LIBS)
tests_unit_fs_test_virtual_LDADD = libfs.a libbase.a $(UNIT_LIBS)
