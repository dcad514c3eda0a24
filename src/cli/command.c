/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/command.h"

#include <string.h>

bool command_given(const struct command_run *run, const char *name)
{
    return option_set_source(run->set, name) != OPTION_UNSET;
}

int command_need(const struct command_run *run, const char *name,
                 struct err *err)
{
    if (!command_given(run, name)) {
        return err_set(err, QL_INVALID, "--%s is missing", name);
    }
    return 0;
}

int command_client(struct command_run *run, uint32_t timeout_default_ms,
                   struct err *err)
{
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct ql_error error;
    int rv;

    if (run->options.timeout_ms > INT32_MAX) {
        return err_set(err, QL_INVALID, "--timeout is at most 24 days");
    }
    options.endpoints = run->options.endpoints;
    options.name = "quorlog";
    options.timeout_ms = (uint32_t)run->options.timeout_ms;
    if (options.timeout_ms == 0) {
        options.timeout_ms = timeout_default_ms;
    }
    rv = ql_client_new(&run->client, &options, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    run->asked = true;
    return 0;
}

int command_error(struct err *err, int rv, const struct ql_error *error)
{
    if (error->leader[0] != '\0') {
        err_set(err, rv, "%s (the leader is %s)", error->text, error->leader);
    } else {
        err_set(err, rv, "%s", error->text);
    }
    err->position = error->position;
    return rv;
}

enum ql_consistency command_consistency(const struct command_run *run)
{
    return run->options.stale ? QL_STALE : QL_LINEARIZABLE;
}
