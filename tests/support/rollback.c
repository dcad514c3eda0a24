/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/rollback.h"

#include <signal.h>
#include <stdbool.h>

#include "consensus/guard_internal.h"
#include "consensus/guard_view.h"

static raft_id wanted;
static volatile sig_atomic_t signalled;

enum guard_verdict __real_guard_judge_rollback(
    struct guard *guard, const struct raft_message *message);
enum guard_verdict __wrap_guard_judge_rollback(
    struct guard *guard, const struct raft_message *message);

static bool is_wanted(const struct guard *guard);
static void on_signal(int number);

void rollback_next(raft_id id)
{
    wanted = id;
}

void rollback_on_signal(void)
{
    (void)signal(SIGUSR1, on_signal);
}

/* In the steps of the real one, from where it has found a configuration. */
enum guard_verdict __wrap_guard_judge_rollback(
    struct guard *guard, const struct raft_message *message)
{
    if (!is_wanted(guard) || message->type != RAFT_IO_APPEND_ENTRIES) {
        return __real_guard_judge_rollback(guard, message);
    }
    if (!list_empty(&guard->appends)) {
        return GUARD_HOLD;
    }
    wanted = 0;
    signalled = 0;
    /* Its leader believes that the entry is here: only a new one asks again. */
    if (guard_store_term(guard, guard->durable_term + 1) == 0 &&
        guard_io_truncate(&guard->io, view_last_index(guard->raft)) == 0) {
        guard_restart(guard, "a test asks for it");
    }
    return GUARD_DROP;
}

static bool is_wanted(const struct guard *guard)
{
    return signalled != 0 || (wanted != 0 && wanted == guard->id);
}

static void on_signal(int number)
{
    (void)number;
    signalled = 1;
}
