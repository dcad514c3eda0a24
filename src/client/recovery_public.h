/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The state of recovery as programs see it, from what came over the wire. */
#pragma once

#include "quorlog.h"
#include "wire/args_recovery.h"

void recovery_public_last(struct ql_recovery_last *ret,
                          const struct recovery_last *last);
