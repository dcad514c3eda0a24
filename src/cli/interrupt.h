/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* SIGINT and SIGTERM as a wish to come to an end, for commands that run long. */
#pragma once

#include <poll.h>
#include <stdbool.h>

/* From here on the signals arrive only inside interrupt_poll(). Once for the
 * life of the process. */
void interrupt_catch(void);
/* poll(2) that a signal ends early; -1 is an error, with errno. After the first
 * signal a second one ends the process at once. */
int interrupt_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
bool interrupt_seen(void);
