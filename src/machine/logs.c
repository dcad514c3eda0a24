/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/logs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/merge.h"
#include "machine/must.h"
#include "util/mem.h"
#include "util/random.h"

static int name_compare(struct bytes a, struct bytes b);
static size_t uid_index(const struct logs *logs, uint64_t uid);
static void make_room(struct logs *logs);
static void seal(struct logs *logs, struct log *log);
static void tell_sealed(const struct logs *logs, struct log *log);
static void moved_list(struct list *head, const struct list *before);
static void moved_lists(struct logs *logs, const struct logs *before);
static void forget(struct logs *logs, struct log *log);
static void count_in(struct logs *logs, const struct log *log);
static void count_out(struct logs *logs, const struct log *log);
static size_t open_len(const struct log *log);
static void drop_from_open(struct logs *logs, struct log *log, size_t len);

void logs_init(struct logs *logs, const struct machine_limits *limits)
{
    memset(logs, 0, sizeof(*logs));
    logs->limits = *limits;
    /* The seed keeps chosen names from colliding; no result depends on it. */
    logs->names = map_new(random_u64());
    if (logs->names == NULL) {
        (void)must_have_memory(QL_NO_MEMORY);
    }
    list_init(&logs->open);
    list_init(&logs->retained);
    list_init(&logs->changed);
}

void logs_close(struct logs *logs)
{
    size_t i;

    for (i = 0; i < logs->count; i++) {
        log_free(logs->by_uid[i]);
    }
    free(logs->by_uid);
    free(logs->by_name);
    if (logs->names != NULL) {
        map_free(logs->names);
    }
    memset(logs, 0, sizeof(*logs));
}

struct log *logs_find(const struct logs *logs, struct bytes name)
{
    return map_get(logs->names, name.data, name.len);
}

struct log *logs_find_uid(const struct logs *logs, uint64_t uid)
{
    size_t index = uid_index(logs, uid);

    if (index == logs->count || logs->by_uid[index]->uid != uid) {
        return NULL;
    }
    return logs->by_uid[index];
}

size_t logs_find_name(const struct logs *logs, struct bytes name)
{
    size_t from = 0;
    size_t to = logs->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (name_compare(logs->by_name[middle]->name, name) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

void logs_insert(struct logs *logs, struct log *log)
{
    size_t index = logs_find_name(logs, log->name);
    void *old = NULL;

    assert(log->uid > logs->uid_last);
    make_room(logs);
    memmove(logs->by_name + index + 1, logs->by_name + index,
            (logs->count - index) * sizeof(struct log *));
    logs->by_name[index] = log;
    logs->by_uid[logs->count] = log;
    logs->count++;
    logs->uid_last = log->uid;
    (void)must_have_memory(
        map_set(logs->names, log->name.data, log->name.len, log, &old));
    assert(old == NULL);
    count_in(logs, log);
    logs_configure(logs, log, &log->retention);
    logs_touch(logs, log);
}

void logs_remove(struct logs *logs, struct log *log)
{
    size_t by_name = logs_find_name(logs, log->name);
    size_t by_uid = uid_index(logs, log->uid);

    assert(logs->by_name[by_name] == log);
    assert(logs->by_uid[by_uid] == log);
    logs->count--;
    memmove(logs->by_name + by_name, logs->by_name + by_name + 1,
            (logs->count - by_name) * sizeof(struct log *));
    memmove(logs->by_uid + by_uid, logs->by_uid + by_uid + 1,
            (logs->count - by_uid) * sizeof(struct log *));
    (void)map_remove(logs->names, log->name.data, log->name.len);
    forget(logs, log);
}

void logs_queue_open(struct logs *logs, struct log *log)
{
    assert(open_len(log) > 0);
    assert(log->opened > 0);
    assert(list_empty(&log->open_link));
    list_push_back(&logs->open, &log->open_link);
    logs->open_bytes += open_len(log);
}

void logs_configure(struct logs *logs, struct log *log,
                    const struct retention *retention)
{
    log->retention = *retention;
    list_remove(&log->retained_link);
    if (retention_is_set(retention)) {
        list_push_back(&logs->retained, &log->retained_link);
    }
}

void logs_touch(struct logs *logs, struct log *log)
{
    if (list_empty(&log->changed_link)) {
        list_push_back(&logs->changed, &log->changed_link);
    }
}

void logs_append(struct logs *logs, struct log *log,
                 const struct append_entry *entry, uint64_t time_ms)
{
    size_t len = open_len(log);

    logs_touch(logs, log);
    count_out(logs, log);
    log_append(log, entry, time_ms);
    count_in(logs, log);
    if (len == 0) {
        logs->opened_last++;
        log->opened = logs->opened_last;
        logs_queue_open(logs, log);
    } else {
        logs->open_bytes += open_len(log) - len;
    }
    if (open_len(log) >= logs->limits.chunk_bytes) {
        seal(logs, log);
    }
    while (logs->open_bytes > logs->limits.open_bytes) {
        seal(logs, LIST_ITEM(logs->open.next, struct log, open_link));
    }
}

void logs_trim(struct logs *logs, struct log *log, uint64_t before)
{
    size_t len = open_len(log);

    logs_touch(logs, log);
    count_out(logs, log);
    log_trim(log, before);
    count_in(logs, log);
    if (len > 0 && open_len(log) == 0) {
        drop_from_open(logs, log, len);
    }
}

bool logs_retain(struct logs *logs, struct log *log, uint64_t time_ms,
                 bool age_suspended)
{
    size_t len = open_len(log);
    bool dropped;

    if (!log_retention_due(log, time_ms, age_suspended)) {
        return false;
    }
    logs_touch(logs, log);
    count_out(logs, log);
    dropped = log_retain(log, time_ms, age_suspended);
    count_in(logs, log);
    if (len > 0 && open_len(log) == 0) {
        drop_from_open(logs, log, len);
    }
    return dropped;
}

void logs_seal_all(struct logs *logs)
{
    while (!list_empty(&logs->open)) {
        struct log *log = LIST_ITEM(logs->open.next, struct log, open_link);

        logs_touch(logs, log);
        count_out(logs, log);
        drop_from_open(logs, log, open_len(log));
        (void)log_seal(log);
        count_in(logs, log);
        tell_sealed(logs, log);
    }
}

void logs_adopt(struct logs *logs, struct log *log, struct chunk *chunk)
{
    logs_touch(logs, log);
    count_out(logs, log);
    log_adopt_sealed(log, chunk);
    memcpy(log->digest, chunk->name.chain, sizeof(log->digest));
    log_set_head(log, log->head);
    count_in(logs, log);
}

void logs_copy(struct logs *to, const struct logs *from)
{
    size_t i;

    assert(to->count == 0);
    for (i = 0; i < from->count; i++) {
        logs_insert(to, log_copy(from->by_uid[i]));
    }
    to->uid_last = from->uid_last;
}

void logs_replace(struct logs *logs, struct log *old, struct log *log)
{
    void *before = NULL;

    assert(log->uid == old->uid);
    assert(old->open == NULL);
    logs->by_name[logs_find_name(logs, old->name)] = log;
    logs->by_uid[uid_index(logs, old->uid)] = log;
    (void)must_have_memory(
        map_set(logs->names, log->name.data, log->name.len, log, &before));
    assert(before == old);
    forget(logs, old);
    log_free(old);
    count_in(logs, log);
    logs_configure(logs, log, &log->retention);
    logs_touch(logs, log);
}

void logs_swap(struct logs *a, struct logs *b)
{
    struct logs before = *a;

    assert(a->limits.chunk_bytes == b->limits.chunk_bytes);
    *a = *b;
    moved_lists(a, b);
    *b = before;
    moved_lists(b, a);
    b->events = a->events;
    a->events = before.events;
    b->kept = a->kept;
    a->kept = before.kept;
}

struct chunk *logs_find_named(const struct logs *logs,
                              const struct chunk_name *name,
                              const uint8_t **ret_from)
{
    const struct log *log = logs_find_uid(logs, name->uid);
    struct chunk *chunk;
    size_t index;

    if (log == NULL) {
        return NULL;
    }
    index = chunk_list_find(log->sealed, name->last);
    if (index == chunk_list_count(log->sealed)) {
        return NULL;
    }
    chunk = chunk_list_at(log->sealed, index);
    if (!chunk_name_equal(&chunk->name, name)) {
        return NULL;
    }
    if (ret_from != NULL) {
        *ret_from = log_chain(log, index);
    }
    return chunk;
}

void logs_tell_sealed(const struct logs *logs, struct chunk *chunk,
                      const uint8_t from[HASH128_LEN])
{
    const struct machine_chunk_events *events = logs->events;

    if (events != NULL && events->on_sealed != NULL) {
        events->on_sealed(events->data, chunk, from);
    }
}

struct chunk_set *logs_chunks(const struct logs *logs)
{
    struct chunk_set *set;
    size_t i;

    set = mem_must_alloc(sizeof(*set) + logs->count * sizeof(set->items[0]));
    set->refs = 1;
    set->next = NULL;
    set->count = 0;
    for (i = 0; i < logs->count; i++) {
        const struct log *log = logs->by_uid[i];
        struct chunk_set_item *item = &set->items[set->count];

        if (log->sealed == NULL) {
            continue;
        }
        item->uid = log->uid;
        item->list = chunk_list_ref(log->sealed);
        memcpy(item->base, log->base, sizeof(item->base));
        set->count++;
    }
    return set;
}

/* The order of names: bytes as unsigned numbers, a prefix first. */
static int name_compare(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

/* Index in by_uid of the first log whose uid is not below @uid. */
static size_t uid_index(const struct logs *logs, uint64_t uid)
{
    size_t from = 0;
    size_t to = logs->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (logs->by_uid[middle]->uid < uid) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static void make_room(struct logs *logs)
{
    size_t size = sizeof(struct log *);

    assert(logs->count < LOGS_MAX);
    if (logs->count < logs->room) {
        return;
    }
    logs->room = logs->room == 0 ? 16 : logs->room * 2;
    logs->by_name = mem_must_resize(logs->by_name, logs->room * size);
    logs->by_uid = mem_must_resize(logs->by_uid, logs->room * size);
}

/* The open chunk ends; then, as long as that makes it larger, the last sealed
 * chunk takes in its neighbours. */
static void seal(struct logs *logs, struct log *log)
{
    uint64_t chunk_bytes = logs->limits.chunk_bytes;
    unsigned level;
    unsigned risen;
    size_t run;

    logs_touch(logs, log);
    count_out(logs, log);
    drop_from_open(logs, log, open_len(log));
    risen = merge_class(log_seal(log)->len, chunk_bytes);
    tell_sealed(logs, log);
    do {
        level = risen;
        run = merge_run(log->sealed, level, chunk_bytes);
        if (run > 0) {
            risen = merge_class(log_merge(log, run)->len, chunk_bytes);
            tell_sealed(logs, log);
        }
    } while (risen > level);
    count_in(logs, log);
}

/* Tells of the last sealed chunk, unless a kept state has the very same, which
 * then takes its place. */
static void tell_sealed(const struct logs *logs, struct log *log)
{
    size_t index = chunk_list_count(log->sealed) - 1;
    struct chunk *chunk = chunk_list_at(log->sealed, index);
    struct chunk_facts facts = chunk_facts(chunk);
    struct chunk *same = NULL;

    if (logs->kept.find != NULL) {
        same = logs->kept.find(logs->kept.data, &facts.name);
    }
    if (same != NULL && chunk_has_facts(same, &facts) && chunk_is_here(same)) {
        chunk_list_set(&log->sealed, index, same);
        return;
    }
    chunk_drop(same);
    logs_tell_sealed(logs, chunk, log_chain(log, index));
}

/* @head was copied from @before, which its links still name. */
static void moved_list(struct list *head, const struct list *before)
{
    if (head->next == before) {
        list_init(head);
        return;
    }
    head->next->prev = head;
    head->prev->next = head;
}

static void moved_lists(struct logs *logs, const struct logs *before)
{
    moved_list(&logs->open, &before->open);
    moved_list(&logs->retained, &before->retained);
    moved_list(&logs->changed, &before->changed);
}

/* What is shared has nothing of @log any more. */
static void forget(struct logs *logs, struct log *log)
{
    count_out(logs, log);
    if (open_len(log) > 0) {
        drop_from_open(logs, log, open_len(log));
    }
    list_remove(&log->retained_link);
    list_remove(&log->changed_link);
    if (log->is_counted) {
        tally_remove(&logs->digests, log->counted);
    }
}

static void count_in(struct logs *logs, const struct log *log)
{
    logs->entries += log->entries;
    logs->bytes += log->bytes;
    logs->chunks += chunk_list_count(log->sealed);
}

static void count_out(struct logs *logs, const struct log *log)
{
    logs->entries -= log->entries;
    logs->bytes -= log->bytes;
    logs->chunks -= chunk_list_count(log->sealed);
}

/* Bytes in the chunk that grows; 0 when none does. */
static size_t open_len(const struct log *log)
{
    return log->open == NULL ? 0 : log->open->len;
}

/* @len is what the log's open chunk had. */
static void drop_from_open(struct logs *logs, struct log *log, size_t len)
{
    assert(logs->open_bytes >= len);
    logs->open_bytes -= len;
    list_remove(&log->open_link);
}
