/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What to do when this node's copy of a backup cannot be read. */
#pragma once

#include "util/err.h"

/* @code is what the backup store says, and @why its sentence or "". Returns
 * @code. */
int backup_refusal(const char *name, int code, const char *why,
                   struct err *err);
