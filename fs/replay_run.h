/* SPDX-License-Identifier: Apache-2.0 */
/* The notify role: for replay.c alone. */
#pragma once

/* The thread of it; the argument is the struct replay. */
void *replay_run(void *argument);
