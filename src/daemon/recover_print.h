/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What `quorlogd recover` says. */
#pragma once

#include <stdio.h>

#include "consensus/recover_make.h"

/* What each source has, what would be taken, and what is lost. Before
 * recover_plan_result(). */
void recover_print_plan(const struct recover_plan *plan, FILE *out);
/* Is something lost, or may it be? */
bool recover_loses(const struct recover_plan *plan);
/* What was made, and what to do next. @export NULL: nothing was exported. */
void recover_print_made(const struct recover_make *make,
                        const struct identity *identity, const char *dir,
                        const char *export, FILE *out);
