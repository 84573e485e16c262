/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says whether a history is linearizable.
 *
 *     linearizable [FILE]
 *
 * Reads FILE, or standard input, in the form that history.h describes. Ends with 0: it is; 1: it is not, and why is printed;
 * 2: it is not known, as a limit was reached, or the file is bad.
 */
#include <errno.h>

#include "base/err.h"
#include "tests/checker/linear.h"

enum { LINEARIZABLE_YES, LINEARIZABLE_NO, LINEARIZABLE_UNKNOWN };

static int linearizable_check(FILE *file, const char *name)
{
	struct history history;
	size_t line;
	const char *why;
	int status = LINEARIZABLE_UNKNOWN;
	history_init(&history);
	enum err err = history_parse(&history, file, &line, &why);
	if (err == ERR_INVALID) {
		fprintf(stderr, "linearizable: %s:%zu: %s\n", name, line, why);
	} else if (err != ERR_OK) {
		fprintf(stderr, "linearizable: %s: %s\n", name, err_text(err));
	} else {
		struct linear_limits limits = LINEAR_LIMITS_DEFAULT;
		enum linear_verdict verdict = linear_check(&history, &limits, stdout);
		status = verdict == LINEAR_YES  ? LINEARIZABLE_YES
		         : verdict == LINEAR_NO ? LINEARIZABLE_NO
		                                : LINEARIZABLE_UNKNOWN;
		if (verdict == LINEAR_YES)
			printf("linearizable: %zu operations\n", history.count);
	}
	history_fini(&history);
	return status;
}

int main(int argc, char **argv)
{
	if (argc > 2) {
		fprintf(stderr, "usage: linearizable [FILE]\n");
		return LINEARIZABLE_UNKNOWN;
	}
	if (argc == 1)
		return linearizable_check(stdin, "-");
	FILE *file = fopen(argv[1], "re");
	if (file == NULL) {
		fprintf(stderr, "linearizable: %s: %s\n", argv[1], strerror(errno));
		return LINEARIZABLE_UNKNOWN;
	}
	int status = linearizable_check(file, argv[1]);
	fclose(file);
	return status;
}
