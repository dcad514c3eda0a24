/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlogd whose node starts again on SIGUSR1, with the next message from its
 * leader, as if that had rolled a configuration back. */
#include "support/rollback.h"

static void begin(void) __attribute__((constructor));

static void begin(void)
{
    rollback_on_signal();
}
