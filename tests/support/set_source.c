/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/set_source.h"

#include <stddef.h>

static struct chunk *find(void *data, const struct chunk_name *name)
{
    struct chunk *chunk = chunk_set_find_named(data, name);

    return chunk == NULL ? NULL : chunk_ref(chunk);
}

struct chunk_source set_source(struct chunk_set *set)
{
    return (struct chunk_source){find, set};
}
