# The tests of tests/unit/store.
