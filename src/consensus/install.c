/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/install.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/install_reading.h"
#include "consensus/link_message.h"
#include "util/diag.h"
#include "util/mem.h"

enum install_phase {
    INSTALL_NONE,     /* there is no state */
    INSTALL_FETCHING, /* chunks of the state are missing */
    INSTALL_FLUSHING, /* all are here, not all durable */
    INSTALL_WHOLE,    /* all are durable */
    INSTALL_PASSED    /* the state is with the core, or was refused there */
};

struct install {
    struct install_options options;
    enum install_phase phase;
    struct install_subject subject; /* of what is held */
    struct machine *machine;        /* its state; NULL: none, or passed on */
    struct raft_message message;
    bool has_message;
    char address[ADDRESS_MAX];       /* of who sent it */
    struct install_reading *reading; /* the newest: what comes next */
    struct list readings;            /* under way, overtaken ones too */
    struct chunk_flush flush;
    bool is_stopped;
    struct install_progress progress;
    uint64_t begun_ms;
    uint64_t begun_bytes;
};

static bool take_snapshot(struct install *install,
                          const struct raft_message *message);
static raft_term held_term(const struct install *install);
static raft_index held_index(const struct install *install);
static void drop_message(struct install *install);
static void keep_message(struct install *install,
                         const struct raft_message *message);
static void keep_address(struct install *install,
                         const struct raft_message *message);
static void begin_reading(struct install *install,
                          const struct raft_message *message);
static void on_read(struct install_reading *reading, int status);
static int use(const struct install *install, struct install_reading *reading);
static void hold(struct install *install, struct install_reading *reading);
static void mark(void *data, struct chunk *chunk,
                 const uint8_t from[HASH128_LEN]);
static void on_flushed(struct chunk_flush *flush);
static void pass_on(struct install *install);
static void catch_up(struct install *install);
static void forget(struct install *install);

struct install *install_new(const struct install_options *options)
{
    struct install *install = mem_must_zalloc(sizeof *install);

    install->options = *options;
    install->flush.data = install;
    list_init(&install->flush.link);
    list_init(&install->readings);
    return install;
}

void install_stop(struct install *install)
{
    install->is_stopped = true;
    if (install->reading != NULL) {
        install->reading->is_overtaken = true;
        install->reading = NULL;
    }
    forget(install);
}

bool install_is_busy(const struct install *install)
{
    return !list_empty(&install->readings);
}

void install_free(struct install *install)
{
    if (install == NULL) {
        return;
    }
    assert(install->is_stopped);
    while (!list_empty(&install->readings)) {
        install_reading_free(
            LIST_ITEM(install->readings.next, struct install_reading, link));
    }
    free(install);
}

bool install_is_active(const struct install *install)
{
    return install->reading != NULL || install->phase != INSTALL_NONE;
}

void install_progress(const struct install *install,
                      struct install_progress *ret)
{
    struct chunk_fetch_counts counts;

    *ret = install->progress;
    if (install->phase != INSTALL_FETCHING) {
        return;
    }
    chunk_fetch_counts(install->options.fetch, &counts);
    ret->missing = chunk_fetch_install_left(install->options.fetch);
    ret->bytes = counts.bytes - install->begun_bytes;
    ret->ms =
        install->options.now_ms(install->options.data) - install->begun_ms;
}

/* ---- Messages ---- */

bool install_take(struct install *install, const struct raft_message *message)
{
    if (install->is_stopped) {
        return false;
    }
    if (message->type == RAFT_IO_INSTALL_SNAPSHOT) {
        return take_snapshot(install, message);
    }
    /* Another leader goes by what it knows of this node, not by what is held. */
    if (message->type == RAFT_IO_APPEND_ENTRIES &&
        message->append_entries.term > held_term(install)) {
        drop_message(install);
    }
    return false;
}

static bool take_snapshot(struct install *install,
                          const struct raft_message *message)
{
    const struct raft_install_snapshot *snapshot = &message->install_snapshot;
    const struct install_subject *held = &install->subject;
    struct raft_message unused = *message;
    struct install_subject subject;

    /* The core knows it already, and answers so. */
    if (snapshot->last_index <=
        install->options.applied(install->options.data)) {
        return false;
    }
    install_subject_fill(&subject, snapshot);
    if (install->reading != NULL) {
        held = &install->reading->subject;
    } else if (install->phase == INSTALL_PASSED &&
               install_subject_equal(held, &subject)) {
        return false;
    }
    if (snapshot->term < held_term(install) ||
        (snapshot->term == held_term(install) &&
         (snapshot->last_index < held_index(install) ||
          install_subject_equal(held, &subject)))) {
        link_message_free(&unused);
        return true;
    }
    drop_message(install);
    if (install_subject_equal(held, &subject) && install->reading == NULL &&
        install->phase != INSTALL_NONE) {
        keep_message(install, message);
    } else {
        begin_reading(install, message);
    }
    return true;
}

/* 0: no message. */
static raft_term held_term(const struct install *install)
{
    if (install->reading != NULL) {
        return install->reading->is_wanted
                   ? install->reading->message.install_snapshot.term
                   : 0;
    }
    return install->has_message ? install->message.install_snapshot.term : 0;
}

static raft_index held_index(const struct install *install)
{
    return install->reading != NULL ? install->reading->subject.index
                                    : install->subject.index;
}

/* What is being decoded is not freed under the thread that reads it. */
static void drop_message(struct install *install)
{
    if (install->reading != NULL) {
        install->reading->is_wanted = false;
    }
    if (install->has_message) {
        install->has_message = false;
        link_message_free(&install->message);
    }
}

static void keep_message(struct install *install,
                         const struct raft_message *message)
{
    assert(!install->has_message);
    keep_address(install, message);
    install->message = *message;
    install->message.server_address = install->address;
    install->has_message = true;
    install_step(install);
}

static void keep_address(struct install *install,
                         const struct raft_message *message)
{
    const char *address = message->server_address;

    (void)snprintf(install->address, sizeof install->address, "%s",
                   address == NULL ? "" : address);
}

bool install_alters(const struct install *install,
                    const struct raft_message *message,
                    struct raft_message *ret_instead)
{
    const struct raft_append_entries_result *result =
        &message->append_entries_result;

    if (message->type != RAFT_IO_APPEND_ENTRIES_RESULT ||
        held_term(install) != result->term || result->term == 0 ||
        result->rejected != held_index(install)) {
        return false;
    }
    *ret_instead = *message;
    ret_instead->append_entries_result.rejected++;
    return true;
}

/* ---- Decoding ---- */

static void begin_reading(struct install *install,
                          const struct raft_message *message)
{
    const struct install_options *options = &install->options;

    /* It is let to its end, but nothing will come of it. */
    if (install->reading != NULL) {
        install->reading->is_overtaken = true;
    }
    keep_address(install, message);
    /* When it cannot be begun the leader sends it again. */
    install->reading = install_reading_begin(options->disk, message,
                                             options->limits, on_read, install);
    if (install->reading != NULL) {
        list_push_back(&install->readings, &install->reading->link);
        options->begun(options->data);
    }
}

static void on_read(struct install_reading *reading, int status)
{
    struct install *install = reading->data;

    if (reading->is_overtaken) {
        install_reading_free(reading);
        return;
    }
    install->reading = NULL;
    if (status == 0) {
        status = use(install, reading);
    }
    if (status == 0) {
        hold(install, reading);
    } else {
        diag_warning("the snapshot at raft index %" PRIu64 " that node "
                     "%" PRIu64 " sent cannot be used: %s; it is waited for "
                     "again",
                     (uint64_t)reading->subject.index,
                     (uint64_t)reading->message.server_id, reading->err.text);
    }
    install_reading_free(reading);
    install_step(install);
}

/* The chunks that this node has, or misses already, become those of the state. */
static int use(const struct install *install, struct install_reading *reading)
{
    return machine_use_chunks(reading->machine, &install->options.source,
                              &reading->err);
}

/* What was held before goes only now, so that what both name stays. */
static void hold(struct install *install, struct install_reading *reading)
{
    struct chunk_fetch *fetch = install->options.fetch;
    struct machine *before = install->machine;
    struct chunk_fetch_counts counts;

    install->machine = reading->machine;
    reading->machine = NULL;
    install->subject = reading->subject;
    install->options.cancel(install->options.data, &install->flush);
    install->phase = INSTALL_FETCHING;
    install->options.adopt(install->options.data, install->machine);
    install->progress =
        (struct install_progress){.index = install->subject.index};
    chunk_fetch_install_begin(fetch);
    machine_each_chunk(install->machine, mark, install);
    machine_free(before);
    chunk_fetch_install_end(fetch);
    install->progress.missing = chunk_fetch_install_left(fetch);
    if (before == NULL) {
        chunk_fetch_counts(fetch, &counts);
        install->begun_ms = install->options.now_ms(install->options.data);
        install->begun_bytes = counts.bytes;
    }
    diag_info("a snapshot at raft index %" PRIu64 " is being installed; %zu of "
              "its %zu chunks are fetched from the other nodes",
              (uint64_t)install->subject.index, install->progress.missing,
              install->progress.chunks);
    if (reading->is_wanted) {
        install->message = reading->message;
        install->message.server_address = install->address;
        install->has_message = true;
        memset(&reading->message, 0, sizeof reading->message);
    }
}

static void mark(void *data, struct chunk *chunk,
                 const uint8_t from[HASH128_LEN])
{
    struct install *install = data;

    (void)from;
    install->progress.chunks++;
    if (chunk->home == NULL && chunk->memory == NULL && chunk->parts == NULL) {
        chunk_fetch_install_want(install->options.fetch, chunk);
    }
}

/* ---- On to the core ---- */

void install_step(struct install *install)
{
    const struct install_options *options = &install->options;
    uint64_t applied;

    if (!install_is_active(install) || install->is_stopped) {
        return;
    }
    applied = options->applied(options->data);
    if (install->phase != INSTALL_NONE && install->subject.index <= applied) {
        catch_up(install);
        return;
    }
    if (install->phase == INSTALL_FETCHING &&
        chunk_fetch_install_left(options->fetch) == 0) {
        install_progress(install, &install->progress);
        install->phase = INSTALL_FLUSHING;
        options->flush(options->data, &install->flush, on_flushed);
    }
    if (install->phase == INSTALL_WHOLE && install->has_message &&
        install->reading == NULL && !options->is_installing(options->data)) {
        pass_on(install);
    }
}

static void on_flushed(struct chunk_flush *flush)
{
    struct install *install = flush->data;

    install->phase = INSTALL_WHOLE;
    install_step(install);
}

static void pass_on(struct install *install)
{
    const struct install_options *options = &install->options;
    struct raft_message message = install->message;
    struct machine *machine = install->machine;

    install->phase = INSTALL_PASSED;
    install->has_message = false;
    install->machine = NULL;
    diag_info("the snapshot at raft index %" PRIu64 " is whole",
              (uint64_t)install->subject.index);
    options->prepare(options->data, install->subject.index, machine);
    options->pass_on(options->data, &message);
}

/* It is applied, or what came after it: the core answers a message that still
 * waits. */
static void catch_up(struct install *install)
{
    const struct install_options *options = &install->options;
    struct raft_message message = install->message;
    bool has_message = install->has_message;

    install->has_message = false;
    forget(install);
    if (has_message) {
        options->pass_on(options->data, &message);
    }
}

static void forget(struct install *install)
{
    const struct install_options *options = &install->options;

    drop_message(install);
    options->cancel(options->data, &install->flush);
    if (install->phase == INSTALL_PASSED) {
        options->prepare(options->data, 0, NULL);
    }
    machine_free(install->machine);
    install->machine = NULL;
    install->phase = INSTALL_NONE;
    chunk_fetch_install_begin(options->fetch);
    chunk_fetch_install_end(options->fetch);
}
