/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

static volatile sig_atomic_t seen;
static sigset_t mask_outside; /* what was blocked before interrupt_catch() */

static void on_signal(int number)
{
    (void)number;
    seen = 1;
}

void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal,
                               .sa_flags = (int)SA_RESETHAND};
    sigset_t mask;

    (void)sigemptyset(&action.sa_mask);
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGINT);
    (void)sigaddset(&mask, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &mask, &mask_outside);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

int interrupt_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                               .tv_nsec = (timeout_ms % 1000) * 1000000L};
    int rv = ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, &mask_outside);

    if (rv < 0 && errno == EINTR) {
        for (nfds_t i = 0; i < count; i++) {
            fds[i].revents = 0;
        }
        rv = 0;
    }
    if (seen) {
        (void)sigprocmask(SIG_SETMASK, &mask_outside, NULL);
    }
    return rv;
}

bool interrupt_seen(void)
{
    return seen != 0;
}
