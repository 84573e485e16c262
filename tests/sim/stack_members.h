/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that come and go: adds by claim (the new node is started once it has its id, as a joiner is), replacements, removals,
 * promotions and demotions, asked at any node and asked again until there is an answer, in the midst of everything else.
 *
 *  1. What was answered as done is so in the configuration that is committed, until somebody changes it again.
 *  2. A removed member is in no later configuration, and no id is given twice.
 */
#pragma once

#include <stdbool.h>

void members_begin(void);
void members_change(void);           /* one more, if there is room */
void members_crashed(unsigned node); /* what was asked there has no answer */
void members_retire(void);           /* who was removed is taken down for good, now or later */
bool members_may_shrink(void);       /* a vote may go by what was asked */
bool members_settled(void);          /* nothing is under way */
