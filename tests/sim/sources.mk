# The tests of tests/sim.
