/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_cleanup.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "qb_own.h"

#define SIGNAL_STATUS 128 /* as shells have it, and the signal's number */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *wait_signal(void *data);
static void fill(sigset_t *set);

int qb_cleanup_on_signals(struct qb_bench *bench, struct err *err)
{
    pthread_t thread;
    sigset_t set;

    fill(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&thread, NULL, wait_signal, bench) != 0) {
        return err_set(err, QL_IO, "no thread can be made");
    }
    (void)pthread_detach(thread);
    return 0;
}

void qb_cleanup_begin(void)
{
    /* Never given back: a thread that wants it waits for the end. */
    (void)pthread_mutex_lock(&lock);
}

static void *wait_signal(void *data)
{
    struct qb_bench *bench = data;
    struct err err;
    sigset_t set;
    int number = SIGTERM;

    fill(&set);
    (void)sigwait(&set, &number);
    /* Of a cluster of others only logs are left, and it may not answer for long:
     * whoever asks once more does not want to wait. */
    if (bench->cluster.node_count == 0 && bench->logs.count > 0) {
        (void)fputs("\nquorlog-bench: its logs are being deleted; once more "
                    "leaves them behind\n",
                    stderr);
        /* A program in the background may have been begun with some ignored. */
        (void)signal(SIGINT, SIG_DFL);
        (void)signal(SIGTERM, SIG_DFL);
        (void)signal(SIGHUP, SIG_DFL);
        (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    }
    (void)pthread_mutex_lock(&lock);
    /* The other threads go on meanwhile, so nothing is freed: only what would
     * outlive the process is taken away. */
    if (!bench->options.keep && bench->cluster.node_count == 0) {
        (void)qb_logs_delete(&bench->logs, &bench->options, bench->endpoints,
                             &err);
    }
    qb_own_end(bench);
    (void)fputs("\nquorlog-bench: ended by a signal\n", stderr);
    _exit(SIGNAL_STATUS + number);
    return NULL;
}

static void fill(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGHUP);
}
