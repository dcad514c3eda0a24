/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * log.append {appends: [{log, entries: [value | [key, value] ...],
 *                        expect_position?, epoch?} ...],
 *             producer?, sequence?}
 * Values and keys may be bin or str. Limits: APPEND_PARTS_MAX,
 * APPEND_ENTRIES_MAX, APPEND_BYTES_MAX, ENTRY_KEY_MAX, ENTRY_VALUE_MAX: beyond
 * them QL_TOO_LARGE. No part without entries; no log twice. producer and
 * sequence stand together. These, expect_position and epoch are >= 1 where they
 * stand: a 0 would silently drop the condition that the caller asked for. See
 * args_log.h for the common rules.
 */
#pragma once

#include "util/buf.h"
#include "util/err.h"
#include "util/limits.h"

struct append_entry {
    struct bytes key; /* data NULL: no key */
    struct bytes value;
};

struct append_part_args {
    struct bytes log;
    uint64_t expect_position; /* 0: any */
    uint64_t epoch;           /* 0: none */
    const struct append_entry *entries;
    size_t entries_count;
};

/* Most appends have one part and few entries: those need no memory of their own
 * when they are decoded. */
#define APPEND_PARTS_NEAR 1u
#define APPEND_ENTRIES_NEAR 4u

struct append_args {
    struct append_part_args *parts;
    size_t parts_count;
    uint64_t producer; /* 0: none */
    uint64_t sequence;
    /* Where parts and entries are when they were decoded: */
    struct append_part_args *parts_owned; /* NULL: in parts_near */
    struct append_entry *entries_owned;   /* of all parts; NULL: entries_near */
    struct append_part_args parts_near[APPEND_PARTS_NEAR];
    struct append_entry entries_near[APPEND_ENTRIES_NEAR];
};
/* On success the caller must append_args_close() it, and not copy it: it points
 * into itself. On failure it holds nothing of use. QL_NO_MEMORY possible. */
int append_args_decode(struct append_args *ret, struct bytes params,
                       struct err *err);
void append_args_close(struct append_args *args);
int append_args_encode(const struct append_args *args, struct buf *buf);

struct append_place {
    uint64_t first; /* position of the part's first entry */
    uint64_t count;
};

/* log.append's answer {places: [[first, count] ...], time_ms}. */
struct append_result {
    struct append_place places[APPEND_PARTS_MAX];
    size_t count;
    uint64_t time_ms;
};
int append_result_decode(struct append_result *ret, struct bytes result,
                         struct err *err);
int append_result_encode(const struct append_result *result, struct buf *buf);

/* producer.open {} -> {producer, window?}; producer.close {producer} -> {}. */
struct producer_args {
    uint64_t producer;
    uint64_t window; /* of results that are kept; 0: PRODUCER_WINDOW */
};
int producer_args_decode(struct producer_args *ret, struct bytes params,
                         struct err *err);
int producer_args_encode(const struct producer_args *args, struct buf *buf);

/* append.status {producer, sequence} -> log.append's answer, or the error it
 * had: a refusal, NOT_FOUND (did not arrive, or not yet), DUPLICATE_UNKNOWN,
 * PRODUCER_EXPIRED. */
struct append_status_args {
    uint64_t producer;
    uint64_t sequence;
};
int append_status_args_decode(struct append_status_args *ret,
                              struct bytes params, struct err *err);
int append_status_args_encode(const struct append_status_args *args,
                              struct buf *buf);
