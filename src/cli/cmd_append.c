/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog log append: from arguments, from a file as a whole, by lines. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/append_view.h"
#include "cli/command.h"
#include "cli/feed.h"
#include "quorlog.h"
#include "util/buf.h"
#include "util/limits.h"
#include "util/mem.h"

#define FIELD(name) offsetof(struct command_options, name)
/* Enough for a change of leader, so that it does not end a long feed. */
#define LINES_TIMEOUT_MS 60000u

const struct option_row log_append_options[] = {
    {"lines", 'l', OPTION_FLAG, FIELD(lines), NULL,
     "an entry for each line of standard input, or of --file"},
    {"file", 'f', OPTION_TEXT, FIELD(file), "PATH",
     "the whole file is one entry; - is standard input"},
    {"key", 'k', OPTION_TEXT, FIELD(key), "TEXT", "the key of every entry"},
    {"expect-position", 0, OPTION_U64, FIELD(expect_position), "POSITION",
     "refuse unless the first entry gets this position"},
    {"epoch", 0, OPTION_U64, FIELD(epoch), "EPOCH",
     "append as the writer that acquired this epoch"},
    {"batch-entries", 0, OPTION_U64, FIELD(batch_entries), "COUNT",
     "lines in one append at most (512)"},
    {"batch-bytes", 0, OPTION_SIZE, FIELD(batch_bytes), "SIZE",
     "bytes in one append at most (128KiB)"},
    {"acks", 0, OPTION_FLAG, FIELD(acks), NULL,
     "with --lines: print LINE POSITION as each is acknowledged"},
    COMMAND_OPTIONS_END,
};

static int check_options(const struct command_run *run, struct err *err);
static int append_lines(struct command_run *run, struct err *err);
static int append_file(struct command_run *run, struct err *err);
static int append_words(struct command_run *run, struct err *err);
static int append_entries(struct command_run *run,
                          const struct ql_entry *entries, size_t count,
                          struct err *err);
static int input_open(const char *path, int *ret_fd, struct err *err);
static void input_close(int fd);
static int input_read(int fd, size_t len_max, struct buf *ret, struct err *err);
static void entry_set(const struct command_run *run, const void *value,
                      size_t len, struct ql_entry *ret_entry);

int log_append_run(struct command_run *run, struct err *err)
{
    int rv = check_options(run, err);

    if (rv != 0) {
        return rv;
    }
    if (run->options.lines) {
        return append_lines(run, err);
    }
    if (run->options.file != NULL) {
        return append_file(run, err);
    }
    return append_words(run, err);
}

static int check_options(const struct command_run *run, struct err *err)
{
    const struct command_options *options = &run->options;
    bool from_input = options->lines || options->file != NULL;

    if (run->word_count > 1 && from_input) {
        return err_set(err, QL_INVALID,
                       "values come from the command line or from %s, not both",
                       options->lines ? "--lines" : "--file");
    }
    if (run->word_count == 1 && !from_input) {
        return err_set(err, QL_INVALID,
                       "nothing to append: give a VALUE, --lines or --file");
    }
    for (size_t i = 0; !options->lines && i < 3; i++) {
        static const char *const names[] = {"acks", "batch-entries",
                                            "batch-bytes"};

        if (command_given(run, names[i])) {
            return err_set(err, QL_INVALID, "--%s goes with --lines only",
                           names[i]);
        }
    }
    /* In the protocol 0 would mean: no condition. Whoever computed it meant one.
     */
    if (command_given(run, "expect-position") &&
        options->expect_position == 0) {
        return err_set(err, QL_INVALID, "positions are counted from 1");
    }
    if (command_given(run, "epoch") && options->epoch == 0) {
        return err_set(err, QL_INVALID, "epochs are counted from 1");
    }
    if (options->batch_entries > APPEND_ENTRIES_MAX) {
        return err_set(err, QL_INVALID, "--batch-entries is at most %u",
                       APPEND_ENTRIES_MAX);
    }
    /* A single line may be as large as an entry, so leave that out of it. */
    if (options->batch_bytes > APPEND_BYTES_MAX / 2) {
        return err_set(err, QL_INVALID, "--batch-bytes is at most %u",
                       APPEND_BYTES_MAX / 2);
    }
    if (options->key != NULL && strlen(options->key) > ENTRY_KEY_MAX) {
        return err_set(err, QL_TOO_LARGE, "a key has at most %u bytes",
                       ENTRY_KEY_MAX);
    }
    return 0;
}

static int append_lines(struct command_run *run, struct err *err)
{
    int fd;
    int rv;

    rv = input_open(run->options.file, &fd, err);
    if (rv != 0) {
        return rv;
    }
    rv = command_client(run, LINES_TIMEOUT_MS, err);
    if (rv == 0) {
        rv = feed_lines(run, fd, err);
    }
    input_close(fd);
    return rv;
}

static int append_file(struct command_run *run, struct err *err)
{
    struct buf value = BUF_INIT;
    struct ql_entry entry;
    int fd;
    int rv;

    rv = input_open(run->options.file, &fd, err);
    if (rv != 0) {
        return rv;
    }
    rv = input_read(fd, ENTRY_VALUE_MAX, &value, err);
    if (rv != 0) {
        err_wrap(err, "%s", run->options.file);
        goto close_input;
    }
    entry_set(run, value.data, value.len, &entry);
    rv = append_entries(run, &entry, 1, err);

close_input:
    buf_close(&value);
    input_close(fd);
    return rv;
}

static int append_words(struct command_run *run, struct err *err)
{
    size_t count = (size_t)run->word_count - 1;
    struct ql_entry *entries = mem_must_array(count, sizeof *entries);
    int rv;

    for (size_t i = 0; i < count; i++) {
        const char *value = run->words[i + 1];

        entry_set(run, value, strlen(value), &entries[i]);
    }
    rv = append_entries(run, entries, count, err);
    free(entries);
    return rv;
}

static int append_entries(struct command_run *run,
                          const struct ql_entry *entries, size_t count,
                          struct err *err)
{
    struct append_view view = {.log = run->words[0]};
    struct ql_append_part part = {.log = run->words[0],
                                  .entries = entries,
                                  .count = count,
                                  .expect_position =
                                      run->options.expect_position,
                                  .epoch = run->options.epoch};
    struct ql_append_place place;
    struct ql_error error;
    int rv;

    rv = command_client(run, 0, err);
    if (rv != 0) {
        return rv;
    }
    rv = ql_append_parts(run->client, &part, 1, NULL, &place, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    view.first = place.first;
    view.last = place.first + place.count - 1;
    view.count = place.count;
    return append_view_show(&run->output, &view, err);
}

/* NULL and "-" are standard input. */
static int input_open(const char *path, int *ret_fd, struct err *err)
{
    int fd;

    if (path == NULL || strcmp(path, "-") == 0) {
        *ret_fd = STDIN_FILENO;
        return 0;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        err_errno(err, errno, "open %s", path);
        err->code = QL_IO; /* QL_NOT_FOUND would speak of a log */
        return QL_IO;
    }
    *ret_fd = fd;
    return 0;
}

static void input_close(int fd)
{
    if (fd != STDIN_FILENO) {
        (void)close(fd);
    }
}

static int input_read(int fd, size_t len_max, struct buf *ret, struct err *err)
{
    for (;;) {
        ssize_t len;

        if (ret->len > len_max) {
            return err_set(err, QL_TOO_LARGE,
                           "an entry has at most %zu bytes; --lines makes one "
                           "of each line",
                           len_max);
        }
        if (buf_reserve(ret, 64 * KIB) != 0) {
            return err_set(err, QL_NO_MEMORY, "out of memory");
        }
        len = read(fd, ret->data + ret->len, 64 * KIB);
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len < 0) {
            return err_errno(err, errno, "read");
        }
        if (len == 0) {
            return 0;
        }
        ret->len += (size_t)len;
    }
}

static void entry_set(const struct command_run *run, const void *value,
                      size_t len, struct ql_entry *ret_entry)
{
    memset(ret_entry, 0, sizeof *ret_entry);
    ret_entry->key = run->options.key;
    ret_entry->key_len =
        run->options.key == NULL ? 0 : strlen(run->options.key);
    ret_entry->value = value;
    ret_entry->value_len = len;
}
