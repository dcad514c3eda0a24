/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One field of an object, as a person reads it and as JSON. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "util/buf.h"

enum column_kind {
    COLUMN_TEXT,     /* char[], NUL-terminated */
    COLUMN_POINTER,  /* const char *; NULL: nothing */
    COLUMN_U64,      /* uint64_t */
    COLUMN_ID,       /* uint64_t; 0: nothing */
    COLUMN_SIZE,     /* uint64_t bytes; CELL_NO_SIZE: nothing */
    COLUMN_DURATION, /* uint64_t milliseconds */
    COLUMN_TIME,     /* uint64_t Unix milliseconds; 0: nothing */
    COLUMN_BOOL,     /* bool */
    COLUMN_DIGEST,   /* unsigned char[16] */
    COLUMN_BYTES,    /* struct bytes; data NULL: nothing */
};

/* Tables of these end with a column whose key is NULL. */
struct column {
    const char *key;   /* of the JSON member */
    const char *title; /* in tables; NULL: only in JSON */
    enum column_kind kind;
    size_t offset; /* of the field in the object */
};

#define COLUMNS_END                                                            \
    {                                                                          \
        0, 0, COLUMN_TEXT, 0                                                   \
    }

#define CELL_NO_SIZE UINT64_MAX
#define CELL_TIME_LEN 24 /* "2026-01-02T03:04:05.678Z" */

/* Adds the text of @object's field, safe for a terminal. */
void cell_text(const struct column *column, const void *object,
               struct buf *ret_text);
/* Adds the field to @json: text as it is, bytes as text where they are UTF-8,
 * otherwise under the key with "_base64" behind it. */
void cell_json(const struct column *column, const void *object, json_t *json);
/* Do its numbers stand at the right of the column? */
bool cell_is_number(const struct column *column);

/* RFC 3339 in UTC with milliseconds; beyond the year 9999 that year's end. */
void cell_time(uint64_t time_ms, char ret_text[CELL_TIME_LEN + 1]);
