/* SPDX-License-Identifier: Apache-2.0 */
/* What each path of the client port answers. */
#pragma once

#include "api/http.h"

/* Answers with exchange_finish(), now or when what it waits for has come. */
void endpoint_run(struct exchange *exchange);
