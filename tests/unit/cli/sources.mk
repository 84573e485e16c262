# The tests of cli/.
CLI_TESTS = \
	tests/unit/cli/test_command \
	tests/unit/cli/test_lines \
	tests/unit/cli/test_member_note \
	tests/unit/cli/test_table
check_PROGRAMS += $(CLI_TESTS)
TESTS += $(CLI_TESTS)

tests_unit_cli_test_command_LDADD = libcli.a $(CONTROL_LIBS) $(UNIT_LIBS)
tests_unit_cli_test_lines_LDADD = libcli.a libbase.a $(UNIT_LIBS)
tests_unit_cli_test_member_note_LDADD = libcli.a $(CONTROL_LIBS) $(UNIT_LIBS)
tests_unit_cli_test_table_LDADD = libcli.a $(CONTROL_LIBS) $(UNIT_LIBS)
