/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What to do about an error, for someone who is tired. */
#pragma once

#include "cli/command.h"
#include "util/buf.h"
#include "util/err.h"

/* Adds nothing when there is nothing to say. */
void hint_add(const struct command_run *run, const struct err *err,
              struct buf *ret_text);
