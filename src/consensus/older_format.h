/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Data directories from before 0.1, when libraft's own disk layer wrote them. */
#pragma once

#include <stdbool.h>

#include "util/err.h"

/* Is it the name of a file of that layer, and of none of ours? */
bool older_format_has_name(const char *name);
/* QL_INVALID, with what to do, when @dir or its raft directory has such files and
 * no vote file of ours. Changes nothing. What cannot be read is left for others to
 * find. */
int older_format_refuse(const char *dir, struct err *err);
/* The sentence. */
int older_format_error(const char *where, struct err *err);
