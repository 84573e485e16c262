# The tests of tests/lint.
