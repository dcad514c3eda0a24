/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Splits what a descriptor delivers into lines, without waiting for more. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

struct lines {
    int fd;          /* borrowed */
    size_t line_max; /* bytes in a line, without its newline */
    struct buf buf;  /* what was read */
    size_t start;    /* of the next line in it */
    size_t scanned;  /* up to here it has no newline */
    bool ended;      /* the descriptor has no more */
    uint64_t number; /* of the line given last, counted from 1 */
    uint64_t taken;  /* bytes given, with their newlines */
};

enum lines_state {
    LINES_LINE,  /* one was given */
    LINES_WANTS, /* lines_fill() must come first */
    LINES_END,   /* there are no more */
};

void lines_init(struct lines *lines, int fd, size_t line_max);
void lines_close(struct lines *lines); /* not the descriptor */
/* Gives the next line without its newline; a last one without newline is a line
 * too. *ret_line is valid until lines_fill(). QL_TOO_LARGE, naming the line,
 * when it is longer than line_max. */
int lines_next(struct lines *lines, enum lines_state *ret_state,
               struct bytes *ret_line, struct err *err);
/* Can lines_fill() do its work without waiting? */
bool lines_readable(const struct lines *lines);
/* One read(2). Reads nothing when a signal or a non-blocking descriptor says
 * so. QL_IO. */
int lines_fill(struct lines *lines, struct err *err);
