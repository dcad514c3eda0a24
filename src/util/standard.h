/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Descriptors 0, 1 and 2, which a program may be started without. */
#pragma once

#include "util/err.h"

/* Occupies those of them that are closed, so that no socket and no file of ours
 * gets the number that input is read from or messages are written to. Using one
 * still fails, as on a closed one. To be called first in main(). QL_IO. */
int standard_occupy(struct err *err);
