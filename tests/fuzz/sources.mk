# Fuzz targets: what is read that others wrote. Some thousand inputs each in a check; for longer, with libFuzzer and sanitizers: make fuzz.
FUZZ_TARGETS = \
	tests/fuzz/fuzz_disk \
	tests/fuzz/fuzz_json \
	tests/fuzz/fuzz_port \
	tests/fuzz/fuzz_rpc \
	tests/fuzz/fuzz_text \
	tests/fuzz/fuzz_wire
check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += $(FUZZ_TARGETS)

# libFuzzer brings a main program of its own: make fuzz leaves this one out, and links it in.
FUZZ_MAIN = libfuzzmain.a
FUZZ_ENGINE =
check_LIBRARIES += libfuzzmain.a
libfuzzmain_a_SOURCES = tests/fuzz/driver.c tests/fuzz/fuzz.h
FUZZ_LINK = $(AM_LDFLAGS) $(FUZZ_ENGINE)

FUZZ_ROWS = tests/fuzz/fuzz.h tests/fuzz/rows.c tests/fuzz/rows.h
FUZZ_SERVED = tests/fuzz/fuzz.h tests/fuzz/served.c tests/fuzz/served.h
tests_fuzz_fuzz_disk_SOURCES = tests/fuzz/fuzz_disk.c $(FUZZ_ROWS)
tests_fuzz_fuzz_disk_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_disk_LDADD = $(FUZZ_MAIN) libfs.a libstore.a libbase.a $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS)
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_json_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_json_LDADD = $(FUZZ_MAIN) libapi.a libcontrol.a libbase.a $(JANSSON_LIBS) $(PROTOBUF_C_LIBS)
tests_fuzz_fuzz_port_SOURCES = tests/fuzz/fuzz_port.c $(FUZZ_SERVED)
tests_fuzz_fuzz_port_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_port_LDADD = $(FUZZ_MAIN) $(API_TEST_LIBS)
tests_fuzz_fuzz_rpc_SOURCES = tests/fuzz/fuzz_rpc.c $(FUZZ_SERVED)
tests_fuzz_fuzz_rpc_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_rpc_LDADD = $(FUZZ_MAIN) $(API_TEST_LIBS)
tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz_text.c $(FUZZ_ROWS)
tests_fuzz_fuzz_text_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_text_LDADD = $(FUZZ_MAIN) libcli.a libbase.a
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz_wire.c $(FUZZ_ROWS)
tests_fuzz_fuzz_wire_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_wire_LDADD = $(FUZZ_MAIN) libfs.a libreplica.a libraft.a libstore.a libbase.a \
	$(NNG_LIBS) $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS)

# Each target for FUZZ_SECONDS, with clang's libFuzzer and sanitizers (Debian: clang, libclang-rt-dev). What it finds lies in
# fuzz/findings, what it learnt in fuzz/corpus.
FUZZ_SECONDS = 600
.PHONY: fuzz
fuzz: $(FUZZ_TARGETS)
	$(SHELL) $(srcdir)/tests/fuzz/fuzz.sh '$(abs_top_srcdir)' '$(FUZZ_SECONDS)' $(FUZZ_TARGETS)
EXTRA_DIST += tests/fuzz/fuzz.sh
