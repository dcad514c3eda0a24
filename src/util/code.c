/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/code.h"

#include <stddef.h>

/* Exit statuses of the CLI; quorlog(1) promises them. */
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_CONNECT = 3,
    EXIT_NO_QUORUM = 4,
    EXIT_CONDITION = 5,
    EXIT_NOT_FOUND = 6,
    EXIT_UNHEALTHY = 7,
    EXIT_DENIED = 8,
    EXIT_UNKNOWN = 9,
};

struct code_row {
    int code;
    const char *name;
    enum ql_class class;
    int exit_status;
};

#define ROW(code, class, exit_status)                                          \
    {                                                                          \
        QL_##code, #code, QL_CLASS_##class, exit_status                        \
    }

static const struct code_row code_table[] = {
    ROW(OK, NONE, EXIT_OK),
    ROW(INVALID, USAGE, EXIT_USAGE),
    ROW(NO_MEMORY, FATAL, EXIT_FAILED),
    ROW(TOO_LARGE, USAGE, EXIT_USAGE),
    ROW(UNKNOWN_METHOD, USAGE, EXIT_FAILED),
    ROW(PROTOCOL, FATAL, EXIT_FAILED),
    ROW(DENIED, USAGE, EXIT_DENIED),
    ROW(NOT_FOUND, CONDITION, EXIT_NOT_FOUND),
    ROW(EXISTS, CONDITION, EXIT_CONDITION),
    ROW(TRIMMED, CONDITION, EXIT_NOT_FOUND),
    ROW(CONDITION_FAILED, CONDITION, EXIT_CONDITION),
    ROW(FENCED, FENCED, EXIT_CONDITION),
    ROW(OUT_OF_ORDER, RETRY, EXIT_FAILED),
    ROW(DUPLICATE_UNKNOWN, OUTCOME_UNKNOWN, EXIT_UNKNOWN),
    ROW(PRODUCER_EXPIRED, OUTCOME_UNKNOWN, EXIT_UNKNOWN),
    ROW(LIMIT, CONDITION, EXIT_FAILED),
    ROW(FROZEN, CONDITION, EXIT_CONDITION),
    ROW(RESTORED, CONDITION, EXIT_CONDITION),
    ROW(NOT_LEADER, REDIRECT, EXIT_NO_QUORUM),
    ROW(NO_LEADER, RETRY, EXIT_NO_QUORUM),
    ROW(BUSY, RETRY, EXIT_FAILED),
    ROW(TIMEOUT, RETRY, EXIT_NO_QUORUM),
    ROW(CONNECT, RETRY, EXIT_CONNECT),
    ROW(DISCONNECTED, RETRY, EXIT_CONNECT),
    ROW(OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, EXIT_UNKNOWN),
    ROW(SHUTTING_DOWN, RETRY, EXIT_NO_QUORUM),
    ROW(CANCELED, RETRY, EXIT_FAILED),
    ROW(NO_SPACE, RETRY, EXIT_FAILED),
    ROW(IO, FATAL, EXIT_FAILED),
    ROW(CORRUPT, FATAL, EXIT_UNHEALTHY),
    ROW(INTERNAL, FATAL, EXIT_FAILED),
};

static const struct code_row *code_find(int code)
{
    for (size_t i = 0; i < sizeof code_table / sizeof code_table[0]; i++) {
        if (code_table[i].code == code) {
            return &code_table[i];
        }
    }
    return NULL;
}

const char *code_name(int code)
{
    const struct code_row *row = code_find(code);

    return row == NULL ? "UNKNOWN" : row->name;
}

enum ql_class code_class(int code)
{
    const struct code_row *row = code_find(code);

    return row == NULL ? QL_CLASS_FATAL : row->class;
}

int code_exit_status(int code)
{
    const struct code_row *row = code_find(code);

    return row == NULL ? EXIT_FAILED : row->exit_status;
}
