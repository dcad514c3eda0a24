/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The state that a recovery has made, as one file: a stream as the export of a
 * backup gives it, and behind it the result (recover_frame.h), from which the other
 * members are made elsewhere. Its snapshot has the whole state, not the logs alone:
 * all members must begin with the very same.
 */
#pragma once

#include "consensus/recover_plan.h"

/* Writes "PATH.tmp" and renames it; durable on return. QL_EXISTS: there is one.
 * QL_NOT_FOUND: a chunk is in none of the sources. */
int recover_export(struct recover_plan *plan,
                   const struct recover_result *result, const char *path,
                   struct err *err);
