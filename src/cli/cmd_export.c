/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog backup export. */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/part_file.h"
#include "cli/progress.h"
#include "quorlog.h"
#include "util/err.h"

#define FIELD(name) offsetof(struct command_options, name)
#define DONE(name) offsetof(struct export_done, name)

const struct option_row backup_export_options[] = {
    {"endpoint", 0, OPTION_TEXT, FIELD(endpoint), "HOST:PORT",
     "take it from this node and no other"},
    COMMAND_OPTIONS_END,
};

struct export_done {
    const char *name;
    const char *file;
    unsigned char tag[PART_TAG_LEN];
    uint64_t bytes;
    uint64_t resumed_at; /* so many were there from an earlier run */
};

static const struct column done_columns[] = {
    {"name", "backup", COLUMN_POINTER, DONE(name)},
    {"file", "file", COLUMN_POINTER, DONE(file)},
    {"bytes", "bytes", COLUMN_SIZE, DONE(bytes)},
    {"resumed_at", NULL, COLUMN_U64, DONE(resumed_at)},
    {"tag", "tag", COLUMN_DIGEST, DONE(tag)},
    COLUMNS_END,
};

/* One export on its way. */
struct export
{
    struct command_run *run;
    struct part_file part; /* closed: standard output takes the bytes */
    struct export_done done;
    struct progress progress;
    struct err err; /* of a callback; code 0: none */
    bool found;     /* tag and total are known */
    uint64_t total;
};

static int export_to_stream(struct export *export, struct err *err);
static int export_to_file(struct export *export, struct err *err);
static int export_look(struct export *export, struct err *err);
static int export_from(struct export *export, uint64_t offset,
                       ql_export_cb write, struct err *err);
static int on_front(void *data, const struct ql_export_piece *piece);
static int on_stream(void *data, const struct ql_export_piece *piece);
static int on_file(void *data, const struct ql_export_piece *piece);

int backup_export_run(struct command_run *run, struct err *err)
{
    const char *file = run->words[1];
    bool stream = strcmp(file, "-") == 0;
    struct export export = {.run = run,
                            .part = {.fd = -1},
                            .done = {.name = run->words[0], .file = file}};
    int rv = 0;

    if (stream && isatty(STDOUT_FILENO)) {
        return err_set(err, QL_INVALID,
                       "a backup is nothing for a terminal: name a file, or "
                       "send it through a pipe");
    }
    if (!stream) {
        rv = part_file_check(file, err);
    }
    rv = rv != 0 ? rv : command_client(run, 0, err);
    if (rv != 0) {
        return rv;
    }
    progress_init(&export.progress, 0);
    rv = stream ? export_to_stream(&export, err) : export_to_file(&export, err);
    progress_clear(&export.progress);
    part_file_close(&export.part);
    if (rv == 0 && !stream) {
        rv = output_record(&run->output, done_columns, &export.done, err);
    }
    return rv;
}

/* A reader that goes away has lost bytes, so that this is no quiet end. */
static int export_to_stream(struct export *export, struct err *err)
{
    int rv = export_from(export, 0, on_stream, err);

    rv = rv != 0 ? rv : output_flush(&export->run->output, err);
    export->run->output.reader_gone = false;
    return rv;
}

static int export_to_file(struct export *export, struct err *err)
{
    int rv = export_look(export, err);

    rv = rv != 0 ? rv
                 : part_file_open(&export->part, export->done.file,
                                  export->done.tag, export->total, err);
    if (rv != 0) {
        return rv;
    }
    export->done.resumed_at = export->part.len;
    if (export->part.len < export->total) {
        rv = export_from(export, export->part.len, on_file, err);
    }
    export->done.bytes = export->part.len;
    return rv != 0 ? rv : part_file_finish(&export->part, err);
}

/* What the file will be, before one is made. */
static int export_look(struct export *export, struct err *err)
{
    int rv = export_from(export, 0, on_front, err);

    return export->found ? 0 : rv;
}

static int export_from(struct export *export, uint64_t offset,
                       ql_export_cb write, struct err *err)
{
    struct ql_backup_options options = QL_BACKUP_OPTIONS_INIT;
    struct ql_error error;
    int rv;

    options.endpoint = export->run->options.endpoint;
    rv = ql_backup_export(export->run->client, export->done.name, offset,
                          &options, write, export, &error);
    if (rv != 0 && export->err.code != 0) {
        *err = export->err;
        return err->code;
    }
    return rv == 0 ? 0 : command_error(err, rv, &error);
}

static int on_front(void *data, const struct ql_export_piece *piece)
{
    struct export *export = data;

    memcpy(export->done.tag, piece->tag, sizeof export->done.tag);
    export->total = piece->total;
    export->progress.bytes_total = piece->total;
    export->found = true;
    return 1; /* that is all */
}

static int on_stream(void *data, const struct ql_export_piece *piece)
{
    struct export *export = data;

    export->progress.bytes_total = piece->total;
    progress_bytes(&export->progress, "exporting", piece->offset);
    return output_bytes(&export->run->output, piece->bytes, piece->len,
                        &export->err);
}

static int on_file(void *data, const struct ql_export_piece *piece)
{
    struct export *export = data;

    if (piece->total != export->total ||
        memcmp(piece->tag, export->done.tag, sizeof export->done.tag) != 0) {
        return err_set(&export->err, QL_CONDITION_FAILED,
                       "two nodes answered, and their files are not the same");
    }
    progress_bytes(&export->progress, "exporting", piece->offset);
    return part_file_add(&export->part, piece->bytes, piece->len, &export->err);
}
