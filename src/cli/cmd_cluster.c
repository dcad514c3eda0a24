/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog cluster status, transfer, confirm-clock, freeze and thaw. */
#include <limits.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cluster_view.h"
#include "cli/command.h"
#include "quorlog.h"
#include "util/mem.h"

#define FIELD(name) offsetof(struct command_options, name)
#define ENDPOINTS_MAX 64 /* asked by --all */
#define ENDPOINTS_DEFAULT "127.0.0.1:7420"

const struct option_row cluster_status_options[] = {
    {"endpoint", 0, OPTION_TEXT, FIELD(endpoint), "HOST:PORT",
     "ask this node and no other"},
    {"all", 0, OPTION_FLAG, FIELD(all), NULL,
     "ask each of the endpoints, a row for each"},
    COMMAND_OPTIONS_END,
};

const struct option_row cluster_transfer_options[] = {
    {"to", 0, OPTION_U64, FIELD(node_id), "NODE",
     "the node that shall lead (whichever is ready)"},
    COMMAND_OPTIONS_END,
};

const struct option_row cluster_confirm_clock_options[] = {
    COMMAND_OPTIONS_END,
};

const struct option_row cluster_freeze_options[] = {
    {"reason", 0, OPTION_TEXT, FIELD(reason), "TEXT",
     "why; shown by cluster status"},
    COMMAND_OPTIONS_END,
};

const struct option_row cluster_thaw_options[] = {
    COMMAND_OPTIONS_END,
};

static void name_operator(char *ret_text, size_t room);
static int show_leader(struct command_run *run, const char *done,
                       struct err *err);
static void ask(struct command_run *run, const char *endpoint,
                struct cluster_answer *ret_answer);
static void ask_leader(struct command_run *run, struct cluster_answer *answer);
static int status_of_all(struct command_run *run, struct err *err);

int cluster_status_run(struct command_run *run, struct err *err)
{
    struct cluster_answer answer;
    int rv;

    if (run->options.all && run->options.endpoint != NULL) {
        return err_set(err, QL_INVALID,
                       "--all and --endpoint exclude each other");
    }
    rv = command_client(run, 0, err);
    if (rv != 0) {
        return rv;
    }
    if (run->options.all) {
        return status_of_all(run, err);
    }
    ask(run, run->options.endpoint, &answer);
    if (answer.code != 0) {
        return err_set(err, answer.code, "%s", answer.text);
    }
    if (run->options.endpoint == NULL) {
        ask_leader(run, &answer);
    }
    run->unhealthy = !cluster_is_healthy(&answer);
    return cluster_view_status(&run->output, &answer.status, err);
}

int cluster_transfer_run(struct command_run *run, struct err *err)
{
    struct ql_error error;
    int rv;

    if (command_given(run, "to") && run->options.node_id == 0) {
        return err_set(err, QL_INVALID, "node ids begin with 1");
    }
    rv = command_client(run, 0, err);
    if (rv != 0) {
        return rv;
    }
    rv = ql_cluster_transfer(run->client, run->options.node_id, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    return show_leader(run, "leadership was handed over", err);
}

int cluster_confirm_clock_run(struct command_run *run, struct err *err)
{
    struct ql_error error;
    int rv = command_client(run, 0, err);

    if (rv != 0) {
        return rv;
    }
    rv = ql_cluster_confirm_clock(run->client, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    return show_leader(run, "the clock was confirmed", err);
}

int cluster_freeze_run(struct command_run *run, struct err *err)
{
    char by[QL_FREEZE_BY_MAX + 1];
    struct ql_error error;
    int rv = command_need(run, "reason", err);

    rv = rv != 0 ? rv : command_client(run, 0, err);
    if (rv != 0) {
        return rv;
    }
    name_operator(by, sizeof by);
    rv = ql_cluster_freeze(run->client, run->options.reason, by, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    return show_leader(run, "the logs were frozen", err);
}

int cluster_thaw_run(struct command_run *run, struct err *err)
{
    struct ql_error error;
    int rv = command_client(run, 0, err);

    if (rv != 0) {
        return rv;
    }
    rv = ql_cluster_thaw(run->client, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    return show_leader(run, "the logs were thawed", err);
}

/* Whom to ask about it later. */
static void name_operator(char *ret_text, size_t room)
{
    const struct passwd *user = getpwuid(getuid());
    char host[HOST_NAME_MAX + 1] = "";

    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(ret_text, room, "%s@%s",
                   user == NULL ? "somebody" : user->pw_name, host);
}

/* Ends a command that changed the cluster: how it is now. */
static int show_leader(struct command_run *run, const char *done,
                       struct err *err)
{
    struct cluster_answer answer;

    ask(run, NULL, &answer);
    if (answer.code != 0) {
        return err_set(err, answer.code, "%s, but: %s", done, answer.text);
    }
    ask_leader(run, &answer);
    return cluster_view_status(&run->output, &answer.status, err);
}

static void ask(struct command_run *run, const char *endpoint,
                struct cluster_answer *ret_answer)
{
    struct ql_error error;
    int rv;

    memset(ret_answer, 0, sizeof *ret_answer);
    (void)snprintf(ret_answer->endpoint, sizeof ret_answer->endpoint, "%s",
                   endpoint == NULL ? "" : endpoint);
    rv = ql_cluster_status(run->client, endpoint, &ret_answer->status, &error);
    if (rv != 0) {
        memset(&ret_answer->status, 0, sizeof ret_answer->status);
        ret_answer->code = rv;
        (void)snprintf(ret_answer->text, sizeof ret_answer->text, "%s",
                       error.text);
    }
}

/* Only the leader knows which members it reaches. Keeps the answer that is
 * there when the leader's address does not work from here. */
static void ask_leader(struct command_run *run, struct cluster_answer *answer)
{
    const struct ql_cluster_status *status = &answer->status;
    struct cluster_answer better;

    if (status->role == QL_ROLE_LEADER) {
        return;
    }
    for (size_t i = 0; i < status->member_count; i++) {
        if (status->members[i].id == status->leader_id) {
            ask(run, status->members[i].client_address, &better);
            if (better.code == 0) {
                *answer = better;
            }
            return;
        }
    }
}

static int status_of_all(struct command_run *run, struct err *err)
{
    char *list = mem_must_strdup(run->options.endpoints == NULL
                                     ? ENDPOINTS_DEFAULT
                                     : run->options.endpoints);
    struct cluster_answer *answers =
        mem_must_array(ENDPOINTS_MAX, sizeof *answers);
    size_t count = 0;
    size_t reached = 0;
    char *rest = list;
    char *endpoint;
    int rv = 0;

    while ((endpoint = strsep(&rest, ",")) != NULL) {
        if (*endpoint == '\0') {
            continue;
        }
        if (count == ENDPOINTS_MAX) {
            rv =
                err_set(err, QL_LIMIT, "more than %d endpoints", ENDPOINTS_MAX);
            goto free_answers;
        }
        ask(run, endpoint, &answers[count]);
        reached += answers[count].code == 0;
        run->unhealthy = run->unhealthy || !cluster_is_healthy(&answers[count]);
        count++;
    }
    rv = cluster_view_answers(&run->output, answers, count, err);
    if (rv == 0 && reached == 0) {
        rv = err_set(err, QL_CONNECT, "no endpoint answered");
    }

free_answers:
    free(answers);
    free(list);
    return rv;
}
