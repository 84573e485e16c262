# The tests of tests/unit/raft.
