/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/rows.h"

struct arena fuzz_arena;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	arena_init(&fuzz_arena);
	fuzz_rows[data[0] % fuzz_row_count].read(bytes_of(data + 1, size - 1));
	arena_fini(&fuzz_arena);
	return 0;
}

void fuzz_seed(struct random *random, uint64_t kind, struct buffer *buffer)
{
	arena_init(&fuzz_arena);
	buffer_put_u8(buffer, (uint8_t)(kind % fuzz_row_count));
	fuzz_rows[kind % fuzz_row_count].seed(random, buffer);
	arena_fini(&fuzz_arena);
}
