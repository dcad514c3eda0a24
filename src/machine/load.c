/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Filling a draft, record by record. After each its logs are such as an image may
 * hold: every chunk follows on the one before it, in positions, times and chain,
 * and lies within the log's numbers. A chunk that some part has already is the
 * same object in the draft, unless its bytes are nowhere here and were brought.
 */
#include <stdlib.h>
#include <string.h>

#include "machine/apply.h"
#include "util/mem.h"

static int begin_log(struct machine *machine, struct kept *draft,
                     const struct load_log *row);
static int replace_log(struct machine *machine, struct kept *draft,
                       const struct load_log *row);
static struct log *new_log(const struct load_log *row);
static int add_refs(struct machine *machine, struct kept *draft,
                    const struct load_record *record);
static int find_refs(const struct machine *machine, const struct kept *draft,
                     const struct load_record *record, struct chunk **ret);
static int add_bytes(struct machine *machine, struct kept *draft,
                     struct bytes entries);
static int end_log(struct kept *draft, const uint8_t digest[HASH128_LEN]);
static int drop_log(struct kept *draft, uint64_t uid);
static bool fits(const struct log *log, const struct chunk *before,
                 const struct chunk_facts *facts, uint64_t first_time_ms);
static const struct chunk *last_chunk(const struct log *log);
static uint64_t chunks_kept(const struct machine *machine);

int load_apply(struct machine *machine, struct kept *draft,
               const struct load_record *record)
{
    bool begins = record->kind == LOAD_LOG || record->kind == LOAD_DROP;

    if (begins != (draft->log_uid == 0)) {
        return QL_INVALID;
    }
    switch (record->kind) {
    case LOAD_LOG:
        return draft->edit_of == 0 ? begin_log(machine, draft, &record->log)
                                   : replace_log(machine, draft, &record->log);
    case LOAD_REFS:
        return add_refs(machine, draft, record);
    case LOAD_BYTES:
        return add_bytes(machine, draft, record->entries);
    case LOAD_DONE:
        return end_log(draft, record->digest);
    case LOAD_DROP:
        return drop_log(draft, record->uid);
    }
    return QL_INVALID;
}

static int begin_log(struct machine *machine, struct kept *draft,
                     const struct load_log *row)
{
    (void)machine;
    if (row->keep != 0 || row->uid <= draft->logs.uid_last) {
        return QL_INVALID;
    }
    if (logs_find(&draft->logs, row->name) != NULL) {
        return QL_EXISTS;
    }
    if (draft->logs.count == LOGS_MAX) {
        return QL_LIMIT;
    }
    logs_insert(&draft->logs, new_log(row));
    draft->log_uid = row->uid;
    return 0;
}

/* The chunks that stay are those of the staged log, whatever the draft has. */
static int replace_log(struct machine *machine, struct kept *draft,
                       const struct load_log *row)
{
    const struct kept *staged = machine->state->kept[MACHINE_STAGED];
    const struct log *from = logs_find_uid(&staged->logs, row->uid);
    struct log *old = logs_find_uid(&draft->logs, row->uid);
    const struct chunk *before = NULL;
    struct log *log;
    uint32_t i;

    if (from == NULL || old == NULL) {
        return QL_NOT_FOUND;
    }
    if (row->name.len != old->name.len ||
        memcmp(row->name.data, old->name.data, old->name.len) != 0 ||
        row->keep > chunk_list_count(from->sealed) ||
        (row->keep > 0 &&
         memcmp(row->base, from->base, sizeof(from->base)) != 0)) {
        return QL_INVALID;
    }
    log = new_log(row);
    for (i = 0; i < row->keep; i++) {
        struct chunk *chunk = chunk_list_at(from->sealed, i);
        struct chunk_facts facts = chunk_facts(chunk);

        if (!fits(log, before, &facts, facts.last_time_ms)) {
            log_free(log);
            return QL_INVALID;
        }
        log_adopt_sealed(log, chunk_ref(chunk));
        memcpy(log->digest, chunk->name.chain, sizeof(log->digest));
        before = chunk;
    }
    log_set_head(log, log->head);
    logs_replace(&draft->logs, old, log);
    draft->log_uid = row->uid;
    return 0;
}

static struct log *new_log(const struct load_log *row)
{
    struct log *log = log_new(row->uid, row->name);

    log->incarnation = row->incarnation;
    log->token = row->token;
    log->head = row->head;
    log->tail = row->tail;
    log->last_time_ms = row->last_time_ms;
    log->retention = row->retention;
    log_set_writer(log, row->writer_epoch, (struct bytes){NULL, 0});
    memcpy(log->base, row->base, sizeof(log->base));
    memcpy(log->digest, row->base, sizeof(log->digest));
    return log;
}

/* All or none. */
static int add_refs(struct machine *machine, struct kept *draft,
                    const struct load_record *record)
{
    struct log *log = logs_find_uid(&draft->logs, draft->log_uid);
    struct chunk **chunks;
    uint32_t i;
    int rv;

    if (chunks_kept(machine) + record->rows_count > CHUNKS_KEPT_MAX) {
        return QL_LIMIT;
    }
    chunks = mem_must_array(record->rows_count, sizeof(*chunks));
    rv = find_refs(machine, draft, record, chunks);
    for (i = 0; i < record->rows_count && rv == 0; i++) {
        logs_adopt(&draft->logs, log, chunk_ref(chunks[i]));
    }
    free(chunks);
    return rv;
}

/* That the chain before a chunk is the one that the draft has come to makes its
 * bytes those that follow; so they need not be looked at. */
static int find_refs(const struct machine *machine, const struct kept *draft,
                     const struct load_record *record, struct chunk **ret)
{
    const struct log *log = logs_find_uid(&draft->logs, draft->log_uid);
    const struct chunk *before = last_chunk(log);
    const uint8_t *chain = log->digest;
    struct chunk_facts facts;
    const uint8_t *from;
    uint32_t i;

    for (i = 0; i < record->rows_count; i++) {
        if (!chunk_row_decode(record->rows + (size_t)i * CHUNK_ROW_LEN,
                              log->uid, &facts) ||
            !fits(log, before, &facts, facts.last_time_ms)) {
            return QL_INVALID;
        }
        ret[i] = state_find_kept(machine->state, &facts, &from);
        if (ret[i] == NULL || memcmp(from, chain, HASH128_LEN) != 0) {
            return QL_NOT_FOUND;
        }
        before = ret[i];
        chain = ret[i]->name.chain;
    }
    return 0;
}

static int add_bytes(struct machine *machine, struct kept *draft,
                     struct bytes entries)
{
    struct log *log = logs_find_uid(&draft->logs, draft->log_uid);
    uint8_t from[HASH128_LEN];
    uint8_t chain[HASH128_LEN];
    struct chunk_facts facts;
    struct chunk *chunk;
    struct chunk *same;
    size_t offset = 0;
    struct read_entry entry;
    int rv;

    if (chunks_kept(machine) >= CHUNKS_KEPT_MAX) {
        return QL_LIMIT;
    }
    memcpy(from, log->digest, sizeof(from));
    memcpy(chain, from, sizeof(chain));
    rv = chunk_load(&chunk, log->uid, entries, chain, NULL);
    if (rv != 0) {
        return rv;
    }
    facts = chunk_facts(chunk);
    memcpy(facts.name.chain, chain, sizeof(chain));
    (void)chunk_next(chunk, &offset, &entry);
    if (!fits(log, last_chunk(log), &facts, entry.time_ms)) {
        chunk_drop(chunk);
        return QL_CORRUPT;
    }
    same = state_find_kept(machine->state, &facts, NULL);
    if (same != NULL && chunk_is_here(same)) {
        chunk_drop(chunk);
        logs_adopt(&draft->logs, log, chunk_ref(same));
        return 0;
    }
    chunk_seal(chunk, chain);
    logs_adopt(&draft->logs, log, chunk);
    logs_tell_sealed(&machine->state->logs, chunk, from);
    return 0;
}

static int end_log(struct kept *draft, const uint8_t digest[HASH128_LEN])
{
    const struct log *log = logs_find_uid(&draft->logs, draft->log_uid);

    if (memcmp(log->digest, digest, HASH128_LEN) != 0) {
        return QL_CORRUPT;
    }
    draft->log_uid = 0;
    return 0;
}

static int drop_log(struct kept *draft, uint64_t uid)
{
    struct log *log = logs_find_uid(&draft->logs, uid);

    if (draft->edit_of == 0) {
        return QL_INVALID;
    }
    if (log == NULL) {
        return QL_NOT_FOUND;
    }
    logs_remove(&draft->logs, log);
    log_free(log);
    return 0;
}

/* May a chunk of @facts, whose first entry is of no later than @first_time_ms,
 * stand in @log behind @before (NULL: first of all)? */
static bool fits(const struct log *log, const struct chunk *before,
                 const struct chunk_facts *facts, uint64_t first_time_ms)
{
    if (facts->name.first == 0 || facts->name.last < log->head ||
        facts->name.last >= log->tail ||
        facts->last_time_ms > log->last_time_ms) {
        return false;
    }
    return before == NULL || (facts->name.first > before->name.last &&
                              first_time_ms >= before->last_time_ms);
}

static const struct chunk *last_chunk(const struct log *log)
{
    size_t count = chunk_list_count(log->sealed);

    return count == 0 ? NULL : chunk_list_at(log->sealed, count - 1);
}

static uint64_t chunks_kept(const struct machine *machine)
{
    return machine->state->kept[MACHINE_DRAFT]->logs.chunks;
}
