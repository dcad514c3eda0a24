/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/standstill.h"

#include <assert.h>
#include <stdlib.h>

#include "util/mem.h"

static struct bytes copy(struct bytes text);

void standstill_begin(struct standstill *standstill, uint64_t since_ms,
                      struct bytes reason, struct bytes by)
{
    assert(!standstill->frozen);
    *standstill = (struct standstill){.frozen = true,
                                      .since_ms = since_ms,
                                      .reason = copy(reason),
                                      .by = copy(by)};
}

void standstill_end(struct standstill *standstill)
{
    free((void *)standstill->reason.data);
    free((void *)standstill->by.data);
    *standstill = (struct standstill){0};
}

static struct bytes copy(struct bytes text)
{
    if (text.len == 0) {
        return (struct bytes){NULL, 0};
    }
    return (struct bytes){mem_must_dup(text.data, text.len), text.len};
}
