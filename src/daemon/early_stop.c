/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "daemon/early_stop.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "util/diag.h"

/* Tells the waiter to end. Cancelling it could take a signal along that it has
 * just got. */
#define SIGNAL_DONE SIGUSR2

static bool held;
static bool waits;
static pthread_t waiter;

static void signals_that_end(sigset_t *ret);
static void signals_all(sigset_t *ret);
static void *wait_run(void *data);

void early_stop_hold(void)
{
    sigset_t signals;

    signals_all(&signals);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    held = true;
}

void early_stop_begin(void)
{
    sigset_t done;

    if (held) {
        return;
    }
    early_stop_hold();
    (void)sigemptyset(&done);
    (void)sigaddset(&done, SIGNAL_DONE);
    /* For the waiter, which inherits it. */
    (void)pthread_sigmask(SIG_BLOCK, &done, NULL);
    waits = pthread_create(&waiter, NULL, wait_run, NULL) == 0;
    (void)pthread_sigmask(SIG_UNBLOCK, &done, NULL);
    if (!waits) {
        /* As without all this: they end the process by themselves. */
        early_stop_end();
    }
}

void early_stop_end(void)
{
    sigset_t signals;

    if (!held) {
        return;
    }
    held = false;
    if (waits) {
        waits = false;
        (void)pthread_kill(waiter, SIGNAL_DONE);
        (void)pthread_join(waiter, NULL);
    }
    signals_all(&signals);
    (void)pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

static void signals_that_end(sigset_t *ret)
{
    (void)sigemptyset(ret);
    (void)sigaddset(ret, SIGTERM);
    (void)sigaddset(ret, SIGINT);
}

static void signals_all(sigset_t *ret)
{
    signals_that_end(ret);
    (void)sigaddset(ret, SIGHUP);
}

static void *wait_run(void *data)
{
    sigset_t signals;
    int number = 0;

    (void)data;
    signals_that_end(&signals);
    (void)sigaddset(&signals, SIGNAL_DONE);
    if (sigwait(&signals, &number) == 0 && number != SIGNAL_DONE) {
        diag_info("stopped by %s before the node had started; what is on disk "
                  "is as after any other stop",
                  number == SIGTERM ? "SIGTERM" : "SIGINT");
        _exit(0);
    }
    return NULL;
}
