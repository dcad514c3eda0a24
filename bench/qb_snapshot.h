/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What snapshots and backups cost the appends beside them: the same load in turns
 * on the same cluster of our own, started with a snapshot after each MiB of raft
 * log, with as good as none, and so again with a backup each second.
 */
#pragma once

#include "qb_bench.h"

#include "util/err.h"

/* Fills bench->result: a point for each of the three ways, a repetition of
 * each in a turn, and notes. */
int qb_snapshot_run(struct qb_bench *bench, struct err *err);
