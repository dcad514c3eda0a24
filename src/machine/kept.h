/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A state of all logs that is kept beside the live one (machine/machine_parts.h):
 * in sealed chunks alone, and nobody holds a log of it. Private to the floor.
 */
#pragma once

#include "machine/logs.h"
#include "wire/args_recovery.h"

struct kept {
    uint64_t id;
    uint64_t revision;                /* of a staged one: from 1 on */
    char source[BACKUP_NAME_MAX + 1]; /* struct machine_part_info */
    uint64_t from_index;
    uint64_t from_time_ms;
    uint64_t from_state_index;
    uint64_t deleted; /* entries that edits removed */
    /* Of a draft: */
    uint64_t next_seq;
    uint64_t edit_of;     /* id of the staged one, which is there; or 0 */
    uint64_t log_uid;     /* of the log that is being filled, or 0 */
    uint64_t total_bytes; /* told at the begin */
    struct logs logs;
};

/* Zeroed, without logs. */
struct kept *kept_new(const struct machine_limits *limits);
void kept_free(struct kept *kept); /* NULL is fine */
void kept_set_source(struct kept *kept, const char *source);
