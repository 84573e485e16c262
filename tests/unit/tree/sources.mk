# The tests of tests/unit/tree.
TREE_TESTS = tests/unit/tree/test_tree
check_PROGRAMS += $(TREE_TESTS)
TESTS += $(TREE_TESTS)

tests_unit_tree_test_tree_LDADD = $(TREE_LIBS) libsolo.a libstore.a libbase.a $(UNIT_LIBS) $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS)
