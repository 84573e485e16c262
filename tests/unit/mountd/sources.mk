# The tests of tests/unit/mountd.
