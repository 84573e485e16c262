/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_text_size(size_t size)
{
	return (size + 2) / 3 * 4;
}

void base64_write(struct bytes bytes, char *text)
{
	for (size_t at = 0; at < bytes.size; at += 3) {
		size_t left = bytes.size - at;
		uint32_t group = (uint32_t)bytes.data[at] << 16;
		group |= left > 1 ? (uint32_t)bytes.data[at + 1] << 8 : 0;
		group |= left > 2 ? bytes.data[at + 2] : 0;
		*text++ = base64_alphabet[group >> 18];
		*text++ = base64_alphabet[group >> 12 & 63];
		*text++ = left > 1 ? base64_alphabet[group >> 6 & 63] : '=';
		*text++ = left > 2 ? base64_alphabet[group & 63] : '=';
	}
}

/* Negative: it stands for nothing. */
static int base64_value(uint8_t letter)
{
	if (letter >= 'A' && letter <= 'Z')
		return letter - 'A';
	if (letter >= 'a' && letter <= 'z')
		return letter - 'a' + 26;
	if (letter >= '0' && letter <= '9')
		return letter - '0' + 52;
	if (letter == '+' || letter == '-')
		return 62;
	return letter == '/' || letter == '_' ? 63 : -1;
}

static bool base64_is_break(uint8_t letter)
{
	return letter == '\r' || letter == '\n';
}

/* What stands behind the last letter: nothing, or as many `=` as complete a group of four. */
static bool base64_ends_well(struct bytes rest, size_t letters)
{
	size_t padding = 0;
	for (size_t at = 0; at < rest.size; at++) {
		if (!base64_is_break(rest.data[at]) && rest.data[at] != '=')
			return false;
		padding += rest.data[at] == '=';
	}
	return letters % 4 != 1 && (padding == 0 || (padding < 3 && (letters + padding) % 4 == 0));
}

enum err base64_read(struct bytes text, uint8_t *data, size_t *ret_size)
{
	uint32_t group = 0;
	size_t at = 0, letters = 0, size = 0;
	for (; at < text.size; at++) {
		int value = base64_value(text.data[at]);
		if (value < 0 && base64_is_break(text.data[at]))
			continue;
		if (value < 0)
			break;
		group = group << 6 | (uint32_t)value;
		letters++;
		if (letters % 4 != 1)
			data[size++] = (uint8_t)(group >> (6 - 2 * ((letters - 1) % 4)));
	}
	if (!base64_ends_well(bytes_from(text, at), letters))
		return ERR_INVALID;
	*ret_size = size;
	return ERR_OK;
}
