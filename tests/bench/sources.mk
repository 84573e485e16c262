# Measured beside etcd and the local filesystem; not part of check, but a long test needs the load.
check_PROGRAMS += tests/bench/load
tests_bench_load_SOURCES = tests/bench/load.c tests/bench/putter.c tests/bench/putter.h
tests_bench_load_LDADD = $(CONTROL_LIBS)
EXTRA_DIST += tests/bench/bench.py tests/bench/etcd.py tests/bench/events.py

bench: all tests/bench/load$(EXEEXT)
	$(AM_TESTS_ENVIRONMENT) $(PYTHON) $(srcdir)/tests/bench/bench.py

# By hand: the Raft log alone.
EXTRA_PROGRAMS += tests/bench/bench_raftlog
tests_bench_bench_raftlog_LDADD = libstore.a libbase.a
