/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* An inspection as text for people, section by section. */
#pragma once

#include <stdio.h>

#include "consensus/inspect.h"

void inspect_print(const struct inspection *inspection, FILE *out);
void inspect_print_findings(const struct inspection *inspection, FILE *out);
