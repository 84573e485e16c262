# The tests of mountd/.
MOUNTD_TESTS = \
	tests/unit/mountd/test_config \
	tests/unit/mountd/test_option \
	tests/unit/mountd/test_readiness
check_PROGRAMS += $(MOUNTD_TESTS)
TESTS += $(MOUNTD_TESTS)

MOUNTD_TEST_LIBS = libmountd.a libbase.a $(HTTP_PARSER_LIBS) $(UNIT_LIBS)
tests_unit_mountd_test_config_LDADD = $(MOUNTD_TEST_LIBS)
tests_unit_mountd_test_option_LDADD = $(MOUNTD_TEST_LIBS)
tests_unit_mountd_test_readiness_LDADD = $(MOUNTD_TEST_LIBS)
