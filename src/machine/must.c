/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/must.h"

#include "quorlog.h"
#include "util/diag.h"

int must_have_memory(int rv)
{
    if (rv == QL_NO_MEMORY) {
        diag_die(1, "out of memory");
    }
    return rv;
}
