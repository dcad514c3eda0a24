/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The receiving half of a session: from what libuv has read to whole messages for
 * the service. */
#pragma once

#include "server/session.h"

/* Takes what was kept, as far as there is room for the answers. */
void session_dispatch_kept(struct session *session);
/* Has libuv read or not, as far as there is room for more. */
void session_update_reading(struct session *session);
