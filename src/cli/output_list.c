/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/output.h"

#include <assert.h>
#include <string.h>

#include "cli/escape.h"
#include "cli/strbuf.h"

#define GAP "  " /* between two columns of a table */

static int table_row(struct output_list *list, const void *object,
                     struct err *err);
static int table_flush(struct output_list *list, struct err *err);
static int json_row(struct output_list *list, const void *object,
                    struct err *err);
static int bracket_open(struct output_list *list, struct err *err);
static const char *line_add(const struct output_list *list, const char *cells,
                            struct buf *ret_text);
static void heading_add(const struct output_list *list, struct buf *ret_text);
static void line_end(const struct output_list *list, size_t start,
                     struct buf *text);

void output_list_begin(struct output_list *list, struct output *output,
                       const struct column *columns)
{
    memset(list, 0, sizeof *list);
    list->output = output;
    list->columns = columns;
    for (size_t i = 0; columns[i].key != NULL; i++) {
        assert(i < OUTPUT_COLUMNS_MAX);
        if (columns[i].title != NULL) {
            list->widths[i] = strlen(columns[i].title);
        }
    }
}

int output_list_row(struct output_list *list, const void *object,
                    struct err *err)
{
    switch (list->output->format) {
    case OUTPUT_TABLE:
        return table_row(list, object, err);
    case OUTPUT_JSON:
        return json_row(list, object, err);
    case OUTPUT_JSONL:
        break;
    }
    return output_document(list->output, output_object(list->columns, object),
                           err);
}

int output_list_flush(struct output_list *list, struct err *err)
{
    int rv = 0;

    if (list->output->format == OUTPUT_TABLE) {
        rv = table_flush(list, err);
    }
    return rv != 0 ? rv : output_flush(list->output, err);
}

int output_list_end(struct output_list *list, struct err *err)
{
    int rv;

    if (list->output->format == OUTPUT_JSON) {
        rv = bracket_open(list, err);
        if (rv == 0) {
            rv = output_bytes(list->output, list->wrote ? "\n]\n" : "]\n",
                              list->wrote ? 3 : 2, err);
        }
        if (rv != 0) {
            return rv;
        }
    }
    return output_list_flush(list, err);
}

void output_list_close(struct output_list *list)
{
    buf_close(&list->texts);
}

static int table_row(struct output_list *list, const void *object,
                     struct err *err)
{
    for (size_t i = 0; list->columns[i].key != NULL; i++) {
        size_t start = list->texts.len;
        size_t width;

        if (list->columns[i].title == NULL) {
            continue;
        }
        cell_text(&list->columns[i], object, &list->texts);
        width = escape_width((const char *)list->texts.data + start,
                             list->texts.len - start);
        /* What is out already fixed the widths. */
        if (!list->begun && width > list->widths[i]) {
            list->widths[i] = width;
        }
        strbuf_add(&list->texts, "", 1);
    }
    list->rows_held++;
    if (list->begun || list->rows_held == OUTPUT_ROWS_HELD) {
        return table_flush(list, err);
    }
    return 0;
}

/* Writes the heading, once, and the rows held. */
static int table_flush(struct output_list *list, struct err *err)
{
    const char *cells = (const char *)list->texts.data;
    struct buf text = BUF_INIT;
    int rv;

    if (!list->begun) {
        heading_add(list, &text);
        list->begun = true;
    }
    for (size_t i = 0; i < list->rows_held; i++) {
        cells = line_add(list, cells, &text);
    }
    list->rows_held = 0;
    list->texts.len = 0;
    rv = output_bytes(list->output, text.data, text.len, err);
    buf_close(&text);
    return rv;
}

static int json_row(struct output_list *list, const void *object,
                    struct err *err)
{
    json_t *json;
    int rv = bracket_open(list, err);

    if (rv != 0) {
        return rv;
    }
    rv = output_bytes(list->output, list->wrote ? ",\n  " : "\n  ",
                      list->wrote ? 4 : 3, err);
    if (rv != 0) {
        return rv;
    }
    list->wrote = true;
    json = output_object(list->columns, object);
    rv = json_dumpf(json, list->output->file, 0);
    json_decref(json);
    if (rv != 0 && !ferror(list->output->file)) {
        return err_set(err, QL_NO_MEMORY, "out of memory for the JSON text");
    }
    return output_bytes(list->output, "", 0, err);
}

static int bracket_open(struct output_list *list, struct err *err)
{
    if (list->begun) {
        return 0;
    }
    list->begun = true;
    return output_bytes(list->output, "[", 1, err);
}

/* One row from its cells; returns where the next row's begin. */
static const char *line_add(const struct output_list *list, const char *cells,
                            struct buf *ret_text)
{
    size_t start = ret_text->len;

    for (size_t i = 0; list->columns[i].key != NULL; i++) {
        size_t len;
        size_t width;
        size_t pad;

        if (list->columns[i].title == NULL) {
            continue;
        }
        len = strlen(cells);
        width = escape_width(cells, len);
        pad = width < list->widths[i] ? list->widths[i] - width : 0;
        if (cell_is_number(&list->columns[i])) {
            strbuf_printf(ret_text, "%*s%s" GAP, (int)pad, "", cells);
        } else {
            strbuf_printf(ret_text, "%s%*s" GAP, cells, (int)pad, "");
        }
        cells += len + 1;
    }
    line_end(list, start, ret_text);
    return cells;
}

static void heading_add(const struct output_list *list, struct buf *ret_text)
{
    for (size_t i = 0; list->columns[i].key != NULL; i++) {
        int width = (int)list->widths[i];

        if (list->columns[i].title == NULL) {
            continue;
        }
        if (!cell_is_number(&list->columns[i])) {
            width = -width; /* to the left */
        }
        strbuf_printf(ret_text, "%*s" GAP, width, list->columns[i].title);
    }
    line_end(list, 0, ret_text);
}

/* No blanks at the end, no longer than the terminal is wide, and a newline. */
static void line_end(const struct output_list *list, size_t start,
                     struct buf *text)
{
    static const char dots[] = "...";
    size_t width = list->output->width;
    const char *line;

    while (text->len > start && text->data[text->len - 1] == ' ') {
        text->len--;
    }
    line = (const char *)text->data + start;
    if (width >= sizeof dots && escape_width(line, text->len - start) > width) {
        text->len = start + escape_cut(line, text->len - start,
                                       width - (sizeof dots - 1));
        strbuf_add(text, dots, sizeof dots - 1);
    }
    strbuf_add(text, "\n", 1);
}
