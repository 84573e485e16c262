# The tests of tests/bench.
