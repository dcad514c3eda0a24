/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The cluster that quorlog-bench starts itself, and its directory. */
#pragma once

#include "qb_bench.h"

/* Makes a directory in --dir, and starts the nodes there. */
int qb_own_start(struct qb_bench *bench, struct err *err);
/* Ends them and removes it, unless --keep says otherwise. Nothing happens when
 * there is none. */
void qb_own_end(struct qb_bench *bench);
