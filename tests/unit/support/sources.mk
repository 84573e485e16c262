# The tests of tests/support.
SUPPORT_TESTS = tests/unit/support/test_solo
check_PROGRAMS += $(SUPPORT_TESTS)
TESTS += $(SUPPORT_TESTS)

tests_unit_support_test_solo_LDADD = libsolo.a libstore.a libbase.a $(UNIT_LIBS) $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS)
