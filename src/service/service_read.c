/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Reading entries: one answer's worth, or a stream. */
#include "consensus/metrics.h"
#include "machine/must.h"
#include "machine/spare.h"
#include "service/follow.h"
#include "service/restored.h"
#include "service/service_parts.h"
#include "wire/args_read.h"

/* What an entry takes on the wire beside its key and value. */
#define ENTRY_OVERHEAD_MAX 32u

_Static_assert(READ_BYTES_MAX + ENTRY_KEY_MAX + ENTRY_VALUE_MAX +
                       READ_ENTRIES_MAX * ENTRY_OVERHEAD_MAX + KIB <=
                   RESPONSE_BYTES_MAX,
               "an answer of log.read must fit");

/* What an answer has of a log. */
struct page {
    uint32_t count;        /* entries */
    size_t bytes;          /* keys and values */
    enum machine_read end; /* what the reader gave last */
};

static int log_read_answer(struct call *call, struct bytes params,
                           struct buf *message, struct err *err);
static struct page read_page(struct entries_writer *writer,
                             struct machine_reader *reader,
                             const struct read_args *args);
static void count_read(struct service *service, const struct page *page);
static bool page_is_short(const struct page *page, const struct read_args *args,
                          const struct machine_reader *reader,
                          const struct call *call);
static void make_room(struct buf *message, size_t bytes, size_t added,
                      size_t bytes_max);
static int log_follow_answer(struct call *call, struct bytes params,
                             struct buf *message, struct err *err);
static int follow_of(const struct call *call, struct bytes params,
                     struct credit_args *ret_args, struct follow **ret_follow,
                     struct err *err);
static int trimmed(uint64_t head, struct err *err);

int service_log_read(struct call *call, struct bytes params, struct err *err)
{
    struct bytes kept;
    int rv = call_keep_params(call, params, err);

    if (rv != 0) {
        return rv;
    }
    kept = (struct bytes){call->params.data, call->params.len};
    rv = read_args_decode(&call->read, kept, err);
    if (rv != 0) {
        return rv;
    }
    return call_read_kept(call, call->read.stale, log_read_answer, err);
}

int service_log_follow(struct call *call, struct bytes params, struct err *err)
{
    struct follow_args args;
    int rv = follow_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    return call_read(call, params, args.stale, log_follow_answer, err);
}

int service_log_credit(struct call *call, struct bytes params, struct err *err)
{
    struct credit_args args;
    struct follow *follow = NULL;
    int rv = follow_of(call, params, &args, &follow, err);

    if (rv != 0) {
        return rv;
    }
    follow->credit += args.bytes;
    if (follow->credit > (int64_t)FOLLOW_CREDIT_MAX) {
        follow->credit = (int64_t)FOLLOW_CREDIT_MAX;
    }
    follow_pump(call->service, follow);
    call_finish_empty(call);
    return 0;
}

int service_log_unfollow(struct call *call, struct bytes params,
                         struct err *err)
{
    struct credit_args args;
    struct follow *follow = NULL;
    int rv = follow_of(call, params, &args, &follow, err);

    if (rv != 0) {
        return rv;
    }
    follow_free(call->service, follow);
    call_finish_empty(call);
    return 0;
}

static int log_read_answer(struct call *call, struct bytes params,
                           struct buf *message, struct err *err)
{
    struct machine_reader reader;
    struct entries_writer writer;
    const struct read_args *args = &call->read;
    struct read_result result = {0};
    struct page page;
    struct log_stat stat;
    uint64_t head;
    int rv;

    (void)params;
    rv = service_find_log(call->service, args->log, &stat, err);
    rv = rv != 0 ? rv
                 : restored_check(call->service->machine, &stat,
                                  args->incarnation, err);
    if (rv != 0) {
        return rv;
    }
    rv = machine_reader_open(&reader, call->service->machine, stat.uid,
                             args->from, args->to, &head);
    if (rv != 0) {
        return trimmed(head, err);
    }
    must_have_memory(read_result_open(&writer, message));
    page = read_page(&writer, &reader, args);
    if (page_is_short(&page, args, &reader, call)) {
        return call_wait(call, &reader, args->entries_max - page.count, err);
    }
    service_has_read(call->service, &reader);
    result.next = reader.at;
    result.head = stat.head;
    result.tail = stat.tail;
    result.incarnation = stat.incarnation;
    must_have_memory(read_result_close(&writer, &result));
    count_read(call->service, &page);
    if (page.end == MACHINE_READ_ABSENT || page.bytes >= READ_AHEAD_BYTES) {
        service_read_ahead(call->service, &reader, page.end);
    }
    return 0;
}

static void count_read(struct service *service, const struct page *page)
{
    struct metrics *metrics = node_metrics(service->node);

    metrics_add(metrics, COUNTER_READS, 1);
    metrics_add(metrics, COUNTER_READ_ENTRIES, page->count);
    metrics_add(metrics, COUNTER_READ_BYTES, page->bytes);
}

/* Adds what is in memory, up to the bounds; reader->at is then where the next
 * read goes on. */
static struct page read_page(struct entries_writer *writer,
                             struct machine_reader *reader,
                             const struct read_args *args)
{
    struct page page = {.end = MACHINE_READ_END};
    struct read_entry entry;

    while (page.count < args->entries_max) {
        size_t more;

        page.end = machine_reader_next(reader, &entry);
        if (page.end != MACHINE_READ_ENTRY) {
            break;
        }
        more = entry.key.len + entry.value.len;
        if (page.count > 0 && page.bytes + more > args->bytes_max) {
            reader->at = entry.position;
            break;
        }
        must_have_memory(entries_writer_add(writer, &entry));
        page.bytes += more;
        page.count++;
        make_room(writer->buf, page.bytes, more, args->bytes_max);
    }
    return page;
}

/* There is more that it should have, on the disk here, and it has not been waited
 * for. */
static bool page_is_short(const struct page *page, const struct read_args *args,
                          const struct machine_reader *reader,
                          const struct call *call)
{
    if (page->end != MACHINE_READ_ABSENT) {
        return false;
    }
    if (page->count == 0) {
        return true;
    }
    return page->bytes < READ_SHORT_BYTES && page->bytes < args->bytes_max &&
           chunk_wait_is_local(reader->absent) && !call_has_waited(call);
}

/* An answer of which @added made an eighth is likely to become a full one: the
 * room for all of it at once spares copying it to larger and larger memory. */
static void make_room(struct buf *message, size_t bytes, size_t added,
                      size_t bytes_max)
{
    size_t part = bytes_max / 8;

    if (bytes >= part && bytes - added < part && bytes < bytes_max) {
        spare_buf_reserve(message, bytes_max - bytes + bytes_max / 8);
    }
}

static int log_follow_answer(struct call *call, struct bytes params,
                             struct buf *message, struct err *err)
{
    struct channel *channel = call->channel;
    struct follow_args args;
    struct follow_result result = {0};
    struct follow *follow = NULL;
    struct log_stat stat;
    int rv = follow_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    /* It may have waited for room since it was good. */
    if (!args.stale && !service_leads(call->service)) {
        return call_node_refusal(QL_NOT_LEADER, err);
    }
    if (channel->follows_count >= SESSION_FOLLOWS_MAX) {
        return err_set(err, QL_TOO_LARGE,
                       "a connection follows at most %u logs",
                       SESSION_FOLLOWS_MAX);
    }
    rv = service_find_log(call->service, args.log, &stat, err);
    rv = rv != 0 ? rv
                 : restored_check(call->service->machine, &stat,
                                  args.incarnation, err);
    if (rv != 0) {
        return rv;
    }
    if (args.from != 0 && args.from < stat.head) {
        return trimmed(stat.head, err);
    }
    follow = follow_new(call->service, channel, &stat,
                        args.from == 0 ? stat.head : args.from);
    follow->stale = args.stale;
    follow->credit = args.credit;
    result.follow = follow->id;
    result.head = stat.head;
    result.tail = stat.tail;
    result.uid = stat.uid;
    result.incarnation = stat.incarnation;
    must_have_memory(follow_result_encode(&result, message));
    call->follow = follow;
    return 0;
}

/* The last chunk that it was in stands for all: those before it are done with. */
void service_has_read(struct service *service,
                      const struct machine_reader *reader)
{
    if (service->chunks != NULL && reader->chunk != NULL) {
        service->loads->used(service->chunks, reader->chunk);
    }
}

void service_read_ahead(struct service *service,
                        const struct machine_reader *reader,
                        enum machine_read found)
{
    struct chunk *next = machine_reader_ahead(reader);

    if (found == MACHINE_READ_ABSENT) {
        service->loads->ahead(service->chunks, reader->absent);
    }
    if (next != NULL) {
        service->loads->ahead(service->chunks, next);
    }
}

static int follow_of(const struct call *call, struct bytes params,
                     struct credit_args *ret_args, struct follow **ret_follow,
                     struct err *err)
{
    struct follow *follow = NULL;
    int rv = credit_args_decode(ret_args, params, err);

    if (rv != 0) {
        return rv;
    }
    follow = follow_find(call->channel, ret_args->follow);
    if (follow == NULL) {
        return err_set(err, QL_NOT_FOUND, "this connection has no follow %llu",
                       (unsigned long long)ret_args->follow);
    }
    *ret_follow = follow;
    return 0;
}

static int trimmed(uint64_t head, struct err *err)
{
    err_set(err, QL_TRIMMED, "the log now begins at position %llu",
            (unsigned long long)head);
    err->position = head;
    return QL_TRIMMED;
}
