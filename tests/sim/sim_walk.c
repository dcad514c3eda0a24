/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Reads all that a server has and compares it with the history: the live logs, and
 * what it keeps beside them. */
#include <string.h>

#include "sim/sim_recovery.h"

/* ---- Live logs ---- */

/* What is not in memory is looked at when it is (sim_look.c). */
static bool walk_on(struct sim_node *node, struct machine_reader *reader,
                    struct read_entry *entry, bool at_rest)
{
    const struct machine *machine = node->machine->machine;
    enum machine_read read = machine_reader_next(reader, entry);

    while (read == MACHINE_READ_ABSENT) {
        struct chunk *absent = chunk_ref(reader->absent);
        uint64_t uid = absent->name.uid;
        uint64_t next = absent->name.last + 1;
        uint64_t head;

        if (at_rest) {
            sim_look_now(node, absent);
        } else {
            sim_look(node, absent);
        }
        chunk_drop(absent);
        if (machine_reader_open(reader, machine, uid, next, 0, &head) != 0) {
            return false;
        }
        read = machine_reader_next(reader, entry);
        if (read == MACHINE_READ_END) {
            reader->at = next > reader->at ? next : reader->at;
        }
    }
    return read == MACHINE_READ_ENTRY;
}

static void walk_log(struct sim_node *node, const struct log_history *log,
                     bool to_the_end, bool at_rest)
{
    const struct machine *machine = node->machine->machine;
    struct bytes name = {(const uint8_t *)log->name, strlen(log->name)};
    struct machine_reader reader;
    struct read_entry entry;
    struct log_stat stat;
    uint64_t position;
    uint64_t head;

    if (machine_log_stat(machine, name, &stat) != 0) {
        stat.uid = 0;
    }
    if (stat.uid != log->uid && to_the_end) {
        sim_fail(node->sim, "LOST: server %llu: %s", node->id, log->name);
    }
    if (stat.uid == 0 || stat.uid != log->uid ||
        !sim_recovery_is_current(node)) {
        return; /* the server has not come to its end, or its beginning */
    }
    if (to_the_end && stat.tail != log->next) {
        sim_fail(node->sim, "LOST: server %llu: %s ends at %llu, not %llu",
                 node->id, log->name, (unsigned long long)stat.tail,
                 (unsigned long long)log->next);
    }
    position = stat.head;
    if (machine_reader_open(&reader, machine, stat.uid, 0, 0, &head) != 0) {
        sim_fail(node->sim, "LOST: server %llu cannot read", node->id);
        return;
    }
    while (walk_on(node, &reader, &entry, at_rest)) {
        if (entry.position < position || entry.position >= log->next ||
            get_u64(entry.value.data) != log->ops[entry.position]) {
            sim_fail(node->sim, "LOST: server %llu: %s at %llu", node->id,
                     log->name, (unsigned long long)position);
            return;
        }
        position = entry.position + 1;
    }
    position = reader.at;
    if (position != stat.tail) {
        sim_fail(node->sim, "LOST: server %llu: %s reads to %llu of %llu",
                 node->id, log->name, (unsigned long long)position,
                 (unsigned long long)stat.tail);
    }
}

void sim_client_walk(struct sim_node *node, bool at_rest)
{
    const struct sim_client_state *state = node->sim->clients;
    bool to_the_end = node->machine->answers.index == state->applied_last;

    for (unsigned i = 0; i < LOGS; i++) {
        walk_log(node, &state->logs[i], to_the_end, at_rest);
    }
}

/* ---- Kept states ---- */

static void walk_kept(struct sim_node *node, enum machine_part part,
                      const struct kept_log *log, bool at_rest)
{
    const struct machine *machine = node->machine->machine;
    struct machine_reader reader;
    struct read_entry entry;
    uint64_t at = log->head;
    uint64_t head;

    while (at < log->tail &&
           machine_reader_open_part(&reader, machine, part, log->uid, at, 0,
                                    &head) == 0) {
        enum machine_read read = machine_reader_next(&reader, &entry);

        while (read == MACHINE_READ_ENTRY) {
            while (at < entry.position && log->ops[at] == 0) {
                at++;
            }
            if (at != entry.position ||
                get_u64(entry.value.data) != log->ops[at]) {
                sim_fail(node->sim, "LOST: server %llu: kept, at %llu",
                         node->id, (unsigned long long)at);
                return;
            }
            at++;
            read = machine_reader_next(&reader, &entry);
        }
        if (read == MACHINE_READ_END) {
            break;
        }
        at = reader.absent->name.last + 1;
        if (at_rest) {
            sim_look_now(node, reader.absent);
        } else {
            sim_look(node, reader.absent);
        }
    }
    while (at < log->tail && log->ops[at] == 0) {
        at++;
    }
    if (at < log->tail) {
        sim_fail(node->sim, "LOST: server %llu: kept, from %llu to %llu",
                 node->id, (unsigned long long)at,
                 (unsigned long long)log->tail);
    }
}

void sim_recovery_walk(struct sim_node *node, bool at_rest)
{
    const struct sim_recovery *recovery = node->sim->clients->recovery;

    if (recovery == NULL ||
        node->machine->answers.index != node->sim->clients->applied_last) {
        return;
    }
    sim_recovery_check_part(node, MACHINE_STAGED, recovery->staged);
    sim_recovery_check_part(node, MACHINE_UNDO, recovery->undo);
    for (unsigned i = 0; i < LOGS && node->sim->violation[0] == '\0'; i++) {
        if (recovery->staged != NULL && recovery->staged->logs[i].uid != 0) {
            walk_kept(node, MACHINE_STAGED, &recovery->staged->logs[i],
                      at_rest);
        }
        if (recovery->undo != NULL && recovery->undo->logs[i].uid != 0) {
            walk_kept(node, MACHINE_UNDO, &recovery->undo->logs[i], at_rest);
        }
    }
}
