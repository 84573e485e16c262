/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/names.h"

#include <stdio.h>

#define NAME_RESERVED ".etcfs:"
#define NAME_CONTROL ".etcfs"

enum { RESERVED_BYTES = sizeof NAME_RESERVED - 1, ID_DIGITS = 16 };

static bool segment_is_plain(struct bytes segment)
{
	if (segment.size == 0 || segment.size > NAME_BYTES_MAX || memchr(segment.data, 0, segment.size))
		return false;
	return !bytes_equal(segment, BYTES_LITERAL(".")) && !bytes_equal(segment, BYTES_LITERAL("..")) &&
	       !bytes_equal(segment, BYTES_LITERAL(NAME_CONTROL)) &&
	       !bytes_have_prefix(segment, BYTES_LITERAL(NAME_RESERVED));
}

/* Appends to `name`, whose first `size` bytes are set. False when it does not fit. */
static bool name_escape(struct name *name, size_t size, struct bytes segment)
{
	for (size_t i = 0; i < segment.size; i++) {
		uint8_t byte = segment.data[i];
		bool escaped = byte == 0 || byte == '%';
		if (size + (escaped ? 3 : 1) > NAME_BYTES_MAX)
			return false;
		if (escaped)
			memcpy(name->text + size, byte == 0 ? "%00" : "%25", 3);
		else
			name->text[size] = (char)byte;
		size += escaped ? 3 : 1;
	}
	name->text[size] = '\0';
	return true;
}

struct name name_of_segment(struct bytes segment, enum name_role role, uint64_t id)
{
	struct name name = {0};
	if (role != NAME_OF_SHADOWED_FILE && segment_is_plain(segment)) {
		memcpy(name.text, segment.data, segment.size);
		return name;
	}
	memcpy(name.text, NAME_RESERVED, RESERVED_BYTES);
	name.text[RESERVED_BYTES] = role == NAME_OF_SHADOWED_FILE ? 'v' : 'x';
	if (!name_escape(&name, RESERVED_BYTES + 1, segment))
		snprintf(name.text, sizeof name.text, NAME_RESERVED "%c%016llx", role == NAME_OF_DIRECTORY ? 'd' : 'f',
		         (unsigned long long)id);
	return name;
}

static bool name_unescape(const char *escaped, struct arena *arena, struct bytes *ret_segment)
{
	uint8_t *segment = arena_take(arena, strlen(escaped) + 1);
	size_t size = 0;
	while (*escaped != '\0') {
		if (*escaped != '%') {
			segment[size++] = (uint8_t)*escaped++;
			continue;
		}
		bool is_nul = strncmp(escaped, "%00", 3) == 0;
		if (!is_nul && strncmp(escaped, "%25", 3) != 0)
			return false;
		segment[size++] = is_nul ? 0 : '%';
		escaped += 3;
	}
	*ret_segment = bytes_of(segment, size);
	return true;
}

static bool name_id(const char *digits, uint64_t *ret_id)
{
	uint64_t id = 0;
	if (strlen(digits) != ID_DIGITS)
		return false;
	for (; *digits != '\0'; digits++) {
		const char *all = "0123456789abcdef", *at = strchr(all, *digits);
		if (!at)
			return false;
		id = id << 4 | (uint64_t)(at - all);
	}
	*ret_id = id;
	return id != 0;
}

struct name_meaning name_parse(const char *name, struct arena *arena)
{
	struct name_meaning meaning = {.kind = NAME_INVALID};
	struct bytes text = bytes_of_string(name);
	if (text.size > NAME_BYTES_MAX) {
		meaning.kind = NAME_TOO_LONG;
	} else if (segment_is_plain(text)) {
		meaning = (struct name_meaning){.kind = NAME_ORDINARY, .segment = text};
	} else if (bytes_have_prefix(text, BYTES_LITERAL(NAME_RESERVED)) && text.size > RESERVED_BYTES) {
		const char *rest = name + RESERVED_BYTES + 1;
		char letter = name[RESERVED_BYTES];
		if ((letter == 'f' || letter == 'd') && name_id(rest, &meaning.id)) {
			meaning.kind = NAME_BY_ID;
			meaning.is_directory = letter == 'd';
		} else if (letter == 'v' && name_unescape(rest, arena, &meaning.segment)) {
			meaning.kind = NAME_SHADOWED;
		} else if (letter == 'x' && name_unescape(rest, arena, &meaning.segment) &&
		           !segment_is_plain(meaning.segment)) {
			meaning.kind = NAME_ORDINARY;
		}
	}
	return meaning;
}

bool name_is_plain(const struct name_meaning *meaning, const char *name)
{
	return meaning->kind == NAME_ORDINARY && bytes_equal(meaning->segment, bytes_of_string(name));
}
