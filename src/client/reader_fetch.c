/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How a reader asks for more: log.read until it has caught up. */
#include <string.h>

#include "client/client.h"
#include "client/reader.h"

static void ask_page(struct ql_reader *reader);
static void on_read(struct request *request, const struct answer *answer);
static void on_read_result(struct ql_reader *reader, struct page *page,
                           const struct read_result *result);

void reader_fetch(struct ql_reader *reader)
{
    if (reader->requested) {
        return;
    }
    if (reader->state == READER_READING &&
        reader->pages_count < CLIENT_PAGES_MAX) {
        ask_page(reader);
    } else if (reader->state == READER_OPENING) {
        reader_ask_stream(reader);
    }
}

void reader_page_done(struct ql_reader *reader, struct page *page)
{
    if (page->opened != 0) {
        reader->held_bytes -= page->len;
    }
    if (page->opened == reader->opened) {
        reader->owed += page->cost;
    }
    page_free(page);
    if (reader->state == READER_STREAMING) {
        reader_give_credit(reader);
    }
    reader_fetch(reader);
}

/* ---- log.read ------------------------------------------------------------ */

static void ask_page(struct ql_reader *reader)
{
    const struct read_args args = {
        .log = {(const uint8_t *)reader->log, strlen(reader->log)},
        .from = reader->fetch_at,
        .to = reader->to,
        .entries_max = READ_ENTRIES_MAX,
        .bytes_max = READ_BYTES_DEFAULT,
        .stale = reader->stale,
        .incarnation = reader->incarnation,
    };

    request_init(&reader->request, reader->client, METHOD_LOG_READ, on_read);
    reader_ask(reader, read_args_encode(&args, &reader->request.params));
}

void reader_ask(struct ql_reader *reader, int encode_rv)
{
    struct ql_client *client = reader->client;

    if (encode_rv != 0) {
        request_close(&reader->request);
        reader_end_without_memory(reader);
        return;
    }
    if (reader->stalls > 0) {
        reader->request.not_before_ms =
            client_now(client) +
            route_delay_ms(reader->stalls, client_random(client));
    }
    reader->request.any_node = reader->stale;
    reader->requested = true;
    request_start_internal(&reader->request);
}

static void on_read(struct request *request, const struct answer *answer)
{
    struct ql_reader *reader = LIST_ITEM(request, struct ql_reader, request);
    struct read_result result;
    struct ql_error error;
    struct page *page;
    struct err err;
    int rv;

    request_close(request);
    reader->requested = false;
    if (answer->error != NULL) {
        if (reader_on_refused(reader, answer->error)) {
            reader_fetch(reader);
        }
        return;
    }
    page = page_new(answer->result);
    if (page == NULL) {
        reader_end_without_memory(reader);
        return;
    }
    rv = read_result_decode(&result, (struct bytes){page->bytes, page->len},
                            &err);
    if (rv == 0) {
        page->entries = result.entries;
        page->count = result.count;
        page->next = result.next;
        rv = page_check(page, reader->fetch_at, &err);
    }
    if (rv != 0) {
        page_free(page);
        error_set(&error, rv == QL_NO_MEMORY ? rv : QL_PROTOCOL,
                  "read log '%s': %s", reader->log, err.text);
        reader_end(reader, &error);
        return;
    }
    on_read_result(reader, page, &result);
    reader_fetch(reader);
}

/* Takes @page. */
static void on_read_result(struct ql_reader *reader, struct page *page,
                           const struct read_result *result)
{
    bool stalled = page->count == 0 && page->next == reader->fetch_at;
    uint64_t tail = result->tail;

    if (!reader->started && !reader->follow &&
        (reader->to == 0 || reader->to > tail)) {
        reader->to = tail;
    }
    reader->started = true;
    reader->incarnation = result->incarnation;
    reader->stalls = stalled ? reader->stalls + 1 : 0;
    reader_add_page(reader, page);
    if (reader->state == READER_READING && reader->follow &&
        reader->fetch_at >= tail) {
        reader->state = READER_OPENING;
        reader->stalls = 0;
    }
}

bool reader_on_refused(struct ql_reader *reader, const struct ql_error *error)
{
    if (error->code == QL_TRIMMED && error->position > reader->fetch_at) {
        if (reader_add_trimmed(reader, error->position) == 0) {
            return true;
        }
        reader_end_without_memory(reader);
        return false;
    }
    if (error->code == QL_RESTORED && reader->incarnation != 0) {
        if (reader_add_restored(reader, error->position) == 0) {
            return true;
        }
        reader_end_without_memory(reader);
        return false;
    }
    reader_end(reader, error);
    return false;
}

void reader_end_without_memory(struct ql_reader *reader)
{
    struct ql_error error;

    error_set(&error, QL_NO_MEMORY, "read log '%s': out of memory",
              reader->log);
    reader_end(reader, &error);
}
