/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a node has on disk of the logs, and what that costs: the part of a status
 * that is about one node. */
#pragma once

#include <jansson.h>

#include "cli/output.h"
#include "quorlog.h"

/* Adds "store", "snapshots" and "install" to @json. */
void store_view_json(const struct ql_cluster_status *status, json_t *json);
/* Lines for a person, with an empty one in front. */
int store_view_table(struct output *output,
                     const struct ql_cluster_status *status, struct err *err);
