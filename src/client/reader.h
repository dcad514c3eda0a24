/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A reader is a queue of pages between the connection and the program. It reads
 * pages ahead with log.read until it has caught up; one that follows then opens
 * a stream with log.follow. When a connection is lost, the pages that are here
 * stay, and it goes on behind them.
 */
#pragma once

#include "client/request.h"
#include "wire/args_read.h"

enum page_news {
    PAGE_ENTRIES = 0,
    PAGE_TRIMMED,  /* the entries before @next are gone */
    PAGE_RESTORED, /* those from @next on may be others now */
};

/* Entries that are views into a copy of the message that brought them, or other
 * news. */
struct page {
    struct list link;
    uint8_t *bytes;
    size_t len;
    struct read_entry *entries;
    size_t count;
    size_t at;     /* the next one to give */
    uint64_t next; /* position behind them */
    enum page_news news;
    uint32_t cost;   /* credit to give back, */
    uint64_t opened; /* to the stream of this number; 0: came by log.read */
};

enum reader_state {
    READER_READING, /* catching up by pages */
    READER_OPENING, /* log.follow is out */
    READER_STREAMING,
    READER_ENDED, /* by its end or an error; what is here can still be read */
};

struct ql_reader {
    struct list link; /* in client->readers */
    struct ql_client *client;
    char log[LOG_NAME_MAX + 1];
    bool follow;
    bool stale;
    uint32_t credit;
    uint64_t to; /* stop before it; 0: not known yet, or never */

    enum reader_state state;
    struct request request; /* the one log.read or log.follow that is out */
    bool requested;
    bool started;         /* log.read was answered at least once */
    uint32_t stalls;      /* answers in a row that brought nothing */
    uint64_t fetch_at;    /* first position not fetched yet; 0: the head */
    uint64_t uid;         /* of the log, from the first log.follow; or 0 */
    uint64_t incarnation; /* of the log, from the first answer; or 0 */
    uint64_t stream;      /* its name on the connection, while streaming */
    uint64_t opened;      /* streams opened so far */
    uint64_t owed;        /* credit to give back */
    size_t held_bytes;    /* of the pages that came by stream */

    struct list pages; /* struct page, not begun */
    size_t pages_count;
    struct page *page;   /* being read; what was given points into it */
    uint64_t position;   /* what ql_reader_next() looks for */
    struct ql_error end; /* why it ended, told behind the last page */

    ql_ready_cb ready_cb;
    void *ready_data;
    bool ready_due; /* something came since the callback ran */
};

/* ---- reader.c ---- */
/* Nothing more to fetch, because of @error; NULL: because it is read. */
void reader_end(struct ql_reader *reader, const struct ql_error *error);
/* Runs the callbacks that are due. */
void reader_notify_all(struct ql_client *client);

/* ---- reader_fetch.c ---- */
/* Asks for more when there is room. */
void reader_fetch(struct ql_reader *reader);
/* The page is read: frees it and gives its credit back. */
void reader_page_done(struct ql_reader *reader, struct page *page);
/* Sends reader->request; @encode_rv is what encoding it gave. */
void reader_ask(struct ql_reader *reader, int encode_rv);
/* A refusal of either call: true when the reader goes on. */
bool reader_on_refused(struct ql_reader *reader, const struct ql_error *error);
void reader_end_without_memory(struct ql_reader *reader);

/* ---- reader_stream.c ---- */
void reader_ask_stream(struct ql_reader *reader);
void reader_give_credit(struct ql_reader *reader);
/* Stops what the server sends for it; the reader has ended then. */
void reader_stop(struct ql_reader *reader);
bool reader_any_streams(const struct ql_client *client);
void reader_on_lost(struct ql_client *client);
int reader_on_entries(struct ql_client *client, struct bytes params,
                      struct err *err);
int reader_on_event(struct ql_client *client, struct bytes params,
                    struct err *err);

/* ---- reader_page.c ---- */
/* Copies the message, because the connection's buffer is used again. NULL when
 * out of memory. */
struct page *page_new(struct bytes message);
void page_free(struct page *page);
/* QL_PROTOCOL unless the positions rise from @from on. */
int page_check(const struct page *page, uint64_t from, struct err *err);
/* Takes @page; cuts off what lies behind the end. */
void reader_add_page(struct ql_reader *reader, struct page *page);
/* Tells the program that the log now begins at @head. */
int reader_add_trimmed(struct ql_reader *reader, uint64_t head);
/* The log was replaced, and may differ from @from on: drops what the program was
 * not given yet and has the reader go on there, or where the program is, if that
 * is before it. */
int reader_add_restored(struct ql_reader *reader, uint64_t from);
