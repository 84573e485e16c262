# The rules of the source itself, and the proof that each of them can be broken.
LINT_TESTS = tests/lint/lint.py tests/lint/test_rules.py
dist_check_SCRIPTS += $(LINT_TESTS)
EXTRA_DIST += tests/lint/rules.py tests/lint/source.py
TESTS += $(LINT_TESTS)
