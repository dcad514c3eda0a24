/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a command answers, as a table, one JSON document or JSON lines. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "cli/cell.h"
#include "util/err.h"

enum output_format {
    OUTPUT_TABLE, /* aligned columns */
    OUTPUT_JSON,  /* one document: an object, or an array of them */
    OUTPUT_JSONL, /* an object a line */
};

struct output {
    FILE *file;
    enum output_format format;
    size_t width;     /* tables are cut to so many characters; 0: never */
    bool reader_gone; /* a write met a closed pipe: end without a word */
};

/* QL_INVALID with the nearest name. NULL is the table. */
int output_format_parse(const char *text, enum output_format *ret_format,
                        struct err *err);
/* @file stays the caller's. */
void output_init(struct output *output, FILE *file, enum output_format format);
/* One thing: a line for each field, or a JSON object. */
int output_record(struct output *output, const struct column *columns,
                  const void *object, struct err *err);
/* The JSON object that stands for @object; the caller's to json_decref(). */
json_t *output_object(const struct column *columns, const void *object);
/* Writes a JSON document, or a line in OUTPUT_JSONL. Takes @json always. */
int output_document(struct output *output, json_t *json, struct err *err);
int output_bytes(struct output *output, const void *bytes, size_t len,
                 struct err *err);
/* QL_IO when something written so far was lost. */
int output_flush(struct output *output, struct err *err);
/* The same, and closes the file: the last moment to learn that it is not
 * stored. */
int output_close(struct output *output, struct err *err);

/* Many things. The widths of a table come from the rows that are held until
 * OUTPUT_ROWS_HELD of them are there or output_list_flush() is called. */
#define OUTPUT_ROWS_HELD 200
#define OUTPUT_COLUMNS_MAX 16

struct output_list {
    struct output *output;
    const struct column *columns;
    bool begun; /* the heading or the bracket is out */
    bool wrote; /* so is a row */
    size_t widths[OUTPUT_COLUMNS_MAX];
    struct buf texts; /* the held cells, a NUL behind each */
    size_t rows_held;
};

/* @output and @columns stay the caller's and outlive the list. */
void output_list_begin(struct output_list *list, struct output *output,
                       const struct column *columns);
int output_list_row(struct output_list *list, const void *object,
                    struct err *err);
int output_list_flush(struct output_list *list, struct err *err);
/* Ends the document. To be called only when all rows went well. */
int output_list_end(struct output_list *list, struct err *err);
void output_list_close(struct output_list *list); /* frees */
