/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the service manager where the program stands: the datagram protocol of sd_notify(3). */
#pragma once

/* Such as "READY=1\nSTATUS=serving". Does nothing without NOTIFY_SOCKET; a failure is logged. */
void readiness_send(const char *assignments);
