/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/feed.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/append_view.h"
#include "cli/batch.h"
#include "cli/interrupt.h"
#include "cli/ledger.h"
#include "cli/lines.h"
#include "cli/progress.h"
#include "cli/strbuf.h"
#include "util/code.h"
#include "util/limits.h"
#include "util/mem.h"

/* Taking one line can fill a batch that was waiting and another one. */
#define FEED_SLOTS (FEED_BATCHES_IN_FLIGHT + 1)

/* One append, from its sending until its place in the ledger. */
struct feed_slot {
    struct feed *feed;
    uint64_t first_line;
    uint64_t count;
    uint64_t position; /* of its first entry */
    bool done;
    struct ql_error error; /* code 0: acknowledged */
};

struct feed {
    struct command_run *run;
    struct lines lines;
    struct batch batch;                 /* lines that wait to be sent */
    struct ql_entry *entries;           /* room for those of a batch */
    struct feed_slot slots[FEED_SLOTS]; /* a ring, in the order of sending */
    uint64_t sent;                      /* batches */
    uint64_t settled;                   /* those in the ledger */
    uint64_t next_line;                 /* the first that was not sent */
    uint64_t expect_position;           /* for the next batch, or 0 */
    bool stopped;                       /* no more is read or sent */
    bool input_over;                    /* all lines were sent */
    struct err problem; /* of input, output or polling; code 0: none */
    struct ledger ledger;
    struct progress progress;
};

static void feed_open(struct feed *feed, struct command_run *run, int fd);
static void feed_close(struct feed *feed);
static int feed_finish(struct feed *feed, struct err *err);
static void feed_take(struct feed *feed);
static void feed_take_line(struct feed *feed, struct bytes line);
static void feed_send(struct feed *feed);
static void feed_wait(struct feed *feed);
static void feed_on_append_done(void *data,
                                const struct ql_append_result *result,
                                const struct ql_error *error);
static void feed_settle(struct feed *feed);
static void feed_give_up(struct feed *feed);
static void feed_print_acks(struct feed *feed, const struct feed_slot *slot);
static uint64_t file_bytes_left(int fd);

int feed_lines(struct command_run *run, int fd, struct err *err)
{
    struct feed *feed = mem_must_zalloc(sizeof *feed);
    int rv;

    feed_open(feed, run, fd);
    interrupt_catch();
    for (;;) {
        feed_take(feed);
        feed_settle(feed);
        if (feed->stopped && feed->settled == feed->sent) {
            break;
        }
        feed_wait(feed);
        feed_settle(feed);
        progress_update(&feed->progress, feed->ledger.acknowledged,
                        feed->lines.taken);
    }
    progress_clear(&feed->progress);
    rv = feed_finish(feed, err);
    feed_close(feed);
    return rv;
}

static void feed_open(struct feed *feed, struct command_run *run, int fd)
{
    const struct command_options *options = &run->options;
    size_t entries_max = FEED_BATCH_ENTRIES;
    size_t bytes_max = FEED_BATCH_BYTES;

    if (options->batch_entries != 0) {
        entries_max = options->batch_entries;
    }
    if (options->batch_bytes != 0) {
        bytes_max = options->batch_bytes;
    }
    feed->run = run;
    feed->next_line = 1;
    feed->expect_position = options->expect_position;
    lines_init(&feed->lines, fd, ENTRY_VALUE_MAX);
    batch_init(&feed->batch, entries_max, bytes_max, options->key);
    feed->entries = mem_must_array(entries_max, sizeof *feed->entries);
    progress_init(&feed->progress, file_bytes_left(fd));
    /* The two would write over each other. */
    if (options->acks && isatty(STDOUT_FILENO)) {
        feed->progress.shown = false;
    }
}

static void feed_close(struct feed *feed)
{
    /* First: it may still call back for appends that were given up. */
    ql_client_free(feed->run->client);
    feed->run->client = NULL;
    lines_close(&feed->lines);
    batch_close(&feed->batch);
    free(feed->entries);
    free(feed);
}

/* What was acknowledged goes to standard output even when the rest failed. */
static int feed_finish(struct feed *feed, struct err *err)
{
    struct ledger *ledger = &feed->ledger;
    struct buf text = BUF_INIT;
    int rv = ledger_code(ledger);
    const char *reason = ledger->error.text;

    if (!feed->run->options.acks && feed->problem.code == 0) {
        struct append_view view = {.log = feed->run->words[0],
                                   .first = ledger->first_position,
                                   .last = ledger->last_position,
                                   .count = ledger->acknowledged};

        (void)append_view_show(&feed->run->output, &view, &feed->problem);
    }
    /* With some lines' fate open a closed pipe is no reason to be quiet. */
    feed->run->output.reader_gone = false;
    if (rv == 0) {
        rv = feed->problem.code;
        reason = feed->problem.text;
    }
    if (rv == 0 && !feed->input_over) {
        rv = QL_CANCELED;
        reason = "interrupted";
    }
    if (rv != 0) {
        ledger_text(ledger, feed->input_over ? 0 : feed->next_line, &text);
        err_set(err, rv, "%s: %s", strbuf_text(&text), reason);
        err->position = ledger->error.position;
    }
    buf_close(&text);
    return rv;
}

/* Takes lines and sends batches as long as that needs no waiting. */
static void feed_take(struct feed *feed)
{
    while (!feed->stopped &&
           feed->sent - feed->settled < FEED_BATCHES_IN_FLIGHT) {
        enum lines_state state;
        struct bytes line;

        if (lines_next(&feed->lines, &state, &line, &feed->problem) != 0) {
            feed_send(feed);
            feed->stopped = true;
            return;
        }
        switch (state) {
        case LINES_LINE:
            feed_take_line(feed, line);
            break;
        case LINES_END:
            feed_send(feed);
            feed->input_over = feed->batch.count == 0;
            feed->stopped = true;
            return;
        case LINES_WANTS:
            if (!lines_readable(&feed->lines)) {
                feed_send(feed); /* whoever writes may wait for these */
                return;
            }
            if (lines_fill(&feed->lines, &feed->problem) != 0) {
                feed_send(feed);
                feed->stopped = true;
                return;
            }
            break;
        }
    }
}

static void feed_take_line(struct feed *feed, struct bytes line)
{
    if (!batch_has_room(&feed->batch, line.len)) {
        feed_send(feed);
    }
    if (feed->stopped) {
        return;
    }
    batch_add(&feed->batch, line);
    if (batch_is_full(&feed->batch)) {
        feed_send(feed);
    }
}

/* Sends the lines that wait, if there are any. */
static void feed_send(struct feed *feed)
{
    const struct command_options *options = &feed->run->options;
    struct feed_slot *slot = &feed->slots[feed->sent % FEED_SLOTS];
    struct ql_append_part part = {.log = feed->run->words[0],
                                  .entries = feed->entries,
                                  .count = feed->batch.count,
                                  .expect_position = feed->expect_position,
                                  .epoch = options->epoch};
    struct ql_error error;
    int rv;

    if (feed->stopped || feed->batch.count == 0) {
        return;
    }
    assert(feed->sent - feed->settled < FEED_SLOTS);
    memset(slot, 0, sizeof *slot);
    slot->feed = feed;
    slot->first_line = feed->next_line;
    slot->count = feed->batch.count;
    batch_entries(&feed->batch, feed->entries);
    rv = ql_append_async(feed->run->client, &part, 1, NULL, feed_on_append_done,
                         slot, &error);
    feed->sent++;
    feed->next_line += slot->count;
    /* What follows is wanted right behind these, whether or not they are in
     * already. */
    if (feed->expect_position != 0) {
        feed->expect_position += slot->count;
    }
    batch_empty(&feed->batch);
    if (rv != 0) {
        slot->done = true;
        slot->error = error;
        feed->stopped = true;
    }
}

/* Sleeps until the client, the input or a signal has something. */
static void feed_wait(struct feed *feed)
{
    struct ql_client *client = feed->run->client;
    struct pollfd fds[2] = {
        {.fd = ql_client_fd(client), .events = (short)ql_client_events(client)},
        {.fd = feed->lines.fd, .events = POLLIN},
    };
    bool takes =
        !feed->stopped && feed->sent - feed->settled < FEED_BATCHES_IN_FLIGHT;
    int rv;

    if (interrupt_poll(fds, takes ? 2 : 1, ql_client_timeout_ms(client)) < 0) {
        err_errno(&feed->problem, errno, "wait for answers");
        feed_give_up(feed);
        return;
    }
    if (interrupt_seen()) {
        feed->stopped = true;
    }
    rv = ql_client_process(client);
    if (rv != 0) {
        err_set(&feed->problem, rv, "%s", code_name(rv));
        feed_give_up(feed);
    }
}

static void feed_on_append_done(void *data,
                                const struct ql_append_result *result,
                                const struct ql_error *error)
{
    struct feed_slot *slot = data;
    struct feed *feed = slot->feed;

    if (slot->done) {
        return; /* given up before */
    }
    slot->done = true;
    if (error != NULL) {
        slot->error = *error;
        feed->stopped = true;
        return;
    }
    slot->position = result->places[0].first;
    if (feed->run->options.acks) {
        feed_print_acks(feed, slot);
    }
}

/* Enters what is done into the ledger, in the order of the lines. */
static void feed_settle(struct feed *feed)
{
    while (feed->settled < feed->sent) {
        struct feed_slot *slot = &feed->slots[feed->settled % FEED_SLOTS];

        if (!slot->done) {
            return;
        }
        if (slot->error.code == 0) {
            ledger_acknowledged(&feed->ledger, slot->first_line, slot->count,
                                slot->position);
        } else {
            ledger_failed(&feed->ledger, slot->first_line, slot->count,
                          &slot->error);
        }
        feed->settled++;
    }
}

/* Nothing more can be heard: the fate of what is in flight stays open. */
static void feed_give_up(struct feed *feed)
{
    feed->stopped = true;
    for (uint64_t i = feed->settled; i < feed->sent; i++) {
        struct feed_slot *slot = &feed->slots[i % FEED_SLOTS];

        if (!slot->done) {
            slot->done = true;
            slot->error.code = QL_OUTCOME_UNKNOWN;
            (void)snprintf(slot->error.text, sizeof slot->error.text, "%s",
                           feed->problem.text);
        }
    }
}

/* One write for the append, at once: scripts act on these lines. */
static void feed_print_acks(struct feed *feed, const struct feed_slot *slot)
{
    struct buf text = BUF_INIT;
    int rv;

    if (feed->problem.code != 0) {
        return;
    }
    for (uint64_t i = 0; i < slot->count; i++) {
        strbuf_printf(&text, "%" PRIu64 " %" PRIu64 "\n", slot->first_line + i,
                      slot->position + i);
    }
    rv = output_bytes(&feed->run->output, text.data, text.len, &feed->problem);
    if (rv == 0) {
        rv = output_flush(&feed->run->output, &feed->problem);
    }
    if (rv != 0) {
        feed->stopped = true;
    }
    buf_close(&text);
}

/* 0 when @fd is no file. */
static uint64_t file_bytes_left(int fd)
{
    struct stat stat;
    off_t at = lseek(fd, 0, SEEK_CUR);

    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode) || at < 0 ||
        stat.st_size < at) {
        return 0;
    }
    return (uint64_t)(stat.st_size - at);
}
