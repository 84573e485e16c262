#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the targets with libFuzzer below the current directory, and runs each: fuzz.sh SOURCE_DIR SECONDS TARGET...
set -eu

source_dir=$1 seconds=$2
shift 2
jobs=$(nproc)

mkdir -p fuzz/findings
if [ ! -f fuzz/Makefile ]; then
	(cd fuzz && "$source_dir/configure" --quiet CC=clang \
		CFLAGS='-O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined')
fi
make -C fuzz -j"$jobs" WARN_FLAGS= FUZZ_MAIN= FUZZ_ENGINE='-fsanitize=fuzzer,address,undefined' \
	check TESTS= check_PROGRAMS="$*" check_LIBRARIES=libsolo.a

for target; do
	name=${target##*/}
	mkdir -p "fuzz/corpus/$name"
	"./$target" --corpus "fuzz/corpus/$name"
	printf '%s: %s s\n' "$name" "$seconds"
	"fuzz/$target" -max_total_time="$seconds" -max_len=4096 -timeout=30 -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1 \
		-artifact_prefix="fuzz/findings/$name-" "fuzz/corpus/$name"
done
