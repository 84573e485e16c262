/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check(x): an assertion that is never compiled out. For programming errors only, one fact each; what a
 * user, a peer or a disk can cause is an `enum err`.
 */
#pragma once

#define check(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, __func__, #condition))

_Noreturn void check_failed(const char *file, int line, const char *function, const char *condition);
