# Measured beside etcd and the local filesystem; not part of check, but a long test needs the load.
check_PROGRAMS += tests/bench/load tests/bench/rpcload
tests_bench_load_SOURCES = tests/bench/load.c tests/bench/putter.c tests/bench/putter.h
tests_bench_load_LDADD = $(CONTROL_LIBS)
# The API's messages are those of the daemon, the connections are its own.
tests_bench_rpcload_SOURCES = \
	tests/bench/channel.c tests/bench/channel.h \
	tests/bench/rpcload.c tests/bench/rpcload.h \
	tests/bench/rpcload_kinds.c \
	tests/bench/rpcload_watch.c
tests_bench_rpcload_LDADD = libapi.a libbase.a $(NGHTTP2_LIBS) $(PROTOBUF_C_LIBS)
EXTRA_DIST += tests/bench/bench.py tests/bench/bench_api.py tests/bench/etcd.py tests/bench/events.py tests/bench/figures.py

bench: all tests/bench/load$(EXEEXT) tests/bench/rpcload$(EXEEXT)
	$(AM_TESTS_ENVIRONMENT) $(PYTHON) $(srcdir)/tests/bench/bench.py

# By hand: the Raft log alone.
EXTRA_PROGRAMS += tests/bench/bench_raftlog
tests_bench_bench_raftlog_LDADD = libstore.a libbase.a
