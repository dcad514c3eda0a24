/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The machine once more, so simple that it is plainly right: arrays that are
 * searched from end to end, and numbers that are counted whenever they are
 * asked for. Values are one byte repeated, so that entries stay small here.
 */
#pragma once

#include "machine/machine.h"

#define MODEL_LOGS 48
#define MODEL_PRODUCERS 12

struct model_entry {
    uint64_t time_ms;
    size_t key_len; /* SIZE_MAX: no key */
    size_t value_len;
    uint8_t fill;   /* every byte of key and value */
    uint64_t chunk; /* number of the chunk it is in; a merged one has the first
                       of its parts */
};

struct model_log {
    bool exists;
    uint64_t uid;
    uint64_t token;
    uint64_t head;
    struct model_entry *entries; /* all ever appended; position 1 comes first */
    size_t count;
    size_t room;
    struct retention keep;
    uint64_t epoch;
    bool held;
    uint64_t open_chunk; /* number of the open chunk; 0: none */
    uint8_t digest[16];
};

struct model_result {
    int code;
    uint64_t position;
    uint64_t first; /* place of the first part */
};

struct model_producer {
    uint64_t id; /* 0: never opened */
    bool closed;
    struct model_result results[4096]; /* of sequences 1 and up */
    uint64_t last;
};

struct model {
    struct model_log logs[MODEL_LOGS];
    struct model_producer producers[MODEL_PRODUCERS];
    uint64_t uid_last;
    uint64_t id_last;
    uint64_t chunk_last; /* chunks are numbered as they are opened */
    uint64_t state_index;
    uint64_t time_ms;
    bool suspended;
    struct machine_limits limits;
};

struct model_part {
    size_t log;
    uint64_t expect_position;
    uint64_t epoch;
    struct model_entry entries[4];
    size_t count;
};

struct model *model_new(const struct machine_limits *limits);
void model_free(struct model *model);
/* Each returns the code that the machine should give, and a position with it. */
void model_begin(struct model *model, uint64_t time_ms);
int model_create(struct model *model, size_t log, struct retention keep,
                 uint64_t token);
int model_configure(struct model *model, size_t log, struct retention keep);
int model_delete(struct model *model, size_t log);
int model_trim(struct model *model, size_t log, uint64_t before,
               uint64_t *ret_position);
/* @producer is an index, or MODEL_PRODUCERS for none. *ret_first is the place of
 * the first part. */
int model_append(struct model *model, const struct model_part *parts,
                 size_t count, size_t producer, uint64_t sequence,
                 uint64_t *ret_position, uint64_t *ret_first,
                 bool *ret_duplicate);
uint64_t model_open(struct model *model, size_t producer, uint64_t index);
int model_acquire(struct model *model, size_t log);
int model_release(struct model *model, size_t log, uint64_t epoch);
void model_tick(struct model *model);

uint64_t model_tail(const struct model_log *log);
/* Kept entries, and bytes of keys and values in chunks that have some of them. */
uint64_t model_kept(const struct model_log *log, uint64_t *ret_bytes);
