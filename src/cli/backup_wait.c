/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/backup_wait.h"

#include <string.h>

#include "cli/backup_view.h"
#include "cli/progress.h"
#include "util/clock.h"

#define WAIT_MS (10u * 60u * 1000u)
#define ASK_EVERY_MS 250u

struct backup_waiting {
    struct command_run *run;
    const char *name;
    size_t voters;
    bool seen;                         /* in a list */
    size_t verified;                   /* nodes, at the last look */
    bool given_up;                     /* by all nodes, as far as is known */
    char problem[QL_SENTENCE_MAX + 1]; /* of the node that answered last */
};

static int count_voters(struct backup_waiting *waiting, struct err *err);
static int look(struct backup_waiting *waiting, struct ql_backup *ret_backup,
                struct err *err);
static bool is_given_up(const struct ql_backup *backup);
static int give_up(const struct backup_waiting *waiting, struct err *err);
static void pause_ms(struct ql_client *client, uint64_t ms);

int backup_wait(struct command_run *run, const char *name,
                struct ql_backup *ret_backup, struct err *err)
{
    struct backup_waiting waiting = {.run = run, .name = name};
    uint64_t until = clock_monotonic_ms();
    struct progress progress;
    int rv;

    until += run->options.timeout_ms != 0 ? run->options.timeout_ms : WAIT_MS;
    rv = count_voters(&waiting, err);
    progress_init(&progress, 0);
    while (rv == 0) {
        rv = look(&waiting, ret_backup, err);
        if (rv != 0 || waiting.verified > waiting.voters / 2) {
            break;
        }
        progress_steps(&progress, "verified on nodes", waiting.verified,
                       waiting.voters / 2 + 1);
        if (waiting.given_up || clock_monotonic_ms() >= until) {
            rv = give_up(&waiting, err);
            break;
        }
        pause_ms(run->client, ASK_EVERY_MS);
    }
    progress_clear(&progress);
    return rv;
}

static int count_voters(struct backup_waiting *waiting, struct err *err)
{
    struct ql_cluster_status status;
    struct ql_error error;
    int rv = ql_cluster_status(waiting->run->client, NULL, &status, &error);

    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    for (size_t i = 0; i < status.member_count; i++) {
        waiting->voters += status.members[i].voter;
    }
    return 0;
}

/* The node that answers may not have heard of the backup yet. */
static int look(struct backup_waiting *waiting, struct ql_backup *ret_backup,
                struct err *err)
{
    const struct ql_backup *backup;
    struct ql_backup_list *list;
    struct ql_error error;
    int rv = ql_backup_list(waiting->run->client, NULL, &list, &error);

    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    backup = backup_find(list, waiting->name);
    if (backup != NULL) {
        waiting->seen = true;
        waiting->verified = backup_verified_count(backup);
        waiting->given_up = is_given_up(backup);
        *ret_backup = *backup;
    } else if (waiting->seen) {
        rv = err_set(err, QL_NOT_FOUND, "backup %s was deleted meanwhile",
                     waiting->name);
    }
    (void)snprintf(waiting->problem, sizeof waiting->problem, "%s",
                   backup != NULL && backup->problem[0] != '\0'
                       ? backup->problem
                       : list->problem);
    ql_backup_list_free(list);
    return rv;
}

/* The node that answers has tried, and none has any of it that could be fetched. */
static bool is_given_up(const struct ql_backup *backup)
{
    if (strcmp(backup->state, "missing") != 0 || backup->problem[0] == '\0') {
        return false;
    }
    for (size_t i = 0; i < backup->holder_count; i++) {
        if (strcmp(backup->holders[i].state, "missing") != 0) {
            return false;
        }
    }
    return true;
}

static int give_up(const struct backup_waiting *waiting, struct err *err)
{
    return err_set(err, QL_TIMEOUT,
                   "backup %s was made, but only %zu of %zu nodes have it "
                   "verified so far%s%s",
                   waiting->name, waiting->verified, waiting->voters,
                   waiting->problem[0] == '\0' ? "" : ": ", waiting->problem);
}

/* A client whose events are not looked at would seem dead to the server. */
static void pause_ms(struct ql_client *client, uint64_t ms)
{
    uint64_t until = clock_monotonic_ms() + ms;
    uint64_t now = until - ms;

    while (now < until) {
        (void)ql_client_wait(client, (int)(until - now));
        now = clock_monotonic_ms();
    }
}
