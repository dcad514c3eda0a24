/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Waiting until a new backup is safe. */
#pragma once

#include "cli/command.h"
#include "util/err.h"

/* Asks until a majority of the voters has @name whole and verified, and gives it as
 * it is then. QL_TIMEOUT after --timeout, or 10 minutes: it goes on in the
 * cluster. QL_NOT_FOUND: it was deleted meanwhile. */
int backup_wait(struct command_run *run, const char *name,
                struct ql_backup *ret_backup, struct err *err);
