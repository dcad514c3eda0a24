/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/output.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/escape.h"
#include "cli/strbuf.h"
#include "util/text.h"

static size_t terminal_width(FILE *file);
static int record_table(struct output *output, const struct column *columns,
                        const void *object, struct err *err);

int output_format_parse(const char *text, enum output_format *ret_format,
                        struct err *err)
{
    /* In the order of the enumeration. */
    static const char *const names[] = {"table", "json", "jsonl", NULL};
    const char *nearest;

    for (size_t i = 0; names[i] != NULL; i++) {
        if (text == NULL || strcmp(text, names[i]) == 0) {
            *ret_format = (enum output_format)i;
            return 0;
        }
    }
    nearest = text_nearest(text, names);
    if (nearest == NULL) {
        return err_set(err, QL_INVALID,
                       "unknown output format \"%s\": table, json or jsonl",
                       text);
    }
    return err_set(err, QL_INVALID,
                   "unknown output format \"%s\", did you mean \"%s\"?", text,
                   nearest);
}

void output_init(struct output *output, FILE *file, enum output_format format)
{
    output->file = file;
    output->format = format;
    output->width = terminal_width(file);
    output->reader_gone = false;
}

int output_record(struct output *output, const struct column *columns,
                  const void *object, struct err *err)
{
    if (output->format == OUTPUT_TABLE) {
        return record_table(output, columns, object, err);
    }
    return output_document(output, output_object(columns, object), err);
}

json_t *output_object(const struct column *columns, const void *object)
{
    json_t *json = json_object();

    for (size_t i = 0; columns[i].key != NULL; i++) {
        cell_json(&columns[i], object, json);
    }
    return json;
}

int output_document(struct output *output, json_t *json, struct err *err)
{
    size_t flags = output->format == OUTPUT_JSON ? JSON_INDENT(2) : 0;
    int rv = json_dumpf(json, output->file, flags | JSON_ENCODE_ANY);

    json_decref(json);
    if (rv != 0 && !ferror(output->file)) {
        return err_set(err, QL_NO_MEMORY, "out of memory for the JSON text");
    }
    return output_bytes(output, "\n", 1, err);
}

int output_bytes(struct output *output, const void *bytes, size_t len,
                 struct err *err)
{
    errno = 0;
    /* fwrite() takes no NULL, not even for nothing. */
    if ((len > 0 && fwrite(bytes, 1, len, output->file) != len) ||
        ferror(output->file)) {
        output->reader_gone = errno == EPIPE;
        return err_errno(err, errno == 0 ? EIO : errno, "standard output");
    }
    return 0;
}

int output_flush(struct output *output, struct err *err)
{
    errno = 0;
    if (fflush(output->file) != 0 || ferror(output->file)) {
        output->reader_gone = output->reader_gone || errno == EPIPE;
        return err_errno(err, errno == 0 ? EIO : errno, "standard output");
    }
    return 0;
}

int output_close(struct output *output, struct err *err)
{
    int rv = output_flush(output, err);

    if (fclose(output->file) != 0 && rv == 0) {
        rv = err_errno(err, errno, "standard output");
    }
    output->file = NULL;
    return rv;
}

/* 0 when @file is no terminal. */
static size_t terminal_width(FILE *file)
{
    struct winsize size;

    if (!isatty(fileno(file)) || ioctl(fileno(file), TIOCGWINSZ, &size) != 0) {
        return 0;
    }
    return size.ws_col;
}

static int record_table(struct output *output, const struct column *columns,
                        const void *object, struct err *err)
{
    struct buf text = BUF_INIT;
    size_t width = 0;
    int rv;

    for (size_t i = 0; columns[i].key != NULL; i++) {
        if (columns[i].title != NULL && strlen(columns[i].title) > width) {
            width = strlen(columns[i].title);
        }
    }
    for (size_t i = 0; columns[i].key != NULL; i++) {
        if (columns[i].title == NULL) {
            continue;
        }
        strbuf_printf(&text, "%-*s  ", (int)width, columns[i].title);
        cell_text(&columns[i], object, &text);
        strbuf_add(&text, "\n", 1);
    }
    rv = output_bytes(output, text.data, text.len, err);
    buf_close(&text);
    return rv;
}
