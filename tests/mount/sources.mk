# The tests of tests/mount.
