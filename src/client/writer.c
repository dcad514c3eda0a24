/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/writer.h"

#include <stdlib.h>
#include <string.h>

#include "client/append.h"
#include "client/client.h"
#include "wire/args_writer.h"

static int check_fenced(const struct ql_writer *writer, struct ql_error *error);
static void fence(struct ql_writer *writer, uint64_t newer);

int ql_writer_acquire(struct ql_writer **ret_writer, struct ql_client *client,
                      const char *log, const char *name, struct ql_error *error)
{
    struct ql_writer *writer = calloc(1, sizeof(*writer));
    struct ql_log_stat stat;
    int rv;

    if (writer == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    rv = writer_acquire(client, log, name, &stat, error);
    if (rv != 0) {
        free(writer);
        return rv;
    }
    writer->client = client;
    writer->serial = client->next_serial++;
    memcpy(writer->log, log, strlen(log) + 1);
    writer->epoch = stat.writer_epoch;
    writer->tail = stat.tail;
    list_push_back(&client->writers, &writer->link);
    *ret_writer = writer;
    return 0;
}

void ql_writer_free(struct ql_writer *writer)
{
    if (writer != NULL) {
        list_remove(&writer->link);
        free(writer);
    }
}

int ql_writer_release(struct ql_writer *writer, struct ql_error *error)
{
    struct ql_error own;
    int rv = ql_writer_release_epoch(writer->client, writer->log, writer->epoch,
                                     NULL, &own);

    if (rv == QL_FENCED) {
        fence(writer, own.position);
    }
    return rv == 0 ? 0 : error_copy(error, &own);
}

uint64_t ql_writer_epoch(const struct ql_writer *writer)
{
    return writer->epoch;
}

uint64_t ql_writer_tail(const struct ql_writer *writer)
{
    return writer->tail;
}

bool ql_writer_fenced(const struct ql_writer *writer)
{
    return writer->fenced;
}

void ql_writer_on_fenced(struct ql_writer *writer, ql_fenced_cb cb, void *data)
{
    writer->fenced_cb = cb;
    writer->fenced_data = data;
    writer->fenced_due = writer->fenced;
    if (writer->fenced_due) {
        client_wake(writer->client);
    }
}

int ql_writer_append(struct ql_writer *writer, const struct ql_entry *entries,
                     size_t count, const struct ql_append_options *options,
                     uint64_t *ret_first, struct ql_error *error)
{
    const struct ql_append_part part = {
        .log = writer->log,
        .entries = entries,
        .count = count,
        .epoch = writer->epoch,
    };
    struct ql_append_place place;
    int rv = check_fenced(writer, error);

    if (rv == 0) {
        rv = append_and_wait(writer->client, &part, 1, options, writer->serial,
                             &place, error);
    }
    if (rv == 0 && ret_first != NULL) {
        *ret_first = place.first;
    }
    return rv;
}

int ql_writer_append_async(struct ql_writer *writer,
                           const struct ql_entry *entries, size_t count,
                           const struct ql_append_options *options,
                           ql_append_cb cb, void *data, struct ql_error *error)
{
    const struct ql_append_part part = {
        .log = writer->log,
        .entries = entries,
        .count = count,
        .epoch = writer->epoch,
    };
    int rv = check_fenced(writer, error);

    if (rv != 0) {
        return rv;
    }
    return append_start(writer->client, &part, 1, options, writer->serial, cb,
                        data, error);
}

void writer_on_refused(struct ql_client *client, uint64_t serial,
                       uint64_t newer)
{
    struct list *link;

    for (link = client->writers.next; link != &client->writers;
         link = link->next) {
        struct ql_writer *writer = LIST_ITEM(link, struct ql_writer, link);

        if (writer->serial == serial) {
            fence(writer, newer);
        }
    }
}

int writer_on_notice(struct ql_client *client, struct bytes params,
                     struct err *err)
{
    struct writer_fenced notice;
    struct list *link;
    int rv = writer_fenced_decode(&notice, params, err);

    if (rv != 0) {
        return rv;
    }
    for (link = client->writers.next; link != &client->writers;
         link = link->next) {
        struct ql_writer *writer = LIST_ITEM(link, struct ql_writer, link);

        if (writer->epoch == notice.epoch &&
            strlen(writer->log) == notice.log.len &&
            memcmp(writer->log, notice.log.data, notice.log.len) == 0) {
            fence(writer, notice.newer);
        }
    }
    return 0;
}

void writer_notify_all(struct ql_client *client)
{
    struct list *link = client->writers.next;

    while (link != &client->writers) {
        struct ql_writer *writer = LIST_ITEM(link, struct ql_writer, link);

        if (writer->fenced_due && writer->fenced_cb != NULL) {
            writer->fenced_due = false;
            writer->fenced_cb(writer->fenced_data, writer, writer->newer);
            /* The callback may have freed any writer: start over. */
            link = client->writers.next;
            continue;
        }
        link = link->next;
    }
}

/* Fenced is for ever, so the answer need not be fetched again. */
static int check_fenced(const struct ql_writer *writer, struct ql_error *error)
{
    if (!writer->fenced) {
        return 0;
    }
    error_set(error, QL_FENCED,
              "epoch %llu of log '%s' is over: another writer has taken it",
              (unsigned long long)writer->epoch, writer->log);
    if (error != NULL) {
        error->position = writer->newer;
    }
    return QL_FENCED;
}

static void fence(struct ql_writer *writer, uint64_t newer)
{
    if (!writer->fenced) {
        writer->fenced = true;
        writer->newer = newer;
        writer->fenced_due = true;
    }
}
