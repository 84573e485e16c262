/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"

#include <pthread.h>

static uint32_t crc32c_table[256];
static pthread_once_t crc32c_once = PTHREAD_ONCE_INIT;

static void crc32c_table_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
		crc32c_table[i] = crc;
	}
}

static uint32_t crc32c_by_table(uint32_t crc, struct bytes bytes)
{
	pthread_once(&crc32c_once, crc32c_table_init);
	for (size_t i = 0; i < bytes.size; i++)
		crc = crc >> 8 ^ crc32c_table[(crc ^ bytes.data[i]) & 0xff];
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_by_instruction(uint32_t crc, struct bytes bytes)
{
	size_t at = 0;
	for (; at + 8 <= bytes.size; at += 8) {
		uint64_t word;
		memcpy(&word, bytes.data + at, 8);
		crc = (uint32_t)__builtin_ia32_crc32di(crc, word);
	}
	for (; at < bytes.size; at++)
		crc = __builtin_ia32_crc32qi(crc, bytes.data[at]);
	return crc;
}
#endif

uint32_t crc32c(uint32_t crc, struct bytes bytes)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc32c_by_instruction(~crc, bytes);
#endif
	return ~crc32c_by_table(~crc, bytes);
}
