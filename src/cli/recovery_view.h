/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Where a recovery stands, as commands show it. */
#pragma once

#include "cli/output.h"
#include "quorlog.h"
#include "util/err.h"

int recovery_view_status(struct output *output,
                         const struct ql_recovery_status *status,
                         struct err *err);
/* What a commit or an undo has done. */
int recovery_view_last(struct output *output,
                       const struct ql_recovery_last *last, struct err *err);
/* What a commit would do. */
int recovery_view_plan(struct output *output,
                       const struct ql_recovery_plan *plan, struct err *err);
/* What an undo would do. */
int recovery_view_undo(struct output *output,
                       const struct ql_recovery_status *status,
                       struct err *err);
