/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The results for people, and for machines. */
#pragma once

#include "compare/results.h"

void report_print(const struct results *results);
void report_print_json(const struct results *results);
