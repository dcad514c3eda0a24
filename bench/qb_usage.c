/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_usage.h"

#include <sys/wait.h>

#include "scale_process.h"

/* One that has ended stays a child until somebody waits for it, and nobody does
 * before the measurement is over. */
static bool runs(pid_t pid)
{
    siginfo_t info = {.si_pid = 0};

    return pid != 0 &&
           waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

void qb_usage_begin(struct qb_usage *usage, const struct qb_bench *bench)
{
    for (size_t i = 0; i < bench->cluster.node_count; i++) {
        usage->pids[i] = bench->cluster.nodes[i].pid;
        usage->cpu_seconds[i] = scale_cpu_of(usage->pids[i]);
    }
}

void qb_usage_end(const struct qb_usage *usage, const struct qb_bench *bench,
                  struct qb_repetition *repetition)
{
    repetition->node_count = bench->cluster.node_count;
    for (size_t i = 0; i < bench->cluster.node_count; i++) {
        const struct qb_node *node = &bench->cluster.nodes[i];
        struct qb_node_usage *ret = &repetition->nodes[i];
        struct scale_memory memory;

        *ret =
            (struct qb_node_usage){.id = node->id, .running = runs(node->pid)};
        if (node->pid == 0) {
            continue;
        }
        scale_memory_of(node->pid, &memory);
        ret->rss_bytes = (uint64_t)(memory.rss * MIB);
        ret->cpu_seconds = scale_cpu_of(node->pid);
        if (node->pid == usage->pids[i]) {
            ret->cpu_seconds -= usage->cpu_seconds[i];
        }
    }
}
