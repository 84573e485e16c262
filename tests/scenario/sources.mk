# The tests of tests/scenario.
