/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a backup may be called: names of files that no shell and no directory
 * listing takes for something else. */
#pragma once

#include <stddef.h>

#include "util/err.h"

/* 1..BACKUP_NAME_MAX bytes of [A-Za-z0-9._-], the first of which is no '.';
 * QL_INVALID with a sentence otherwise. */
int backup_name_check(const char *name, size_t len, struct err *err);
