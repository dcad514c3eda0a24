/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What was found, as a JSON document; its schema is in docs/bench.md. */
#pragma once

#include <stdio.h>

#include "qb_report.h"

#include "util/err.h"

#define QB_JSON_FORMAT 1u /* rises when a member changes its meaning */

/* QL_NO_MEMORY, QL_IO. */
int qb_json_write(const struct qb_result *result, FILE *out, struct err *err);
int qb_json_write_file(const struct qb_result *result, const char *path,
                       struct err *err);
