/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/set_source.h"

#include <stddef.h>

static struct chunk *find(void *data, const struct chunk_name *name)
{
    struct chunk *chunk = chunk_set_find(data, name->uid, name->first, NULL);

    if (chunk == NULL || !chunk_name_equal(&chunk->name, name)) {
        return NULL;
    }
    return chunk_ref(chunk);
}

struct chunk_source set_source(struct chunk_set *set)
{
    return (struct chunk_source){find, set};
}
