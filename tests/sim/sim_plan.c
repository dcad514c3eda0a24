/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The records that fill a draft: of a backup, or of the staged state without some
 * entries. The bytes of chunks are made from the history of the commands; where
 * the machine has such a chunk already, they must be the same.
 */
#include <string.h>

#include "machine/digest.h"
#include "sim/sim_recovery.h"

#define CHUNK_ENTRIES 30u /* of what is made anew, at most */

static const uint8_t no_bytes[1024];

void sim_plan_copy(struct sim *sim, struct kept_log *log,
                   const struct log_history *from)
{
    size_t count = (size_t)(log->tail < from->next ? log->tail : from->next);

    log->age_ms = from->age_ms;
    log->entries_max = from->entries;
    log->ops = sim_alloc(sim, (size_t)log->tail * sizeof *log->ops);
    log->times = sim_alloc(sim, (size_t)log->tail * sizeof *log->times);
    memcpy(log->ops, from->ops, count * sizeof *log->ops);
    memcpy(log->times, from->times, count * sizeof *log->times);
}

/* The entries of positions from @first to @last, behind @chain. */
static void build(struct sim *sim, const struct kept_log *log, uint64_t first,
                  uint64_t last, uint8_t chain[HASH128_LEN],
                  struct plan_chunk *ret)
{
    uint8_t value[sizeof no_bytes];
    struct chunk *chunk = chunk_new(log->uid, first);

    memcpy(value, no_bytes, sizeof value);
    for (uint64_t i = first; i <= last && i < log->tail; i++) {
        struct read_entry entry = {.position = i, .time_ms = log->times[i]};

        if (log->ops[i] != 0) {
            put_u64(value, log->ops[i]);
            entry.value =
                (struct bytes){value, sim->clients->value_len[log->ops[i]]};
            digest_add(chain, &entry);
            chunk_add(chunk, &entry);
        }
    }
    if (chunk->entries == 0) {
        sim_fail(sim, "BACKUP: nothing was appended from %llu to %llu",
                 (unsigned long long)first, (unsigned long long)last);
        chunk_drop(chunk);
        return;
    }
    ret->raw = sim_copy(sim, chunk_bytes(chunk), chunk->len);
    chunk_seal(chunk, chain);
    ret->facts = chunk_facts(chunk);
    chunk_row_encode(chunk, ret->row);
    chunk_drop(chunk);
}

/* ---- Backups ---- */

static void plan_log(struct sim *sim, const struct machine *scratch,
                     const struct kept_log *log, struct plan_log *ret)
{
    size_t count;
    struct chunk *const *chunks =
        machine_part_chunks(scratch, MACHINE_LIVE, log->uid, &count);
    struct chunk *open = machine_part_open(scratch, MACHINE_LIVE, log->uid);
    uint8_t *chain = ret->digest;

    memcpy(chain, ret->row.base, HASH128_LEN);
    ret->chunks = sim_alloc(sim, (count + 1) * sizeof *ret->chunks);
    for (size_t i = 0; i < count; i++) {
        struct chunk_facts facts = chunk_facts(chunks[i]);

        build(sim, log, facts.name.first, facts.name.last, chain,
              &ret->chunks[i]);
        if (!chunk_has_facts(chunks[i], &ret->chunks[i].facts)) {
            sim_fail(sim,
                     "BACKUP: other entries from %llu to %llu than appended",
                     (unsigned long long)facts.name.first,
                     (unsigned long long)facts.name.last);
        }
    }
    ret->count = (unsigned)count;
    if (open != NULL) {
        build(sim, log, open->name.first, open->name.last, chain,
              &ret->chunks[count]);
        ret->count++;
    }
    if (memcmp(chain, log->digest, HASH128_LEN) != 0) {
        sim_fail(sim, "BACKUP: a log does not end as it was appended to");
    }
}

struct plan *sim_plan_stage(struct sim *sim, const struct machine *scratch,
                            const struct kept_state *state)
{
    struct plan *plan = sim_alloc(sim, sizeof *plan);

    for (unsigned i = 0; i < LOGS; i++) {
        const struct kept_log *log = &state->logs[i];
        struct plan_log *row = &plan->logs[plan->count];

        if (log->uid == 0) {
            continue;
        }
        if (machine_part_log(scratch, MACHINE_LIVE, log->uid, &row->row) != 0) {
            sim_fail(sim, "BACKUP: a log is not in it");
            continue;
        }
        row->row.name =
            (struct bytes){(const uint8_t *)sim->clients->logs[i].name,
                           strlen(sim->clients->logs[i].name)};
        plan_log(sim, scratch, log, row);
        plan->count++;
    }
    if (plan->count == 2 && plan->logs[0].row.uid > plan->logs[1].row.uid) {
        struct plan_log swap = plan->logs[0];

        plan->logs[0] = plan->logs[1];
        plan->logs[1] = swap;
    }
    return plan;
}

/* ---- Edits ---- */

struct rule {
    uint64_t from; /* positions */
    uint64_t to;
    uint64_t nth;
};

static bool goes(const struct rule *rule, uint64_t position)
{
    return position >= rule->from && position <= rule->to &&
           position % rule->nth == 0;
}

/* 0: none. */
static uint64_t remove_entries(const struct rule *rule, struct kept_log *log,
                               uint64_t *ret_first)
{
    uint64_t count = 0;

    for (uint64_t i = log->head; i < log->tail; i++) {
        if (log->ops[i] != 0 && goes(rule, i)) {
            *ret_first = count == 0 ? i : *ret_first;
            log->ops[i] = 0;
            count++;
        }
    }
    log->entries = UNCOUNTED;
    return count;
}

static void build_rest(struct sim *sim, const struct kept_log *log,
                       uint64_t from, struct plan_log *ret)
{
    unsigned most = (unsigned)(log->tail - from) + 1;
    uint64_t first = from;

    ret->chunks = sim_alloc(sim, most * sizeof *ret->chunks);
    while (first < log->tail) {
        uint64_t last = first + sim_recovery_draw(sim, CHUNK_ENTRIES);

        if (log->ops[first] == 0) {
            first++;
            continue;
        }
        build(sim, log, first, last, ret->digest, &ret->chunks[ret->count]);
        ret->count++;
        first = last + 1;
    }
}

/* Some of @log's; what is before the first of them stays as it is. */
static bool plan_rest(struct sim_node *node, struct kept_log *log,
                      struct plan *plan)
{
    struct sim *sim = node->sim;
    const struct machine *machine = node->machine->machine;
    struct plan_log *row = &plan->logs[0];
    uint64_t span = log->tail - log->head;
    struct rule rule = {.from = log->head + sim_recovery_draw(sim, span),
                        .nth = 1 + sim_recovery_draw(sim, 3)};
    struct chunk *const *chunks;
    uint64_t first = 0;
    size_t count;

    rule.to = rule.from + sim_recovery_draw(sim, span);
    plan->deleted = remove_entries(&rule, log, &first);
    if (plan->deleted == 0 ||
        machine_part_log(machine, MACHINE_STAGED, log->uid, &row->row) != 0) {
        return false;
    }
    row->row.name.data =
        sim_copy(sim, row->row.name.data, row->row.name.len).base;
    memcpy(row->digest, row->row.base, HASH128_LEN);
    chunks = machine_part_chunks(machine, MACHINE_STAGED, log->uid, &count);
    while (row->row.keep < count && chunks[row->row.keep]->name.last < first) {
        memcpy(row->digest, chunks[row->row.keep]->name.chain, HASH128_LEN);
        row->row.keep++;
    }
    build_rest(sim, log,
               row->row.keep == 0 ? log->head
                                  : chunks[row->row.keep - 1]->name.last + 1,
               row);
    memcpy(log->digest, row->digest, HASH128_LEN);
    plan->count = 1;
    return true;
}

struct plan *sim_plan_edit(struct sim_node *node,
                           const struct kept_state *staged,
                           struct kept_state **ret_expected)
{
    struct sim *sim = node->sim;
    struct plan *plan = sim_alloc(sim, sizeof *plan);
    struct kept_state *state = sim_alloc(sim, sizeof *state);
    unsigned chosen = (unsigned)sim_recovery_draw(sim, LOGS);
    struct kept_log *log = &state->logs[chosen];
    size_t len;

    *state = *staged;
    *ret_expected = state;
    if (log->uid == 0) {
        return NULL;
    }
    if (sim_recovery_draw(sim, 6) == 0) {
        plan->drop_uid = log->uid;
        plan->deleted = log->entries == UNCOUNTED ? 1 : log->entries;
        memset(log, 0, sizeof *log);
        return plan;
    }
    len = (size_t)log->tail * sizeof *log->ops;
    log->ops = sim_copy(sim, log->ops, len).base;
    return plan_rest(node, log, plan) ? plan : NULL;
}
