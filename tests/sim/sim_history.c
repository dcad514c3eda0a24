/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the clients' commands must come to, kept beside the machine: positions
 * without gaps, each append once, nothing of a writer that was replaced.
 *
 * The machines are deterministic and their digests are compared at each index.
 * So it is enough to look closely at the first server that comes to an index.
 */
#include <string.h>

#include "sim/sim_client_internal.h"
#include "util/hash128.h"
#include "wire/args_cluster.h"

#define THOROUGH_EVERY 64 /* indexes: the whole state takes long to hash */

/* ---- What commands come to ---- */

static struct log_history *history_of(struct sim *sim, struct bytes name)
{
    return &sim->clients->logs[(name.data[name.len - 1] - '0') % LOGS];
}

static void applied_part(struct sim *sim, const struct append_part_args *part,
                         const struct append_place *place, uint64_t op,
                         uint64_t time_ms)
{
    struct log_history *log = history_of(sim, part->log);

    if (log->uid == 0 || sim->clients->refusing) {
        sim_fail(sim, "REFUSALS: append %llu is taken by a log that is %s",
                 (unsigned long long)op,
                 log->uid == 0 ? "deleted" : "out of space");
    }
    if (place->first != log->next || place->count != part->entries_count) {
        sim_fail(sim, "NOT DENSE: append %llu at %llu of %s, not %llu",
                 (unsigned long long)op, (unsigned long long)place->first,
                 log->name, (unsigned long long)log->next);
    }
    if (part->epoch != (log->held ? log->epoch : 0)) {
        sim_fail(sim, "FENCING: append %llu of epoch %llu, now %llu%s",
                 (unsigned long long)op, (unsigned long long)part->epoch,
                 (unsigned long long)log->epoch, log->held ? "" : ", released");
    }
    if (part->expect_position != 0 && part->expect_position != log->next) {
        sim_fail(sim, "CONDITION: append %llu", (unsigned long long)op);
    }
    sim->clients->places[op][log - sim->clients->logs] = (struct sim_place){
        (uint32_t)log->uid, (uint32_t)place->first, (uint32_t)place->count};
    for (uint64_t i = 0; i < part->entries_count; i++) {
        if (log->next >= SIM_VALUES_MAX) {
            sim_fail(sim, "HARNESS: too many entries");
            return;
        }
        log->ops[log->next] = (uint32_t)op; /* never 0: that is a hole */
        log->times[log->next] = time_ms;
        log->next++;
        sim->totals.appends++;
    }
}

static void applied_append(struct sim *sim, struct bytes params,
                           const struct outcome *outcome)
{
    struct append_args args;
    struct err err;
    uint64_t *place;
    uint64_t op;

    if (append_args_decode(&args, params, &err) != 0) {
        sim_fail(sim, "HARNESS: %s", err.text);
        return;
    }
    op = get_u64(args.parts[0].entries[0].value.data);
    place = &sim->clients->position_of[op];
    if (outcome->code == QL_NO_SPACE && !outcome->duplicate &&
        !sim->clients->refusing) {
        sim_fail(sim, "REFUSALS: append %llu finds no space",
                 (unsigned long long)op);
    }
    if ((outcome->code == QL_RESTORED) !=
        (args.producer <= sim->clients->void_mark)) {
        sim_fail(sim, "PRODUCERS: append %llu of %llu, void up to %llu: %d",
                 (unsigned long long)op, (unsigned long long)args.producer,
                 (unsigned long long)sim->clients->void_mark, outcome->code);
    }
    if (outcome->code != 0) {
        if (*place != 0 && *place != REFUSED &&
            outcome->code != QL_PRODUCER_EXPIRED &&
            outcome->code != QL_RESTORED) {
            sim_fail(sim, "EXACTLY ONCE: append %llu is done, and refused: %d",
                     (unsigned long long)op, outcome->code);
        }
        if (*place == 0) {
            *place = REFUSED;
        }
    } else if (outcome->duplicate) {
        if (*place != outcome->append.places[0].first) {
            sim_fail(sim, "EXACTLY ONCE: append %llu is told a wrong place",
                     (unsigned long long)op);
        }
    } else {
        if (*place != 0) {
            sim_fail(sim, "EXACTLY ONCE: append %llu is done twice",
                     (unsigned long long)op);
        }
        *place = outcome->append.places[0].first;
        sim->clients->swap_of[op] = (uint32_t)sim->clients->swaps;
        sim->clients->taken = sim->clients->taken || sim->healed;
        for (size_t i = 0; i < args.parts_count; i++) {
            applied_part(sim, &args.parts[i], &outcome->append.places[i], op,
                         outcome->append.time_ms);
        }
    }
    append_args_close(&args);
}

/* A new one, or one that was there and has the same token. */
static void applied_create(struct sim *sim, struct log_history *log,
                           const struct log_stat *stat)
{
    if (stat->uid == log->uid) {
        return;
    }
    if (log->uid != 0 || stat->tail != 1) {
        sim_fail(sim, "CREATE: %s is made anew and ends at %llu", log->name,
                 (unsigned long long)stat->tail);
    }
    log->uid = stat->uid;
    log->next = 1;
    log->told_next = 1;
    log->age_ms = 0;
    log->epoch = stat->writer_epoch;
    log->held = false;
    log->trimmed = 0;
}

static void applied_space(struct sim *sim, struct bytes params)
{
    struct space_args args;

    if (space_args_decode(&args, params, NULL) != 0) {
        sim_fail(sim, "HARNESS: a word on space");
        return;
    }
    sim->totals.refusals += args.low && !sim->clients->refusing ? 1 : 0;
    sim->clients->refusing = args.low;
}

static void applied_to_log(struct sim *sim, const struct command *command,
                           const struct outcome *outcome)
{
    struct log_history *log = history_of(sim, outcome->stat.name);
    uint64_t epoch = outcome->stat.writer_epoch;
    struct log_trim_args trim;

    if (command->kind == COMMAND_LOG_CREATE) {
        applied_create(sim, log, &outcome->stat);
    }
    if (outcome->stat.uid != log->uid) {
        sim_fail(sim, "LOGS: %s is %llu, not %llu", log->name,
                 (unsigned long long)outcome->stat.uid,
                 (unsigned long long)log->uid);
    }
    if (outcome->stat.retention.age_ms != 0 &&
        (log->age_ms == 0 || outcome->stat.retention.age_ms < log->age_ms)) {
        log->age_ms = outcome->stat.retention.age_ms;
    }
    if (outcome->stat.retention.entries != 0 &&
        (log->entries == 0 || outcome->stat.retention.entries < log->entries)) {
        log->entries = outcome->stat.retention.entries;
    }
    if (command->kind == COMMAND_LOG_DELETE) {
        log->uid = 0;
    } else if (command->kind == COMMAND_WRITER_ACQUIRE) {
        if (epoch <= log->epoch) {
            sim_fail(sim, "FENCING: epoch %llu of %s after %llu",
                     (unsigned long long)epoch, log->name,
                     (unsigned long long)log->epoch);
        }
        log->epoch = epoch;
        log->held = true;
    } else if (command->kind == COMMAND_WRITER_RELEASE) {
        log->held = false;
    } else if (command->kind == COMMAND_LOG_TRIM &&
               log_trim_args_decode(&trim, command->params, NULL) == 0 &&
               trim.before > log->trimmed) {
        log->trimmed = trim.before;
    }
}

void sim_client_applied(struct sim *sim, const struct command *command,
                        const struct outcome *outcome)
{
    struct sim_client_state *state = sim->clients;

    switch (command->kind) {
    case COMMAND_LOG_APPEND:
        applied_append(sim, command->params, outcome);
        break;
    case COMMAND_TICK:
        if (!state->clock_jumped) {
            state->tick_ms = state->time_ms;
        }
        break;
    case COMMAND_CONFIRM_CLOCK:
        state->clock_jumped = false;
        break;
    case COMMAND_PRODUCER_OPEN:
        if (outcome->code == 0) {
            state->producer_last = outcome->producer;
        }
        break;
    case COMMAND_SPACE:
        applied_space(sim, command->params);
        break;
    default:
        if (outcome->code == 0 && outcome->has_stat) {
            applied_to_log(sim, command, outcome);
        }
        break;
    }
}

bool sim_client_begin(struct sim *sim, raft_index index, uint64_t time_ms)
{
    struct sim_client_state *state = sim->clients;

    if (index <= state->applied_last) {
        return false;
    }
    state->applied_last = index;
    if (time_ms > state->time_ms) {
        state->clock_jumped =
            state->clock_jumped ||
            (state->time_ms != 0 && time_ms - state->time_ms > CLOCK_JUMP_MS);
        state->time_ms = time_ms;
    }
    return true;
}

/* ---- Digests ---- */

/* Equal at equal indexes, or first known here. */
static void compare(struct sim_node *node, uint8_t known[HASH128_LEN],
                    const uint8_t digest[HASH128_LEN], raft_index index)
{
    static const uint8_t none[HASH128_LEN];

    if (memcmp(known, none, HASH128_LEN) == 0) {
        memcpy(known, digest, HASH128_LEN);
    } else if (memcmp(known, digest, HASH128_LEN) != 0) {
        sim_fail(node->sim, "DIGEST: server %llu has another state at %llu",
                 node->id, index);
    }
}

/* An entry goes when it is trimmed, when there are enough without it, or by age at
 * a tick, unless the clock has jumped and nobody has confirmed it. */
static void check_head(const struct sim_node *node,
                       const struct log_history *log, uint64_t head,
                       uint64_t tail)
{
    const struct sim_client_state *state = node->sim->clients;
    uint64_t first = head;

    while (first > 1 && log->ops[first - 1] == 0) {
        first--; /* a hole */
    }
    if (first > 1 && first > log->trimmed &&
        (log->entries == 0 || tail - first < log->entries) &&
        (log->age_ms == 0 ||
         log->times[first - 1] + log->age_ms >= state->tick_ms)) {
        sim_fail(node->sim, "DROPPED: server %llu: %s begins at %llu", node->id,
                 log->name, (unsigned long long)head);
    }
}

/* Of all entries, cheaply: logs keep a chain digest. */
static void digest_logs(const struct sim_node *node, uint8_t ret[HASH128_LEN])
{
    const struct sim_client_state *state = node->sim->clients;
    bool is_current = sim_recovery_is_current(node);
    uint8_t bytes[LOGS][56];

    memset(bytes, 0, sizeof bytes);
    for (unsigned i = 0; i < LOGS; i++) {
        const char *name = state->logs[i].name;
        struct log_stat stat;

        if (machine_log_stat(
                node->machine->machine,
                (struct bytes){(const uint8_t *)name, strlen(name)},
                &stat) == 0) {
            if (is_current && stat.uid == state->logs[i].uid) {
                check_head(node, &state->logs[i], stat.head, stat.tail);
            }
            memcpy(bytes[i], stat.digest, sizeof stat.digest);
            put_u64(bytes[i] + 16, stat.head);
            put_u64(bytes[i] + 24, stat.tail);
            put_u64(bytes[i] + 32, stat.writer_epoch);
            put_u64(bytes[i] + 40, stat.incarnation);
            put_u64(bytes[i] + 48, stat.entries);
        }
    }
    hash128(bytes, sizeof bytes, ret);
}

void sim_client_digest(struct sim_node *node, raft_index index, bool thorough)
{
    static const uint8_t none[HASH128_LEN];
    struct sim_client_state *state = node->sim->clients;
    uint8_t digest[HASH128_LEN];

    /* Entries that are no commands leave the state as it is. */
    while (thorough && index > 0 &&
           memcmp(state->digests[index], none, HASH128_LEN) == 0) {
        index--;
    }
    digest_logs(node, digest);
    compare(node, state->digests[index], digest, index);
    if (thorough || index % THOROUGH_EVERY == 0) {
        machine_digest(node->machine->machine, digest);
        compare(node, state->whole_digests[index], digest, index);
    }
}

/* ---- The end ---- */

bool sim_client_converged(const struct sim *sim)
{
    return !sim->clients->refusing && sim->clients->taken;
}

void sim_client_check_end(struct sim *sim)
{
    for (unsigned i = 0; sim->clients != NULL && i < sim->node_count; i++) {
        if (sim->nodes[i].up) {
            sim_client_walk(&sim->nodes[i], true);
            sim_recovery_walk(&sim->nodes[i], true);
            sim_chunks_settle(&sim->nodes[i]);
        }
    }
}

/* ---- What readers see ---- */

void sim_client_tell(struct sim *sim, const struct client *client,
                     const struct outcome *outcome)
{
    struct log_history *log = &sim->clients->logs[client->log];
    const struct append_place *place = &outcome->append.places[0];

    if (!outcome->duplicate && outcome->log_uid == log->uid &&
        sim->clients->swap_of[client->op] == sim->clients->swaps &&
        place->first + place->count > log->told_next) {
        log->told_next = place->first + place->count;
    }
}

void sim_client_told(const struct sim *sim, struct sim_told *ret)
{
    ret->swaps = sim->clients->swaps;
    for (unsigned i = 0; i < LOGS; i++) {
        ret->uid[i] = sim->clients->logs[i].uid;
        ret->next[i] = sim->clients->logs[i].told_next;
    }
}

static void read_log(struct sim_node *node, const struct log_history *log,
                     uint64_t told_next, uint64_t chosen)
{
    const struct machine *machine = node->machine->machine;
    struct machine_reader reader;
    struct read_entry entry;
    struct log_stat stat;
    enum machine_read read;
    uint64_t at;
    uint64_t head;
    int rv;

    if (machine_log_stat_uid(machine, log->uid, &stat) != 0 ||
        stat.tail < told_next) {
        sim_fail(node->sim, "STALE READ: server %llu: %s ends before %llu",
                 node->id, log->name, (unsigned long long)told_next);
        return;
    }
    if (stat.head >= told_next) {
        return;
    }
    at = stat.head + chosen % (told_next - stat.head);
    if (log->ops[at] == 0) {
        return; /* a hole */
    }
    rv = machine_reader_open(&reader, machine, log->uid, at, 0, &head);
    read = rv == 0 ? machine_reader_next(&reader, &entry) : MACHINE_READ_END;
    if (read == MACHINE_READ_ABSENT) {
        sim_look(node, reader.absent);
        return;
    }
    if (read == MACHINE_READ_END || entry.position != at ||
        get_u64(entry.value.data) != log->ops[at]) {
        sim_fail(node->sim, "WRONG READ: server %llu: %s at %llu", node->id,
                 log->name, (unsigned long long)at);
    }
}

/* Of a log that was deleted or replaced since either may be seen. */
void sim_client_read(struct sim_node *node, const struct sim_told *told,
                     uint64_t chosen)
{
    const struct sim_client_state *state = node->sim->clients;

    for (unsigned i = 0; told->swaps == state->swaps && i < LOGS; i++) {
        if (told->uid[i] != 0 && told->uid[i] == state->logs[i].uid) {
            read_log(node, &state->logs[i], told->next[i], chosen);
        }
    }
}
