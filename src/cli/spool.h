/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A pipe's bytes in a file without a name, where they can be read again. */
#pragma once

#include "util/err.h"

/* Reads *fd up to its end into a file in $TMPDIR (/tmp) that is gone when it is
 * closed, closes *fd and puts the file's descriptor there. */
int spool_take(int *fd, struct err *err);
