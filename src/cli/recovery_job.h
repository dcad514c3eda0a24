/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What recovery commands have to do with the staged state as a whole. */
#pragma once

#include "cli/command.h"
#include "util/err.h"

/* Waits until nothing is being staged or edited; @what says in the progress line
 * what is. *ret_status is how it is then. */
int recovery_job_wait(struct command_run *run, const char *what,
                      struct ql_recovery_status *ret_status, struct err *err);
int recovery_job_status(struct command_run *run,
                        struct ql_recovery_status *ret_status, struct err *err);
/* Is something staged? QL_NOT_FOUND: no, and why. QL_BUSY: it is on its way, or
 * being edited. */
int recovery_job_check(const struct ql_recovery_status *status,
                       struct err *err);
