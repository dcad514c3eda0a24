/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/mem.h"

#include <stdlib.h>
#include <string.h>

#include "util/diag.h"

static void *must(void *memory, size_t len)
{
    if (memory == NULL) {
        diag_die(EXIT_FAILURE, "out of memory (%zu bytes)", len);
    }
    return memory;
}

/* malloc(0) may return NULL without being out of memory. */
static size_t at_least_one(size_t len)
{
    return len == 0 ? 1 : len;
}

void *mem_must_alloc(size_t len)
{
    return must(malloc(at_least_one(len)), len);
}

void *mem_must_zalloc(size_t len)
{
    return must(calloc(1, at_least_one(len)), len);
}

void *mem_must_array(size_t count, size_t item_len)
{
    return must(calloc(at_least_one(count), at_least_one(item_len)), item_len);
}

void *mem_must_resize(void *memory, size_t len)
{
    return must(realloc(memory, at_least_one(len)), len);
}

void *mem_must_dup(const void *bytes, size_t len)
{
    void *copy = mem_must_alloc(len);

    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

char *mem_must_strdup(const char *text)
{
    return mem_must_dup(text, strlen(text) + 1);
}
