/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The phases of --phase: done to the cluster at their times in each measurement,
 * and undone before the next one begins. */
#pragma once

#include "qb_bench.h"
#include "qb_load.h"

struct qb_phase_list;

/* Before anything is started: QL_INVALID when a text is wrong, a phase comes after
 * the end of the measurement or needs a cluster of our own, or the mode takes
 * none or needs such a cluster itself. */
int qb_phase_check(const struct qb_options *options, struct err *err);
/* Takes bench->options.phases, which were checked, and fills
 * @ret_watch, whose life is that of the list. QL_DENIED, QL_NOT_FOUND, QL_INVALID:
 * disks cannot be slowed down here. Free it before the cluster ends. */
int qb_phase_plan(struct qb_phase_list **ret_list, struct qb_bench *bench,
                  struct qb_watch *ret_watch, struct err *err);
/* Accepts NULL. */
void qb_phase_free(struct qb_phase_list *list);
