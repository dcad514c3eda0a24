/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_phase_act.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qb_clock.h"

#include "util/mem.h"

/* Appended in a row to bring a snapshot on, in pieces of this length. */
#define NUDGE_BYTES (256u * KIB)
#define NUDGES_BYTES_MAX (64u * MIB)
#define WHOLE_NS (60u * QB_NS_PER_S)
#define LOOK_US 5000u

static bool begin_kill(struct qb_phase_act *act);
static bool begin_pause(struct qb_phase_act *act);
static bool begin_snapshot(struct qb_phase_act *act);
static bool begin_backup(struct qb_phase_act *act);
static bool begin_slow(struct qb_phase_act *act);
static bool is_snapshot_taken(struct qb_phase_act *act);
static bool is_backup_written(struct qb_phase_act *act);
static void end_kill(struct qb_phase_act *act);
static void end_pause(struct qb_phase_act *act);
static void end_snapshot(struct qb_phase_act *act);
static void end_slow(struct qb_phase_act *act);
static bool say(struct qb_phase_act *act, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static const struct kind {
    bool (*begin)(struct qb_phase_act *act);
    bool (*is_over)(struct qb_phase_act *act); /* NULL: after lasts_ms */
    void (*end)(struct qb_phase_act *act);     /* or NULL */
} kinds[QB_PHASE_KINDS] = {
    {begin_kill, NULL, end_kill},
    {begin_pause, NULL, end_pause},
    {begin_snapshot, is_snapshot_taken, end_snapshot},
    {begin_backup, is_backup_written, NULL},
    {begin_slow, NULL, end_slow},
};

bool qb_phase_act_begin(struct qb_phase_act *act)
{
    act->node = NULL;
    act->note[0] = '\0';
    act->begun_ns = qb_now_ns();
    return kinds[act->phase->kind].begin(act);
}

bool qb_phase_act_is_over(struct qb_phase_act *act, uint64_t now_ns)
{
    const struct kind *kind = &kinds[act->phase->kind];

    if (kind->is_over != NULL) {
        return kind->is_over(act);
    }
    return now_ns >= act->begun_ns + act->phase->lasts_ms * QB_NS_PER_MS;
}

void qb_phase_act_end(struct qb_phase_act *act)
{
    if (kinds[act->phase->kind].end != NULL) {
        kinds[act->phase->kind].end(act);
    }
}

static bool is_caught_up(struct qb_bench *bench, const struct qb_node *node,
                         uint64_t index)
{
    struct ql_cluster_status status;

    return ql_cluster_status(bench->admin, node->address, &status, NULL) == 0 &&
           status.leader_id != 0 && status.applied_index >= index;
}

int qb_phase_wait_whole(struct qb_bench *bench, struct err *err)
{
    uint64_t until = qb_now_ns() + WHOLE_NS;
    struct qb_node *leader = qb_bench_leader(bench);
    struct ql_cluster_status status;
    struct ql_error error;

    if (leader == NULL) {
        return err_set(err, QL_NO_LEADER, "no node leads");
    }
    if (ql_cluster_status(bench->admin, leader->address, &status, &error) !=
        0) {
        return err_set(err, error.code, "%s", error.text);
    }
    for (size_t i = 0; i < bench->cluster.node_count; i++) {
        const struct qb_node *node = &bench->cluster.nodes[i];

        while (!is_caught_up(bench, node, status.commit_index)) {
            if (qb_now_ns() > until) {
                return err_set(err, QL_TIMEOUT, "node %u does not catch up",
                               node->id);
            }
            (void)usleep(LOOK_US);
        }
    }
    return 0;
}

/* False, for the callers that cannot go on. */
static bool say(struct qb_phase_act *act, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(act->note, sizeof act->note, format, arguments);
    va_end(arguments);
    return false;
}

static bool find_leader(struct qb_phase_act *act)
{
    act->node = qb_bench_leader(act->bench);
    if (act->node == NULL) {
        return say(act, "not done: no node leads");
    }
    act->begun_ns = qb_now_ns();
    return true;
}

static bool begin_kill(struct qb_phase_act *act)
{
    if (!find_leader(act)) {
        return false;
    }
    qb_node_kill(act->node);
    (void)say(act, "node %u, back after %" PRIu64 " ms", act->node->id,
              act->phase->lasts_ms);
    return true;
}

static void end_kill(struct qb_phase_act *act)
{
    struct err err;

    if (qb_node_start(&act->bench->cluster, act->node, NULL, &err) != 0) {
        (void)say(act, "node %u does not start again: %.150s", act->node->id,
                  err.text);
    }
}

static bool begin_pause(struct qb_phase_act *act)
{
    if (!find_leader(act)) {
        return false;
    }
    (void)kill(act->node->pid, SIGSTOP);
    (void)say(act, "node %u, silent for %" PRIu64 " ms", act->node->id,
              act->phase->lasts_ms);
    return true;
}

static void end_pause(struct qb_phase_act *act)
{
    (void)kill(act->node->pid, SIGCONT);
}

static bool begin_slow(struct qb_phase_act *act)
{
    unsigned id = act->phase->node;
    struct err err;

    if (id == 0 && !find_leader(act)) {
        return false;
    }
    if (id != 0) {
        act->node = qb_cluster_node(&act->bench->cluster, id);
    }
    if (act->node->pid == 0) {
        return say(act, "not done: node %u does not run", act->node->id);
    }
    if (qb_slow_disk_begin(act->slow, act->node->pid, &err) != 0) {
        return say(act, "not done: %.200s", err.text);
    }
    (void)say(act, "node %u%s, a write each %" PRIu64 " ms for %" PRIu64 " ms",
              act->node->id,
              act->node == qb_bench_leader(act->bench) ? ", which leads" : "",
              act->phase->delay_ms, act->phase->lasts_ms);
    return true;
}

static void end_slow(struct qb_phase_act *act)
{
    qb_slow_disk_end(act->slow);
}

/* ---- Snapshots ---- */

/* Its own, so that the load finds its logs as it made them. */
static void name_nudge_log(char ret[QL_LOG_NAME_MAX + 1])
{
    (void)snprintf(ret, QL_LOG_NAME_MAX + 1, "quorlog-bench/phase.%d",
                   (int)getpid());
}

/* A node takes one by itself when its raft log has grown, so it is made to. */
static bool begin_snapshot(struct qb_phase_act *act)
{
    char log[QL_LOG_NAME_MAX + 1];
    struct ql_cluster_status status;
    struct ql_error error;
    int rv = ql_cluster_status(act->bench->admin, NULL, &status, &error);

    for (size_t i = 0; rv == 0 && i < status.member_count; i++) {
        if (status.members[i].id == status.leader_id) {
            (void)snprintf(act->address, sizeof act->address, "%s",
                           status.members[i].client_address);
        }
    }
    if (rv == 0) {
        rv =
            ql_cluster_status(act->bench->admin, act->address, &status, &error);
    }
    if (rv == 0) {
        name_nudge_log(log);
        rv = ql_log_create(act->bench->admin, log, NULL, NULL, &error);
        rv = rv == QL_EXISTS ? 0 : rv;
    }
    if (rv != 0) {
        return say(act, "not done: %.200s", error.text);
    }
    act->before = status.snapshots.taken;
    act->added = 0;
    act->begun_ns = qb_now_ns();
    return true;
}

static bool is_snapshot_taken(struct qb_phase_act *act)
{
    char log[QL_LOG_NAME_MAX + 1];
    struct ql_cluster_status status;
    struct ql_entry entry = {.value_len = NUDGE_BYTES};
    void *bytes;

    if (ql_cluster_status(act->bench->admin, act->address, &status, NULL) ==
            0 &&
        status.snapshots.taken > act->before) {
        (void)say(act,
                  "%.1f ms until it was stored, %.1f ms of them on the loop; "
                  "%.1f MiB were appended beside the load to bring it on",
                  (double)status.snapshots.wall_us / 1000,
                  (double)status.snapshots.loop_us / 1000,
                  (double)act->added / MIB);
        return true;
    }
    if (act->added >= NUDGES_BYTES_MAX) {
        (void)say(act, "none was taken within %u MiB", NUDGES_BYTES_MAX / MIB);
        return true;
    }
    name_nudge_log(log);
    bytes = mem_must_zalloc(NUDGE_BYTES);
    entry.value = bytes;
    if (ql_append(act->bench->admin, log, &entry, 1, NULL, NULL, NULL) == 0) {
        act->added += NUDGE_BYTES;
    }
    free(bytes);
    return false;
}

static void end_snapshot(struct qb_phase_act *act)
{
    char log[QL_LOG_NAME_MAX + 1];

    name_nudge_log(log);
    (void)ql_log_delete(act->bench->admin, log, NULL, NULL);
}

/* ---- Backups ---- */

static bool begin_backup(struct qb_phase_act *act)
{
    struct ql_backup backup;
    struct ql_error error;

    if (ql_backup_create(act->bench->admin, NULL, &backup, &error) != 0) {
        return say(act, "not done: %.200s", error.text);
    }
    (void)snprintf(act->name, sizeof act->name, "%s", backup.name);
    (void)say(act, "%s", backup.name);
    return true;
}

/* By the node that answers; the others are about as fast. */
static bool is_backup_written(struct qb_phase_act *act)
{
    struct ql_backup_list *list;
    bool is_over = false;

    if (ql_backup_list(act->bench->admin, NULL, &list, NULL) != 0) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct ql_backup *backup = &list->backups[i];

        if (strcmp(backup->name, act->name) == 0) {
            is_over = strcmp(backup->state, "verified") == 0;
            (void)say(
                act, "%s: %" PRIu64 " entries, %.1f MiB, %.1f of it new%s",
                backup->name, backup->entries, (double)backup->bytes / MIB,
                (double)backup->new_bytes / MIB,
                is_over ? "" : ", not yet written");
        }
    }
    ql_backup_list_free(list);
    return is_over;
}
