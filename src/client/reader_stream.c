/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How a reader follows: the stream that log.follow opens, and its credit. */
#include <string.h>

#include "client/client.h"
#include "client/reader.h"

/* Credit is given back when a quarter of it has gathered. */
#define CREDIT_PARTS 4u

static void on_follow(struct request *request, const struct answer *answer);
static struct ql_reader *find_stream(struct ql_client *client, uint64_t stream);
static void send_unfollow(struct ql_client *client, uint64_t stream);
static bool event_is(const struct follow_event *event, const char *name);

void reader_ask_stream(struct ql_reader *reader)
{
    const struct follow_args args = {
        .log = {(const uint8_t *)reader->log, strlen(reader->log)},
        .from = reader->fetch_at,
        .credit = reader->credit,
        .stale = reader->stale,
        .incarnation = reader->incarnation,
    };

    request_init(&reader->request, reader->client, METHOD_LOG_FOLLOW,
                 on_follow);
    reader_ask(reader, follow_args_encode(&args, &reader->request.params));
}

static void on_follow(struct request *request, const struct answer *answer)
{
    struct ql_reader *reader = LIST_ITEM(request, struct ql_reader, request);
    struct follow_result result;
    struct ql_error error;
    struct err err;

    request_close(request);
    reader->requested = false;
    if (answer->error != NULL) {
        if (reader_on_refused(reader, answer->error)) {
            reader->state = READER_READING;
            reader_fetch(reader);
        }
        return;
    }
    if (follow_result_decode(&result, answer->result, &err) != 0) {
        error_set(&error, QL_PROTOCOL, "follow log '%s': %s", reader->log,
                  err.text);
        reader_end(reader, &error);
        return;
    }
    reader->stream = result.follow;
    reader->state = READER_STREAMING;
    reader->opened++;
    reader->owed = 0;
    if (reader->uid != 0 && reader->uid != result.uid) {
        error_set(&error, QL_NOT_FOUND,
                  "log '%s' was deleted and made again since", reader->log);
        reader_end(reader, &error);
        return;
    }
    reader->uid = result.uid;
    reader->incarnation = result.incarnation;
}

void reader_stop(struct ql_reader *reader)
{
    if (reader->state == READER_STREAMING) {
        send_unfollow(reader->client, reader->stream);
    }
    reader->state = READER_ENDED;
}

bool reader_any_streams(const struct ql_client *client)
{
    struct list *link;

    for (link = client->readers.next; link != &client->readers;
         link = link->next) {
        if (LIST_ITEM(link, struct ql_reader, link)->state ==
            READER_STREAMING) {
            return true;
        }
    }
    return false;
}

void reader_on_lost(struct ql_client *client)
{
    struct list *link;

    for (link = client->readers.next; link != &client->readers;
         link = link->next) {
        struct ql_reader *reader = LIST_ITEM(link, struct ql_reader, link);

        if (reader->state == READER_STREAMING) {
            reader->state = READER_READING;
            reader_fetch(reader);
        }
    }
}

int reader_on_entries(struct ql_client *client, struct bytes params,
                      struct err *err)
{
    struct follow_entries entries;
    struct ql_reader *reader;
    struct page *page = page_new(params);
    int rv;

    if (page == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory for entries");
    }
    rv = follow_entries_decode(&entries, (struct bytes){page->bytes, page->len},
                               err);
    if (rv != 0) {
        page_free(page);
        return rv;
    }
    page->entries = entries.entries;
    page->count = entries.count;
    page->next = entries.next;
    page->cost = entries.cost;
    reader = find_stream(client, entries.follow);
    if (reader == NULL) {
        page_free(page);
        send_unfollow(client, entries.follow);
        return 0;
    }
    rv = page_check(page, reader->fetch_at, err);
    if (rv == 0 && reader->held_bytes + page->len >
                       2 * (size_t)reader->credit + RESPONSE_BYTES_MAX) {
        rv = err_set(err, QL_PROTOCOL,
                     "sent more of log '%s' than was asked for", reader->log);
    }
    if (rv != 0) {
        page_free(page);
        return rv;
    }
    page->opened = reader->opened;
    reader_add_page(reader, page);
    return 0;
}

int reader_on_event(struct ql_client *client, struct bytes params,
                    struct err *err)
{
    struct follow_event event;
    struct ql_reader *reader;
    struct ql_error error;
    int rv = follow_event_decode(&event, params, err);

    if (rv != 0) {
        return rv;
    }
    reader = find_stream(client, event.follow);
    if (reader == NULL) {
        return 0;
    }
    if (event_is(&event, FOLLOW_TRIMMED)) {
        if (event.position > reader->fetch_at &&
            reader_add_trimmed(reader, event.position) != 0) {
            return err_set(err, QL_NO_MEMORY, "out of memory for an event");
        }
    } else if (event_is(&event, FOLLOW_HOLE)) {
        if (event.position > reader->fetch_at) {
            reader->fetch_at = event.position;
        }
    } else if (event_is(&event, FOLLOW_RESTORED)) {
        reader->state = READER_READING;
        if (reader_add_restored(reader, event.position) != 0) {
            return err_set(err, QL_NO_MEMORY, "out of memory for an event");
        }
        reader_fetch(reader);
    } else if (event_is(&event, FOLLOW_DELETED)) {
        reader->state = READER_ENDED; /* the stream has ended by itself */
        error_set(&error, QL_NOT_FOUND, "log '%s' was deleted", reader->log);
        reader_end(reader, &error);
    } else if (event_is(&event, FOLLOW_LEADER_CHANGED)) {
        reader->state = READER_READING;
        uplink_leader_changed(client, event.leader);
        reader_fetch(reader);
    } else {
        /* UNREADABLE, or something of a later version: the stream has ended.
         * What log.read answers there is what the program is told. */
        reader->state = READER_READING;
        reader_fetch(reader);
    }
    return 0;
}

void reader_give_credit(struct ql_reader *reader)
{
    struct buf params = BUF_INIT;
    struct credit_args args = {.follow = reader->stream};

    /* With less than this owed the server may still send, whatever comes next: to
     * tell it after each entry would cost both sides as much as the entry. */
    if (reader->owed == 0 || reader->owed < reader->credit / CREDIT_PARTS) {
        return;
    }
    args.bytes = reader->owed < FOLLOW_CREDIT_MAX ? (uint32_t)reader->owed
                                                  : FOLLOW_CREDIT_MAX;
    if (credit_args_encode(&args, &params) == 0) {
        reader->owed -= args.bytes;
        uplink_notify(reader->client, method_row(METHOD_LOG_CREDIT)->name,
                      (struct bytes){params.data, params.len});
    }
    buf_close(&params);
}

static struct ql_reader *find_stream(struct ql_client *client, uint64_t stream)
{
    struct list *link;

    for (link = client->readers.next; link != &client->readers;
         link = link->next) {
        struct ql_reader *reader = LIST_ITEM(link, struct ql_reader, link);

        if (reader->state == READER_STREAMING && reader->stream == stream) {
            return reader;
        }
    }
    return NULL;
}

static void send_unfollow(struct ql_client *client, uint64_t stream)
{
    struct credit_args args = {.follow = stream};
    struct buf params = BUF_INIT;

    if (credit_args_encode(&args, &params) == 0) {
        uplink_notify(client, method_row(METHOD_LOG_UNFOLLOW)->name,
                      (struct bytes){params.data, params.len});
    }
    buf_close(&params);
}

static bool event_is(const struct follow_event *event, const char *name)
{
    return event->event.len == strlen(name) &&
           memcmp(event->event.data, name, event->event.len) == 0;
}
