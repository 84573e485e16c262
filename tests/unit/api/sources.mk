# The tests of tests/unit/api.
