# The tests of tests/unit/fs.
