/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/log_view.h"

#include "quorlog.h"

#define FIELD(name) offsetof(struct ql_log_stat, name)

const struct column log_columns[] = {
    {"log", "log", COLUMN_TEXT, FIELD(name)},
    {"uid", "uid", COLUMN_U64, FIELD(uid)},
    {"incarnation", "incarnation", COLUMN_U64, FIELD(incarnation)},
    {"head", "head", COLUMN_U64, FIELD(head)},
    {"tail", "tail", COLUMN_U64, FIELD(tail)},
    {"entries", "entries", COLUMN_U64, FIELD(entries)},
    {"bytes", "bytes", COLUMN_U64, FIELD(bytes)},
    {"last_time_ms", "last entry", COLUMN_TIME, FIELD(last_time_ms)},
    {"retention_entries", "retention entries", COLUMN_U64,
     FIELD(retention.entries)},
    {"retention_bytes", "retention bytes", COLUMN_U64, FIELD(retention.bytes)},
    {"retention_age_ms", "retention age", COLUMN_DURATION,
     FIELD(retention.age_ms)},
    {"writer_epoch", "writer epoch", COLUMN_U64, FIELD(writer_epoch)},
    {"writer_name", "writer", COLUMN_TEXT, FIELD(writer_name)},
    {"digest", "digest", COLUMN_DIGEST, FIELD(digest)},
    COLUMNS_END,
};

const struct column log_list_columns[] = {
    {"log", "LOG", COLUMN_TEXT, FIELD(name)},
    {"uid", NULL, COLUMN_U64, FIELD(uid)},
    {"incarnation", NULL, COLUMN_U64, FIELD(incarnation)},
    {"head", "HEAD", COLUMN_U64, FIELD(head)},
    {"tail", "TAIL", COLUMN_U64, FIELD(tail)},
    {"entries", "ENTRIES", COLUMN_U64, FIELD(entries)},
    {"bytes", "BYTES", COLUMN_SIZE, FIELD(bytes)},
    {"last_time_ms", "LAST ENTRY", COLUMN_TIME, FIELD(last_time_ms)},
    {"retention_entries", NULL, COLUMN_U64, FIELD(retention.entries)},
    {"retention_bytes", NULL, COLUMN_U64, FIELD(retention.bytes)},
    {"retention_age_ms", NULL, COLUMN_U64, FIELD(retention.age_ms)},
    {"writer_epoch", NULL, COLUMN_U64, FIELD(writer_epoch)},
    {"writer_name", "WRITER", COLUMN_TEXT, FIELD(writer_name)},
    {"digest", NULL, COLUMN_DIGEST, FIELD(digest)},
    COLUMNS_END,
};

const struct column log_writer_columns[] = {
    {"log", "log", COLUMN_TEXT, FIELD(name)},
    {"writer_epoch", "epoch", COLUMN_U64, FIELD(writer_epoch)},
    {"writer_name", "writer", COLUMN_TEXT, FIELD(writer_name)},
    {"tail", "tail", COLUMN_U64, FIELD(tail)},
    COLUMNS_END,
};
