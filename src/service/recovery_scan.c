/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/recovery_scan.h"

#include <stdlib.h>
#include <string.h>

#include "machine/must.h"
#include "service/envelope.h"
#include "service/keepsakes.h"
#include "service/part_walk.h"
#include "service/recovery_calls.h"
#include "service/recovery_filter.h"
#include "service/service_parts.h"
#include "util/mem.h"

struct recovery_scan {
    struct call *call;
    struct service *service;
    struct staged_mark mark;
    struct recovery_filter filter;
    bool wants_entries;
    uint32_t limit; /* of entries in the answer */
    struct recovery_print_result result;
    struct keepsakes names;
    struct buf packed;
    size_t packed_payload; /* keys and values in it */
    size_t looked;         /* logs, of any name */
    bool in_log; /* the last one of result.logs is being walked, or the one that
                    the page begins in */
    bool is_done;
    struct scan_log log;
    bool is_begun; /* by the page before */
    struct part_walk walk;
};

static void scan_stop(struct call *call);
static void scan_on_loaded(struct part_walk *walk, int status);
static void scan_go_on(struct recovery_scan *scan);
static int scan_turn(struct recovery_scan *scan, struct err *err);
static void scan_begin(struct recovery_scan *scan,
                       const struct scan_cursor *cursor);
static bool scan_next_log(struct recovery_scan *scan);
static void scan_enter(struct recovery_scan *scan, const struct log_stat *stat,
                       uint64_t from);
static void scan_leave(struct recovery_scan *scan);
static bool scan_walk(struct recovery_scan *scan);
static bool scan_take(struct recovery_scan *scan,
                      const struct read_entry *entry);
static void scan_end_page(struct recovery_scan *scan, uint64_t position);
static bool scan_is_full(const struct recovery_scan *scan);
static void scan_finish(struct recovery_scan *scan);

int recovery_scan_answer(struct call *call, struct bytes params,
                         struct buf *message, struct err *err)
{
    struct recovery_print_args args;
    struct recovery_scan *scan;
    struct staged_mark mark;
    int rv = recovery_print_args_decode(&args, params, err);

    (void)message;
    if (rv != 0) {
        return rv;
    }
    rv = staged_mark_take(call->service, &mark, err);
    if (rv != 0) {
        return rv;
    }
    scan = mem_must_zalloc(sizeof(*scan));
    rv = recovery_call_begin(call, scan, scan_stop, err);
    if (rv != 0) {
        free(scan);
        return rv;
    }
    scan->call = call;
    scan->service = call->service;
    scan->mark = mark;
    recovery_filter_init(&scan->filter, &args.filter);
    scan->wants_entries = args.entries;
    scan->limit = args.limit;
    scan->result.logs =
        mem_must_array(PRINT_LOGS_MAX, sizeof(*scan->result.logs));
    scan_begin(scan, &args.cursor);
    scan_go_on(scan);
    return CALL_LEFT;
}

static void scan_stop(struct call *call)
{
    struct recovery_scan *scan = call->work;

    part_walk_stop(&scan->walk);
    recovery_filter_close(&scan->filter);
    keepsakes_close(&scan->names);
    buf_close(&scan->packed);
    free(scan->result.logs);
    free(scan);
    recovery_call_end(call);
}

static void scan_on_loaded(struct part_walk *walk, int status)
{
    struct recovery_scan *scan = walk->data;
    struct err err = {0};

    if (status != 0) {
        status = part_walk_refusal(walk, status, &err);
        err_wrap(&err, "log %.*s", (int)scan->log.name.len,
                 (const char *)scan->log.name.data);
        call_fail(scan->call, status, &err);
        return;
    }
    scan_go_on(scan);
}

/* Answers when it is done; @scan is gone then. */
static void scan_go_on(struct recovery_scan *scan)
{
    struct err err = {0};
    int rv = scan_turn(scan, &err);

    if (rv != 0) {
        call_fail(scan->call, rv, &err);
    } else if (scan->is_done) {
        scan_finish(scan);
    }
}

/* Returns 0 when it waits, too. */
static int scan_turn(struct recovery_scan *scan, struct err *err)
{
    int rv = staged_mark_check(scan->service, &scan->mark, err);

    if (rv != 0) {
        return rv;
    }
    if (scan->in_log) {
        (void)part_walk_open(&scan->walk); /* it is staged as it was */
    }
    while (!scan->is_done) {
        if (!scan->in_log && !scan_next_log(scan)) {
            scan->is_done = true;
        } else if (scan->in_log && !scan_walk(scan)) {
            return 0;
        }
    }
    return 0;
}

static void scan_begin(struct recovery_scan *scan,
                       const struct scan_cursor *cursor)
{
    const struct machine *machine = scan->service->machine;
    struct log_stat stat;

    if (cursor->log.len == 0) {
        return;
    }
    scan->log.name = keepsakes_add(&scan->names, cursor->log);
    if (machine_part_stat(machine, MACHINE_STAGED, cursor->log, &stat) == 0) {
        scan_enter(scan, &stat, cursor->position);
    }
}

/* Enters the next one that may have entries that match; false: there is none, or
 * the page ends. */
static bool scan_next_log(struct recovery_scan *scan)
{
    const struct machine *machine = scan->service->machine;
    struct log_list_args args = {.after = scan->log.name, .max = 1};
    struct log_list_result list;
    bool is_last = false;

    while (!is_last && !scan->in_log) {
        args.after = scan->log.name;
        if (machine_part_list(machine, MACHINE_STAGED, &args, &list) != 0) {
            return false;
        }
        is_last = list.count == 0;
        if (!is_last) {
            scan->log.name = keepsakes_add(&scan->names, list.stats[0].name);
            if (scan_is_full(scan)) {
                scan->result.cursor.log = scan->log.name;
                scan->result.cursor.position = list.stats[0].head;
                is_last = true;
            } else {
                scan->looked++;
                if (recovery_filter_has_log(&scan->filter, scan->log.name)) {
                    scan_enter(scan, &list.stats[0], 0);
                }
            }
        }
        log_list_result_close(&list);
    }
    return scan->in_log;
}

static void scan_enter(struct recovery_scan *scan, const struct log_stat *stat,
                       uint64_t from)
{
    size_t count;
    struct chunk *const *chunks = machine_part_chunks(
        scan->service->machine, MACHINE_STAGED, stat->uid, &count);
    uint64_t first =
        recovery_filter_first(&scan->filter, stat->head, chunks, count);
    size_t walked = scan->walk.walked; /* it is the same turn */

    scan->log.entries = 0;
    scan->log.matched = 0;
    scan->is_begun = from > stat->head;
    part_walk_init(&scan->walk, scan->service, MACHINE_STAGED, stat->uid,
                   from > first ? from : first, scan->filter.rules.to);
    scan->in_log = part_walk_open(&scan->walk) == 0;
    scan->walk.walked = walked;
}

/* The log is through. One that was begun on the page before and had nothing left
 * is no news. */
static void scan_leave(struct recovery_scan *scan)
{
    struct recovery_print_result *result = &scan->result;

    scan->in_log = false;
    part_walk_stop(&scan->walk);
    if (!scan->is_begun || scan->log.entries > 0) {
        result->logs[result->logs_count++] = scan->log;
    }
}

/* False: the turn is over. */
static bool scan_walk(struct recovery_scan *scan)
{
    const struct scan_filter *rules = &scan->filter.rules;
    enum part_walk_found found = PART_WALK_ENTRY;
    struct read_entry entry;

    while (found == PART_WALK_ENTRY) {
        if (scan->result.scanned_bytes >= SCAN_BYTES) {
            scan_end_page(scan, scan->walk.at);
            return true;
        }
        found = part_walk_next(&scan->walk, &entry, scan_on_loaded, scan);
        if (found == PART_WALK_ENTRY && rules->until_ms != 0 &&
            entry.time_ms >= rules->until_ms) {
            found = PART_WALK_END;
        }
        if (found == PART_WALK_ENTRY && !scan_take(scan, &entry)) {
            scan_end_page(scan, entry.position);
            return true;
        }
    }
    if (found == PART_WALK_END) {
        scan_leave(scan);
    }
    return found == PART_WALK_END;
}

/* False: it has to be on the next page. */
static bool scan_take(struct recovery_scan *scan,
                      const struct read_entry *entry)
{
    struct recovery_print_result *result = &scan->result;
    uint64_t bytes = entry->key.len + entry->value.len;
    bool matches = recovery_filter_has_entry(&scan->filter, entry);

    if (matches && scan->wants_entries) {
        struct scan_entry item = {.log = scan->log.name,
                                  .position = entry->position,
                                  .time_ms = entry->time_ms,
                                  .has_key = entry->key.data != NULL,
                                  .key = entry->key,
                                  .value = entry->value};

        if (result->entries_count > 0 &&
            (result->entries_count >= scan->limit ||
             scan->packed_payload + bytes > PRINT_BYTES_MAX)) {
            return false;
        }
        must_have_memory(scan_entry_encode(&item, &scan->packed));
        scan->packed_payload += bytes;
        result->entries_count++;
    }
    scan->log.entries++;
    result->scanned_entries++;
    result->scanned_bytes += bytes;
    if (matches) {
        scan->log.matched++;
        result->matched_entries++;
        result->matched_bytes += bytes;
    }
    return true;
}

static void scan_end_page(struct recovery_scan *scan, uint64_t position)
{
    scan_leave(scan);
    scan->result.cursor.log = scan->log.name;
    scan->result.cursor.position = position;
    scan->is_done = true;
}

/* No further log. */
static bool scan_is_full(const struct recovery_scan *scan)
{
    const struct recovery_print_result *result = &scan->result;

    return result->logs_count >= PRINT_LOGS_MAX ||
           scan->looked >= RECOVERY_TURN_LOGS ||
           result->scanned_bytes >= SCAN_BYTES;
}

static void scan_finish(struct recovery_scan *scan)
{
    struct recovery_print_result *result = &scan->result;
    struct call *call = scan->call;
    struct buf message = BUF_INIT;

    result->stage = scan->mark.stage;
    result->revision = scan->mark.revision;
    result->state_index = scan->mark.state_index;
    result->packed = (struct bytes){scan->packed.data, scan->packed.len};
    envelope_open_result(&message, call->id);
    must_have_memory(recovery_print_result_encode(result, &message));
    call_finish(call, &message);
}
