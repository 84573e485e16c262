/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run came to, for the process that started it: which rule was broken, by which seed, after how many steps, and what the
 * run had decided until then. It is shared memory, because a run ends with its process when a rule is broken.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* clang-format off */
#define RULES(each) \
	each(NONE, "none") \
	each(LEADERS, "one leader per term") \
	each(VOTES, "one vote per term") \
	each(MATCHING, "log matching") \
	each(AGREEMENT, "what is committed stays so") \
	each(QUORUM, "a quorum has what is committed") \
	each(COMPLETENESS, "a leader has all that is committed") \
	each(GROWTH, "commit and applied grow one by one") \
	each(WORD, "a message says what the disk holds") \
	each(CONFIG, "one configuration after the other") \
	each(READS, "reads are not old") \
	each(MATCHES, "matches are on disk and grow") \
	each(CANDIDATES, "only voters campaign") \
	each(TERMS, "terms are adopted from members only") \
	each(TRANSFER, "who is to lead has everything") \
	each(OFFICE, "without votes nobody leads") \
	each(REPAIR, "a repair brings back all that was lost") \
	each(DILIGENCE, "what can be committed is") \
	each(LIVENESS, "it recovers in the calm") \
	each(REPEATABLE, "a seed says it all") \
	each(CHECK, "a check() of the core")
/* clang-format on */

#define RULES_ENUM(name, text) RULE_##name,
enum rule { RULES(RULES_ENUM) RULE_COUNT };
#undef RULES_ENUM

enum { VERDICT_TEXT_MAX = 512, VERDICT_DECISIONS_MAX = 1 << 16 };

struct verdict {
	uint64_t seed, steps;
	enum rule rule;
	char text[VERDICT_TEXT_MAX];
	uint64_t made[VERDICT_DECISIONS_MAX]; /* decisions, see decisions.h */
	size_t made_count;
};

extern struct verdict *verdict; /* of the run under way */

struct verdict *verdict_share(void); /* for a child to write to */
void verdict_begin(uint64_t seed);
/* Ends the process. */
_Noreturn void verdict_fail(enum rule rule, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *rule_text(enum rule rule);
