/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* An image on its way to a state; private to the restore*.c files. Each step
 * reads on where the one before it stopped and returns 0 or QL_CORRUPT. */
#pragma once

#include "machine/state.h"
#include "util/cursor.h"

struct restore {
    struct state *state;  /* what was read so far */
    struct cursor tables; /* what is left of the parts of the image */
    struct cursor rows;
    struct cursor open;
    uint32_t logs; /* the header's numbers, to be checked by counting */
    uint32_t producers;
    uint64_t uid_last;
    uint64_t opened_last;
    uint64_t mark;
    uint64_t use_last;
    uint32_t flags;
    enum machine_part part;            /* whose logs are being read */
    struct logs *logs_to;              /* they go there */
    const struct chunk_source *source; /* or NULL */
    struct err *err;
};

/* Says @what is wrong; returns QL_CORRUPT. */
int restore_corrupt(struct restore *restore, const char *what);

/* @count logs for restore->part. */
int restore_logs(struct restore *restore, uint32_t count);
/* The chunks of @log, whose numbers are there. */
int restore_chunks(struct restore *restore, struct log *log, uint32_t sealed,
                   uint32_t open_len);
/* The logs with open chunks, in the order of opening. */
int restore_open_order(struct restore *restore);
int restore_producers(struct restore *restore);
/* Backups, settings and kept states. */
int restore_sections(struct restore *restore);
