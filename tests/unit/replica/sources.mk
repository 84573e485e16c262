# The tests of tests/unit/replica.
