/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Where the entries went, as log append shows it. */
#pragma once

#include <stdint.h>

#include "cli/output.h"
#include "util/err.h"

struct append_view {
    const char *log;
    uint64_t first; /* positions; both 0 when nothing was appended */
    uint64_t last;
    uint64_t count;
};

int append_view_show(struct output *output, const struct append_view *view,
                     struct err *err);
