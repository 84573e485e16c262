/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a FLUSH the last close(2) of a file by its process? A shell's `echo x > f` closes one descriptor of f before it writes to another; to commit
 * then would show the empty file to everybody. The kernel does not say which it is, but /proc shows what the process still has open.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* True when the process (a thread of it) has a descriptor of the file with this inode number. False in doubt. */
bool closing_has_another(int32_t thread, uint64_t inode);
