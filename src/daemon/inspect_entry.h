/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One entry of the raft log as text: what it is, and which commands it carries. */
#pragma once

#include <stdio.h>

#include "consensus/inspect.h"

/* @values: keys and values of appended entries, too, the first bytes of each. */
void inspect_entry_print(const struct inspect_entry *entry, bool values,
                         FILE *out);
