/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a target on inputs that come from a seed: good ones, changed in some places.
 *
 *     fuzz_X [--inputs N]        from 1 on; prints which one it was when the process ends in the middle
 *     fuzz_X --only N            that one alone
 *     fuzz_X --corpus DIR        writes good ones as files, for libFuzzer to begin with
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "base/quantity.h"
#include "tests/fuzz/fuzz.h"

enum { DRIVER_INPUTS = 20000, DRIVER_CORPUS = 400, DRIVER_CHANGES_MAX = 8 };

static uint64_t driver_input;

static void driver_died(int signal)
{
	char line[64];
	int size = snprintf(line, sizeof line, "input %llu\n", (unsigned long long)driver_input);
	ssize_t written = write(STDERR_FILENO, line, (size_t)size);
	_exit(written == size ? 1 : 2);
}

static void driver_change(struct random *random, uint8_t *data, size_t *size)
{
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff, '"', '{', '}', '\\'};
	size_t at = *size != 0 ? random_below(random, *size) : 0, count = 1 + random_below(random, 8);
	if (count > *size - at)
		count = *size - at;
	switch (random_below(random, 5)) {
	case 0:
		if (*size != 0)
			data[at] ^= (uint8_t)(1 << random_below(random, 8));
		break;
	case 1:
		if (*size != 0)
			data[at] = edges[random_below(random, sizeof edges)];
		break;
	case 2: /* some are gone */
		memmove(data + at, data + at + count, *size - at - count);
		*size -= count;
		break;
	case 3: /* some are there twice */
		if (*size + count <= FUZZ_INPUT_BYTES_MAX) {
			memmove(data + at + count, data + at, *size - at);
			*size += count;
		}
		break;
	default: /* all that follows is gone, now and then */
		if (random_below(random, 4) == 0)
			*size = at;
	}
}

static void driver_run(uint64_t input)
{
	struct random random;
	struct buffer buffer;
	random_init(&random, input);
	buffer_init(&buffer, FUZZ_INPUT_BYTES_MAX);
	fuzz_seed(&random, input, &buffer);
	size_t size = buffer.size;
	uint8_t data[FUZZ_INPUT_BYTES_MAX];
	memcpy(data, buffer.data, size);
	for (uint64_t changes = random_below(&random, DRIVER_CHANGES_MAX); changes > 0; changes--)
		driver_change(&random, data, &size);
	driver_input = input;
	/* On the heap, so that a reader beyond the end is found. */
	uint8_t *exact = malloc(size != 0 ? size : 1);
	check(exact != NULL);
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	buffer_fini(&buffer);
}

static void driver_write_corpus(const char *directory)
{
	for (uint64_t kind = 0; kind < DRIVER_CORPUS; kind++) {
		char path[4096];
		struct random random;
		AUTO_BUFFER struct buffer buffer;
		random_init(&random, kind);
		buffer_init(&buffer, FUZZ_INPUT_BYTES_MAX);
		fuzz_seed(&random, kind, &buffer);
		snprintf(path, sizeof path, "%s/%llu", directory, (unsigned long long)kind);
		enum err err = file_replace(path, buffer_bytes(&buffer), 0644);
		check(err == ERR_OK);
	}
}

int main(int argc, char **argv)
{
	uint64_t number = DRIVER_INPUTS;
	const char *what = argc == 3 ? argv[1] : argc == 1 ? "--inputs" : "";
	signal(SIGABRT, driver_died);
	log_level_set(LOG_ERROR_LEVEL);
	if (strcmp(what, "--corpus") == 0) {
		driver_write_corpus(argv[2]);
		return EXIT_SUCCESS;
	}
	bool is_only = strcmp(what, "--only") == 0;
	if ((!is_only && strcmp(what, "--inputs") != 0) || (argc == 3 && quantity_count(argv[2], &number) != ERR_OK)) {
		fprintf(stderr, "usage: %s [--inputs N | --only N | --corpus DIR]\n", argv[0]);
		return EXIT_FAILURE;
	}
	for (uint64_t input = is_only ? number : 1; input <= number; input++)
		driver_run(input);
	printf("%llu inputs\n", (unsigned long long)(is_only ? 1 : number));
	return EXIT_SUCCESS;
}
