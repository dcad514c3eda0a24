/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Small pieces of work on fixed input, to be counted in instructions: see micro.c
 * and docs/performance.md, "Instructions counted".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct micro_case {
    const char *name;
    const char *what; /* for people */
    uint32_t times;   /* that it is done to be counted */
    /* Once. Fails by micro_must(). */
    void (*run)(void *data);
};

/* Cases over the same input, which is made before and not counted. */
struct micro_group {
    const struct micro_case *cases;
    size_t count;
    void *(*open)(uint32_t times); /* what the case will be done */
    void (*close)(void *data);
};

extern const struct micro_group micro_wire;    /* messages of clients */
extern const struct micro_group micro_machine; /* apply, chunks, packs */
extern const struct micro_group micro_disk;    /* raft log, link, histogram */

#define MICRO_VALUE_LEN 128u
#define MICRO_TIME_MS 1764000000000ull

/* Ends the program unless @rv is 0. */
void micro_must(int rv);
/* So that what made @value is not left out as unused. */
void micro_keep(uint64_t value);

static inline struct bytes micro_view(const struct buf *buf)
{
    return (struct bytes){buf->data, buf->len};
}
