# The tests of tests/checker.
CHECKER_TESTS = \
	tests/unit/checker/test_cache \
	tests/unit/checker/test_history \
	tests/unit/checker/test_linear \
	tests/unit/checker/test_linear_random
check_PROGRAMS += $(CHECKER_TESTS)
TESTS += $(CHECKER_TESTS)

tests_unit_checker_test_cache_LDADD = libchecker.a libbase.a $(UNIT_LIBS)
tests_unit_checker_test_history_LDADD = libchecker.a libbase.a $(UNIT_LIBS)
tests_unit_checker_test_linear_LDADD = libchecker.a libbase.a $(UNIT_LIBS)
tests_unit_checker_test_linear_random_LDADD = libchecker.a libbase.a $(UNIT_LIBS)
