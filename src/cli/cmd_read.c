/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog log read and follow. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "quorlog.h"
#include "util/code.h"

#define FIELD(name) offsetof(struct command_options, name)
#define READ_TIMEOUT_MS 10000 /* for the next entry to come */

const struct option_row log_read_options[] = {
    {"from", 0, OPTION_U64, FIELD(from), "POSITION",
     "where to begin (the first entry kept)"},
    {"to", 0, OPTION_U64, FIELD(to), "POSITION",
     "stop before it (the end of the log)"},
    {"count", 0, OPTION_U64, FIELD(count), "COUNT", "at most so many entries"},
    {"raw", 0, OPTION_FLAG, FIELD(raw), NULL,
     "only the values, a newline behind each"},
    {"stale", 0, OPTION_FLAG, FIELD(stale), NULL,
     "ask any node; it may be behind"},
    COMMAND_OPTIONS_END,
};

const struct option_row log_follow_options[] = {
    {"from", 0, OPTION_U64, FIELD(from), "POSITION",
     "where to begin (the first entry kept)"},
    {"count", 0, OPTION_U64, FIELD(count), "COUNT",
     "stop after so many entries"},
    {"raw", 0, OPTION_FLAG, FIELD(raw), NULL,
     "only the values, a newline behind each"},
    {"stale", 0, OPTION_FLAG, FIELD(stale), NULL,
     "ask any node; it may be behind"},
    COMMAND_OPTIONS_END,
};

struct entry_row {
    uint64_t position;
    uint64_t time_ms;
    struct bytes key; /* no data when there is none */
    struct bytes value;
};

static const struct column entry_columns[] = {
    {"position", "POSITION", COLUMN_U64, offsetof(struct entry_row, position)},
    {"time_ms", "TIME", COLUMN_TIME, offsetof(struct entry_row, time_ms)},
    {"key", "KEY", COLUMN_BYTES, offsetof(struct entry_row, key)},
    {"value", "VALUE", COLUMN_BYTES, offsetof(struct entry_row, value)},
    COLUMNS_END,
};

/* One command's walk over a log. */
struct walk {
    struct command_run *run;
    struct ql_reader *reader;
    struct output_list list; /* unused with --raw */
    uint64_t end;            /* the log was seen to go so far; 0: any end
                                will do */
    uint64_t given;          /* entries written */
};

static int walk_begin(struct walk *walk, struct command_run *run, bool follow,
                      struct err *err);
static bool walk_is_full(const struct walk *walk);
static int walk_give(struct walk *walk, const struct ql_entry *entry,
                     struct err *err);
static int walk_flush(struct walk *walk, struct err *err);
static int walk_finish(struct walk *walk, int rv, struct err *err);
static int walk_next(struct walk *walk, int timeout_ms,
                     struct ql_entry *ret_entry, struct err *err);
static int follow_wait(struct walk *walk, struct err *err);

int log_read_run(struct command_run *run, struct err *err)
{
    int timeout_ms = READ_TIMEOUT_MS;
    struct walk walk;
    int rv;

    rv = walk_begin(&walk, run, false, err);
    if (rv != 0) {
        return rv;
    }
    if (run->options.timeout_ms != 0) {
        timeout_ms = (int)run->options.timeout_ms;
    }
    while (!walk_is_full(&walk)) {
        struct ql_entry entry;

        rv = walk_next(&walk, timeout_ms, &entry, err);
        if (rv == QL_NOT_FOUND && ql_reader_position(walk.reader) >= walk.end) {
            rv = 0;
            break;
        }
        if (rv == 0) {
            rv = walk_give(&walk, &entry, err);
        }
        if (rv != 0) {
            break;
        }
    }
    return walk_finish(&walk, rv, err);
}

int log_follow_run(struct command_run *run, struct err *err)
{
    struct walk walk;
    int rv;

    rv = walk_begin(&walk, run, true, err);
    if (rv != 0) {
        return rv;
    }
    interrupt_catch();
    while (!walk_is_full(&walk) && !interrupt_seen()) {
        struct ql_entry entry;

        rv = walk_next(&walk, 0, &entry, err);
        if (rv == QL_TIMEOUT) {
            rv = follow_wait(&walk, err);
        } else if (rv == 0) {
            rv = walk_give(&walk, &entry, err);
        }
        if (rv != 0) {
            break;
        }
    }
    return walk_finish(&walk, rv, err);
}

/* Asks for the log first: a reader that waits for ever has no other way to say
 * that there is no such log, or nobody to ask. */
static int walk_begin(struct walk *walk, struct command_run *run, bool follow,
                      struct err *err)
{
    struct ql_reader_options options = QL_READER_OPTIONS_INIT;
    struct ql_log_stat stat;
    struct ql_error error;
    int rv;

    memset(walk, 0, sizeof *walk);
    walk->run = run;
    if (run->options.raw && run->options.output != NULL &&
        run->output.format != OUTPUT_TABLE) {
        return err_set(err, QL_INVALID,
                       "--raw and --output exclude each other");
    }
    rv = command_client(run, 0, err);
    if (rv != 0) {
        return rv;
    }
    rv = ql_log_stat(run->client, run->words[0], command_consistency(run),
                     &stat, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    options.from = run->options.from;
    options.to = run->options.to;
    options.follow = follow;
    options.consistency = command_consistency(run);
    rv = ql_reader_new(&walk->reader, run->client, run->words[0], &options,
                       &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    /* An end before it means that the log was deleted in between. Another node
     * that is asked with --stale may well be behind. */
    if (!run->options.stale) {
        walk->end = stat.tail;
        if (options.to != 0 && options.to < stat.tail) {
            walk->end = options.to;
        }
    }
    output_list_begin(&walk->list, &run->output, entry_columns);
    return 0;
}

static bool walk_is_full(const struct walk *walk)
{
    return command_given(walk->run, "count") &&
           walk->given >= walk->run->options.count;
}

static int walk_give(struct walk *walk, const struct ql_entry *entry,
                     struct err *err)
{
    struct entry_row row = {.position = entry->position,
                            .time_ms = entry->time_ms};
    int rv;

    walk->given++;
    if (walk->run->options.raw) {
        rv = output_bytes(&walk->run->output, entry->value, entry->value_len,
                          err);
        return rv != 0 ? rv : output_bytes(&walk->run->output, "\n", 1, err);
    }
    row.key.data = entry->key_len == 0 ? NULL : entry->key;
    row.key.len = entry->key_len;
    row.value.data = entry->value == NULL ? (const uint8_t *)"" : entry->value;
    row.value.len = entry->value_len;
    return output_list_row(&walk->list, &row, err);
}

static int walk_flush(struct walk *walk, struct err *err)
{
    if (walk->run->options.raw) {
        return output_flush(&walk->run->output, err);
    }
    return output_list_flush(&walk->list, err);
}

/* Writes out what came before an error, too, but no heading for nothing.
 * Returns @rv, or what went wrong here. */
static int walk_finish(struct walk *walk, int rv, struct err *err)
{
    struct err finish_err = {.code = 0};
    int finish_rv = 0;

    if (!walk->run->output.reader_gone && (rv == 0 || walk->given > 0)) {
        finish_rv = walk->run->options.raw
                        ? walk_flush(walk, &finish_err)
                        : output_list_end(&walk->list, &finish_err);
    }
    output_list_close(&walk->list);
    ql_reader_free(walk->reader);
    if (rv == 0 && finish_rv != 0) {
        *err = finish_err;
        rv = finish_rv;
    }
    return rv;
}

static int walk_next(struct walk *walk, int timeout_ms,
                     struct ql_entry *ret_entry, struct err *err)
{
    struct ql_error error;
    int rv = ql_reader_next(walk->reader, timeout_ms, ret_entry, &error);

    if (rv == QL_TRIMMED) {
        rv = err_set(err, rv,
                     "entries before position %" PRIu64
                     " were dropped before they were read",
                     error.position);
        err->position = error.position;
        return rv;
    }
    if (rv == QL_RESTORED) {
        rv = err_set(err, rv, "%s", error.text);
        err->position = error.position;
        return rv;
    }
    return rv == 0 ? 0 : command_error(err, rv, &error);
}

/* Nothing is here: writes out what was held, then sleeps until the client has
 * work or a signal comes. */
static int follow_wait(struct walk *walk, struct err *err)
{
    struct ql_client *client = walk->run->client;
    struct pollfd fd = {.fd = ql_client_fd(client),
                        .events = (short)ql_client_events(client)};
    int rv = walk_flush(walk, err);

    if (rv != 0) {
        return rv;
    }
    if (interrupt_poll(&fd, 1, ql_client_timeout_ms(client)) < 0) {
        return err_errno(err, errno, "wait for entries");
    }
    rv = ql_client_process(client);
    return rv == 0 ? 0 : err_set(err, rv, "%s", code_name(rv));
}
