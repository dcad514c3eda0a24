/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/reader.h"

#include <stdlib.h>
#include <string.h>

#include "client/client.h"

static void take_page(struct ql_reader *reader);
static bool find_page(struct ql_reader *reader);
static bool has_news(const struct ql_reader *reader);
static void give_entry(struct ql_reader *reader, struct ql_entry *ret_entry);
static int give_news(struct ql_reader *reader, struct ql_error *error);
static int wait_for_news(struct ql_reader *reader, int timeout_ms,
                         struct ql_error *error);
static void drop_page(struct ql_reader *reader);

int ql_reader_new(struct ql_reader **ret_reader, struct ql_client *client,
                  const char *log, const struct ql_reader_options *options,
                  struct ql_error *error)
{
    struct ql_reader_options given;
    struct ql_reader *reader;
    struct err err;
    int rv;

    rv = client_options_copy(&given, sizeof(given), options, error);
    if (rv != 0) {
        return rv;
    }
    rv = log_name_check(log, strlen(log), &err);
    if (rv != 0) {
        return error_from_err(error, rv, &err);
    }
    if (given.credit_bytes > FOLLOW_CREDIT_MAX) {
        return error_set(error, QL_TOO_LARGE,
                         "the credit of a reader is at most %u bytes",
                         FOLLOW_CREDIT_MAX);
    }
    reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    reader->client = client;
    memcpy(reader->log, log, strlen(log) + 1);
    reader->follow = given.follow;
    reader->stale = given.consistency == QL_STALE;
    reader->credit =
        given.credit_bytes != 0 ? given.credit_bytes : CLIENT_CREDIT_BYTES;
    reader->to = given.to;
    reader->fetch_at = given.from;
    reader->position = given.from;
    list_init(&reader->pages);
    list_push_back(&client->readers, &reader->link);
    if (given.to != 0 && given.from >= given.to) {
        reader_end(reader, NULL);
    } else {
        reader_fetch(reader);
    }
    *ret_reader = reader;
    return 0;
}

void ql_reader_free(struct ql_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    reader_stop(reader);
    request_close(&reader->request);
    drop_page(reader);
    while (!list_empty(&reader->pages)) {
        take_page(reader);
        drop_page(reader);
    }
    list_remove(&reader->link);
    free(reader);
}

int ql_reader_next(struct ql_reader *reader, int timeout_ms,
                   struct ql_entry *ret_entry, struct ql_error *error)
{
    int rv;

    while (!find_page(reader)) {
        if (reader->state == READER_ENDED) {
            return error_copy(error, &reader->end);
        }
        rv = wait_for_news(reader, timeout_ms, error);
        if (rv != 0) {
            return rv;
        }
    }
    if (reader->page->news != PAGE_ENTRIES) {
        return give_news(reader, error);
    }
    give_entry(reader, ret_entry);
    return 0;
}

uint64_t ql_reader_position(const struct ql_reader *reader)
{
    return reader->position;
}

void ql_reader_on_ready(struct ql_reader *reader, ql_ready_cb cb, void *data)
{
    reader->ready_cb = cb;
    reader->ready_data = data;
    reader->ready_due = has_news(reader);
    if (reader->ready_due) {
        client_wake(reader->client);
    }
}

void reader_end(struct ql_reader *reader, const struct ql_error *error)
{
    reader_stop(reader);
    reader->state = READER_ENDED;
    reader->ready_due = true;
    if (error != NULL) {
        reader->end = *error;
        return;
    }
    error_set(&reader->end, QL_NOT_FOUND, "the end of log '%s' is reached",
              reader->log);
}

void reader_notify_all(struct ql_client *client)
{
    struct list *link = client->readers.next;

    while (link != &client->readers) {
        struct ql_reader *reader = LIST_ITEM(link, struct ql_reader, link);

        if (reader->ready_due && reader->ready_cb != NULL) {
            reader->ready_due = false;
            reader->ready_cb(reader->ready_data, reader);
            /* The callback may have freed any reader: start over. */
            link = client->readers.next;
            continue;
        }
        link = link->next;
    }
}

/* ---- Giving -------------------------------------------------------------- */

/* Makes reader->page one that has something to give. What was given from the
 * page before is valid until here. */
static bool find_page(struct ql_reader *reader)
{
    for (;;) {
        struct page *page = reader->page;

        if (page != NULL &&
            (page->at < page->count || page->news != PAGE_ENTRIES)) {
            return true;
        }
        if (page != NULL) {
            reader->position = page->next;
            drop_page(reader);
        }
        if (list_empty(&reader->pages)) {
            return false;
        }
        take_page(reader);
        reader_fetch(reader);
    }
}

static bool has_news(const struct ql_reader *reader)
{
    return reader->page != NULL || !list_empty(&reader->pages) ||
           reader->state == READER_ENDED;
}

static void give_entry(struct ql_reader *reader, struct ql_entry *ret_entry)
{
    const struct read_entry *entry = &reader->page->entries[reader->page->at++];

    ret_entry->key = entry->key.data;
    ret_entry->key_len = entry->key.len;
    ret_entry->value = entry->value.data;
    ret_entry->value_len = entry->value.len;
    ret_entry->position = entry->position;
    ret_entry->time_ms = entry->time_ms;
    reader->position = entry->position + 1;
}

static int give_news(struct ql_reader *reader, struct ql_error *error)
{
    enum page_news news = reader->page->news;
    int code = news == PAGE_TRIMMED ? QL_TRIMMED : QL_RESTORED;

    reader->position = reader->page->next;
    drop_page(reader);
    if (news == PAGE_TRIMMED) {
        error_set(error, code, "log '%s' was trimmed up to position %llu",
                  reader->log, (unsigned long long)reader->position);
    } else {
        error_set(error, code,
                  "log '%s' was replaced by that of a backup: from position "
                  "%llu on it may be another",
                  reader->log, (unsigned long long)reader->position);
    }
    if (error != NULL) {
        error->position = reader->position;
    }
    return code;
}

/* 0: look again. */
static int wait_for_news(struct ql_reader *reader, int timeout_ms,
                         struct ql_error *error)
{
    struct ql_client *client = reader->client;
    uint64_t until = UINT64_MAX;
    uint64_t now_ms = client_now(client);

    if (timeout_ms > 0) {
        until = now_ms + (uint64_t)timeout_ms;
    }
    if (timeout_ms != 0 && client->processing) {
        return error_set(error, QL_INVALID,
                         "a callback must not wait: use a timeout of 0");
    }
    while (timeout_ms != 0 && !has_news(reader) && now_ms < until) {
        uint64_t left = until - now_ms;
        int rv = ql_client_wait(client, left < 60000 ? (int)left : 60000);

        if (rv != 0) {
            return error_set(error, rv, "waiting for log '%s' failed",
                             reader->log);
        }
        now_ms = client_now(client);
    }
    if (has_news(reader)) {
        return 0;
    }
    return error_set(error, QL_TIMEOUT, "nothing new in log '%s'%s%s",
                     reader->log, client->trouble.code != 0 ? ": " : "",
                     client->trouble.code != 0 ? client->trouble.text : "");
}

static void take_page(struct ql_reader *reader)
{
    struct page *page = LIST_ITEM(reader->pages.next, struct page, link);

    list_remove(&page->link);
    reader->pages_count--;
    reader->page = page;
}

static void drop_page(struct ql_reader *reader)
{
    struct page *page = reader->page;

    if (page != NULL) {
        reader->page = NULL;
        reader_page_done(reader, page);
    }
}
