# The tests of base/.
BASE_TESTS = \
	tests/unit/base/test_arena \
	tests/unit/base/test_base64 \
	tests/unit/base/test_buffer \
	tests/unit/base/test_bytes \
	tests/unit/base/test_crc32c \
	tests/unit/base/test_cursor \
	tests/unit/base/test_err \
	tests/unit/base/test_file \
	tests/unit/base/test_mailbox \
	tests/unit/base/test_map \
	tests/unit/base/test_name \
	tests/unit/base/test_nearest \
	tests/unit/base/test_quantity \
	tests/unit/base/test_random \
	tests/unit/base/test_url \
	tests/unit/base/test_when
check_PROGRAMS += $(BASE_TESTS)
TESTS += $(BASE_TESTS)

tests_unit_base_test_arena_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_base64_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_buffer_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_bytes_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_crc32c_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_cursor_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_err_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_mailbox_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_quantity_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_random_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_map_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_file_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_nearest_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_name_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_when_LDADD = libbase.a $(UNIT_LIBS)
tests_unit_base_test_url_LDADD = libbase.a $(HTTP_PARSER_LIBS) $(UNIT_LIBS)
