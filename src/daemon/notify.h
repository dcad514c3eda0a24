/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Tells the service manager how we are (sd_notify(3), its datagram only). */
#pragma once

/* Sends @state to $NOTIFY_SOCKET; does nothing without one. */
void notify_manager(const char *state);
