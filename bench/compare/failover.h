/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How long nothing can be appended after the leader was killed. */
#pragma once

#include "compare/options.h"

/* Kills the leader of @peer, whose client was made with @load, and tries to
 * append from then on. Returns the seconds until the first acknowledgement. */
double failover_run(const struct options *options, struct peer *peer,
                    struct load *load);
