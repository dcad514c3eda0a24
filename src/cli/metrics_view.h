/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a node has counted of itself, for a person and as JSON. */
#pragma once

#include "cli/output.h"
#include "quorlog.h"
#include "util/err.h"

int metrics_view(struct output *output, const struct ql_node_metrics *metrics,
                 struct err *err);
