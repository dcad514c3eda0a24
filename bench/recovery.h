/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the parts of bench/recovery share. */
#pragma once

#include "quorlog.h"
#include "scale.h"

/* Its own client to all nodes; ql_client_free() frees it. */
struct ql_client *recovery_client(struct scale *scale);
/* Fails when @rv is not 0: "WHAT: the error's text". */
void recovery_must(int rv, const char *what, const struct ql_error *error);
/* How many nodes have @name, read back and good. */
unsigned recovery_holders(struct scale *scale, struct ql_client *client,
                          const char *name);
/* Takes a backup and waits until all nodes have it; the seconds until a majority
 * had it, and until all. */
void recovery_backup(struct scale *scale, struct ql_client *client,
                     const char *name, double *ret_majority, double *ret_all);
/* Of the directory of backups on the node that has most. */
double recovery_pool_bytes(struct scale *scale, struct ql_client *client);
/* Waits until @name is staged; the seconds since @begun. */
double recovery_stage(struct ql_client *client, const char *name);
/* Makes what is staged live. */
void recovery_commit(struct ql_client *client);

/* The most memory that any node took since its peak was forgotten, MiB. */
double recovery_peak(struct scale *scale);
void recovery_forget_peaks(struct scale *scale);

/* Backups with little new, and what appends notice of them. */
void recovery_measure_backups(struct scale *scale);
/* Going back while there are appends, and for how long there are none. */
void recovery_measure_commit(struct scale *scale);
/* Export, import, and staging when nothing is here any more. */
void recovery_measure_export(struct scale *scale);
/* What many backups take that differ little. */
void recovery_measure_space(struct scale *scale);
