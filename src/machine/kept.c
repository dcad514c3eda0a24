/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/kept.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/mem.h"

struct kept *kept_new(const struct machine_limits *limits)
{
    struct kept *kept = mem_must_zalloc(sizeof(*kept));

    logs_init(&kept->logs, limits);
    return kept;
}

void kept_free(struct kept *kept)
{
    if (kept == NULL) {
        return;
    }
    logs_close(&kept->logs);
    free(kept);
}

void kept_set_source(struct kept *kept, const char *source)
{
    (void)snprintf(kept->source, sizeof(kept->source), "%s", source);
}
