/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A node's view of the cluster, as a person and as JSON. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "cli/output.h"
#include "quorlog.h"
#include "util/err.h"

/* What one endpoint answered. */
struct cluster_answer {
    char endpoint[QL_ADDRESS_MAX]; /* "" when any node was asked */
    int code;                      /* 0 or why there is no status */
    char text[QL_ERROR_TEXT_MAX];
    struct ql_cluster_status status;
};

/* A leader is known, the quorum is as stated, the leader, if it is the one that
 * answered, reaches every member, nothing refuses what clients want, and who
 * answered lacks neither chunks nor room. */
bool cluster_is_healthy(const struct cluster_answer *answer);
/* The status with its members. */
int cluster_view_status(struct output *output,
                        const struct ql_cluster_status *status,
                        struct err *err);
/* One row an endpoint. */
int cluster_view_answers(struct output *output,
                         const struct cluster_answer *answers, size_t count,
                         struct err *err);
