/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the commands of backups and recoveries must come to, at the first server
 * that applies them; all others are compared with it by their digests. After a
 * commit the live logs have the entries that were staged and no others, what was
 * live can be brought back, and who knew a log before can tell that it is another.
 */
#include <string.h>

#include "sim/sim_recovery.h"

/* xorshift128+, as sim_random(). */
uint64_t sim_recovery_draw(struct sim *sim, uint64_t below)
{
    uint64_t *state = sim->clients->recovery->random_state;
    uint64_t a = state[0];
    uint64_t b = state[1];

    state[0] = b;
    a ^= a << 23;
    state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
    return below == 0 ? 0 : (state[1] + b) % below;
}

/* ---- Parts ---- */

/* @stat of a part is as @log says; @tail: or beyond. */
static void check_log(const struct sim_node *node, const char *part,
                      unsigned index, const struct kept_log *log, uint64_t tail,
                      const struct log_stat *stat)
{
    if (stat->uid != log->uid || stat->head != log->head ||
        stat->tail != tail ||
        (log->entries != UNCOUNTED && stat->entries != log->entries) ||
        memcmp(stat->digest, log->digest, HASH128_LEN) != 0) {
        sim_fail(node->sim,
                 "RECOVERY: server %llu: %s has %llu from %llu to %llu (%llu "
                 "entries) of log%u, not %llu from %llu to %llu (%llu)%s",
                 node->id, part, (unsigned long long)stat->uid,
                 (unsigned long long)stat->head, (unsigned long long)stat->tail,
                 (unsigned long long)stat->entries, index,
                 (unsigned long long)log->uid, (unsigned long long)log->head,
                 (unsigned long long)tail, (unsigned long long)log->entries,
                 memcmp(stat->digest, log->digest, HASH128_LEN) != 0
                     ? ", and others"
                     : "");
    }
}

void sim_recovery_check_part(const struct sim_node *node,
                             enum machine_part part,
                             const struct kept_state *state)
{
    const struct machine *machine = node->machine->machine;
    const char *name = part == MACHINE_UNDO ? "undo" : "the staged state";
    struct machine_part_info info;
    uint64_t logs = 0;
    struct log_stat stat;

    if (machine_part_info(machine, part, &info) != (state != NULL)) {
        sim_fail(node->sim, "RECOVERY: server %llu: %s is %s", node->id, name,
                 state == NULL ? "there" : "not there");
        return;
    }
    for (unsigned i = 0; state != NULL && i < LOGS; i++) {
        if (state->logs[i].uid == 0) {
            continue;
        }
        logs++;
        if (machine_part_stat(machine, part, sim_backup_log(node->sim, i),
                              &stat) != 0) {
            memset(&stat, 0, sizeof stat);
        }
        check_log(node, name, i, &state->logs[i], state->logs[i].tail, &stat);
    }
    if (state != NULL && info.logs != logs) {
        sim_fail(node->sim, "RECOVERY: server %llu: %s has %llu logs", node->id,
                 name, (unsigned long long)info.logs);
    }
}

/* ---- A commit ---- */

static struct sim_given *given_of(struct sim *sim, uint64_t uid)
{
    struct sim_recovery *recovery = sim->clients->recovery;

    for (unsigned i = 0; i < recovery->given_count; i++) {
        if (recovery->given[i].uid == uid) {
            return &recovery->given[i];
        }
    }
    if (recovery->given_count == UIDS_ALL) {
        sim_fail(sim, "HARNESS: too many logs");
        return &recovery->given[0];
    }
    recovery->given[recovery->given_count] = (struct sim_given){.uid = uid};
    return &recovery->given[recovery->given_count++];
}

/* The same log must never again be what it was: positions would be given twice. */
static void check_new(struct sim *sim, const struct log_stat *stat,
                      const struct kept_log *before)
{
    struct sim_given *given = given_of(sim, stat->uid);

    if (before->uid != 0) {
        struct sim_given *old = given_of(sim, before->uid);

        old->incarnation = before->incarnation > old->incarnation
                               ? before->incarnation
                               : old->incarnation;
        old->epoch = before->epoch > old->epoch ? before->epoch : old->epoch;
    }
    if (stat->incarnation <= given->incarnation ||
        stat->incarnation <= before->incarnation) {
        sim_fail(sim, "INCARNATION: %llu of log %llu is not new",
                 (unsigned long long)stat->incarnation,
                 (unsigned long long)stat->uid);
    }
    if (stat->writer_epoch <= given->epoch ||
        stat->writer_epoch <= before->epoch || stat->writer_name.len > 0) {
        sim_fail(sim, "FENCING: epoch %llu of log %llu is not new",
                 (unsigned long long)stat->writer_epoch,
                 (unsigned long long)stat->uid);
    }
    given->incarnation = stat->incarnation;
    given->epoch = stat->writer_epoch;
}

/* From here on the history of a log goes on from what was kept. */
static void go_on(struct log_history *log, const struct kept_log *kept,
                  const struct log_stat *stat)
{
    size_t count = (size_t)kept->tail;
    size_t rest = (size_t)(stat->tail - kept->tail);

    memcpy(log->ops, kept->ops, count * sizeof *log->ops);
    memcpy(log->times, kept->times, count * sizeof *log->times);
    memset(log->ops + count, 0, rest * sizeof *log->ops);
    memset(log->times + count, 0, rest * sizeof *log->times);
    log->uid = kept->uid;
    log->next = stat->tail;
    log->age_ms = kept->age_ms;
    log->entries = kept->entries_max;
    log->epoch = stat->writer_epoch;
    log->held = false;
    log->trimmed = kept->head;
}

static void become_live(struct sim_node *node, const struct kept_state *state)
{
    struct sim *sim = node->sim;
    const struct sim_recovery *recovery = sim->clients->recovery;
    struct log_stat stat;

    for (unsigned i = 0; i < LOGS; i++) {
        const struct kept_log *kept = &state->logs[i];
        const struct kept_log *before = &recovery->before.logs[i];
        struct log_history *log = &sim->clients->logs[i];
        int rv = machine_log_stat(node->machine->machine,
                                  sim_backup_log(sim, i), &stat);

        log->told_next = 1;
        if ((rv == 0) != (kept->uid != 0)) {
            sim_fail(sim, "RECOVERY: server %llu: %s is %s", node->id,
                     log->name, rv == 0 ? "there" : "not there");
        } else if (rv != 0) {
            log->uid = 0;
        } else {
            check_log(node, "the live state", i, kept,
                      kept->tail > before->tail ? kept->tail : before->tail,
                      &stat);
            check_new(sim, &stat, before);
            go_on(log, kept, &stat);
        }
    }
}

/* Nothing but what was staged, or was to be brought back, is live. */
static void swapped(struct sim_node *node, bool is_undo)
{
    struct sim *sim = node->sim;
    struct sim_client_state *state = sim->clients;
    struct sim_recovery *recovery = state->recovery;
    const struct kept_state *from = is_undo ? recovery->undo : recovery->staged;
    struct machine_counts counts;
    struct recovery_last last;

    recovery->undo = sim_backup_live(sim);
    become_live(node, from);
    if (!is_undo) {
        recovery->staged = NULL;
        recovery->draft = 0;
    }
    sim_recovery_check_part(node, MACHINE_UNDO, recovery->undo);
    sim_recovery_check_part(node, MACHINE_STAGED, recovery->staged);
    machine_counts(node->machine->machine, &counts);
    if (counts.producers != 0 ||
        counts.state_index != recovery->before_state_index + 1) {
        sim_fail(sim,
                 "RECOVERY: %llu producers are left, and the state is %llu",
                 (unsigned long long)counts.producers,
                 (unsigned long long)counts.state_index);
    }
    machine_last_recovery(node->machine->machine, &last);
    state->operation = last.operation;
    state->swap_index = last.index;
    state->swaps++;
    state->void_mark =
        state->producer_last > last.index ? state->producer_last : last.index;
    sim->totals.commits += is_undo ? 0 : 1;
    sim->totals.undos += is_undo ? 1 : 0;
    if (sim->violation[0] == '\0') {
        sim_client_walk(node, false);
    }
}

static int expected_code(const struct sim *sim,
                         const struct recovery_undo_args *args)
{
    return args->has_expect_state && !args->discard_newer &&
                   args->expect_state !=
                       sim->clients->recovery->before_state_index
               ? QL_CONDITION_FAILED
               : 0;
}

static void applied_swap(struct sim_node *node, const struct command *command,
                         const struct outcome *outcome)
{
    struct sim *sim = node->sim;
    const struct sim_recovery *recovery = sim->clients->recovery;
    struct recovery_commit_args commit;
    struct recovery_undo_args args;
    bool is_undo = command->kind == COMMAND_RECOVERY_UNDO;
    bool again;
    int code;

    if (is_undo) {
        (void)recovery_undo_args_decode(&args, command->params, NULL);
        code =
            recovery->undo == NULL ? QL_NOT_FOUND : expected_code(sim, &args);
    } else {
        (void)recovery_commit_args_decode(&commit, command->params, NULL);
        args = (struct recovery_undo_args){
            commit.operation, commit.has_expect_state, commit.expect_state,
            commit.discard_newer};
        code = recovery->staged == NULL ? QL_NOT_FOUND
               : commit.stage != recovery->stage ||
                       commit.revision != recovery->revision
                   ? QL_CONDITION_FAILED
                   : expected_code(sim, &args);
    }
    again =
        sim->clients->swaps > 0 && args.operation == sim->clients->operation;
    if (outcome->code != (again ? 0 : code) || outcome->duplicate != again) {
        sim_fail(sim, "RECOVERY: %s %llu comes to %d%s, not %d",
                 is_undo ? "undo" : "commit",
                 (unsigned long long)args.operation, outcome->code,
                 outcome->duplicate ? " again" : "", code);
    } else if (code == 0 && !again) {
        swapped(node, is_undo);
    }
}

/* ---- The rest ---- */

static void applied_begin(struct sim *sim, struct bytes params,
                          const struct outcome *outcome)
{
    struct sim_recovery *recovery = sim->clients->recovery;
    struct recovery_begin_args args;

    if (outcome->code == 0 &&
        recovery_begin_args_decode(&args, params, NULL) == 0) {
        recovery->draft = outcome->recovery.stage;
        recovery->draft_job = &recovery->jobs[args.total_bytes - 1];
        recovery->next_seq = 0;
        if (args.edit_of == 0 && recovery->staged != NULL) {
            sim_fail(sim, "RECOVERY: staged twice");
        }
    }
}

static void applied_load(struct sim *sim, struct bytes params,
                         const struct outcome *outcome)
{
    struct sim_recovery *recovery = sim->clients->recovery;
    struct recovery_load_args args;

    if (outcome->code == 0 &&
        recovery_load_args_decode(&args, params, NULL) == 0) {
        if (args.draft != recovery->draft || args.seq != recovery->next_seq) {
            sim_fail(sim, "RECOVERY: record %llu is taken for %llu",
                     (unsigned long long)args.seq,
                     (unsigned long long)recovery->next_seq);
        }
        recovery->next_seq++;
        sim->totals.records++;
    }
}

static void applied_end(struct sim_node *node, const struct outcome *outcome)
{
    struct sim_recovery *recovery = node->sim->clients->recovery;

    if (outcome->code != 0) {
        return;
    }
    recovery->staged = recovery->draft_job->expected;
    recovery->stage = outcome->recovery.stage;
    recovery->revision = outcome->recovery.revision;
    recovery->draft = 0;
    node->sim->totals.edits += recovery->draft_job->backup == NULL ? 1 : 0;
    sim_recovery_check_part(node, MACHINE_STAGED, recovery->staged);
}

static void applied_unload(struct sim *sim, struct bytes params,
                           const struct outcome *outcome)
{
    struct sim_recovery *recovery = sim->clients->recovery;
    struct recovery_unload_args args;

    if (outcome->code != 0 ||
        recovery_unload_args_decode(&args, params, NULL) != 0) {
        return;
    }
    if (args.undo) {
        recovery->undo = NULL;
    } else {
        recovery->staged = NULL;
        recovery->draft = 0;
    }
}

void sim_recovery_applied(struct sim_node *node, const struct command *command,
                          const struct outcome *outcome)
{
    struct sim *sim = node->sim;

    if (sim->clients->recovery == NULL) {
        return;
    }
    switch (command->kind) {
    case COMMAND_BACKUP_DELETE:
        if (outcome->code == 0) {
            sim_backup_gone(sim, outcome->backup);
        }
        break;
    case COMMAND_RECOVERY_BEGIN:
        applied_begin(sim, command->params, outcome);
        break;
    case COMMAND_RECOVERY_LOAD:
        applied_load(sim, command->params, outcome);
        break;
    case COMMAND_RECOVERY_END:
        applied_end(node, outcome);
        break;
    case COMMAND_RECOVERY_UNLOAD:
        applied_unload(sim, command->params, outcome);
        break;
    case COMMAND_RECOVERY_COMMIT:
    case COMMAND_RECOVERY_UNDO:
        applied_swap(node, command, outcome);
        break;
    default:
        break;
    }
}

bool sim_recovery_is_current(const struct sim_node *node)
{
    struct recovery_last last;

    if (node->sim->clients->recovery == NULL) {
        return true;
    }
    machine_last_recovery(node->machine->machine, &last);
    return last.index == node->sim->clients->swap_index;
}
