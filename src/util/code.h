/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The table of result codes: names, classes, and the CLI's exit status. */
#pragma once

#include "quorlog.h"

/* "NOT_LEADER"; "UNKNOWN" for numbers not in the table. Static storage. */
const char *code_name(int code);
/* QL_CLASS_FATAL for numbers not in the table. */
enum ql_class code_class(int code);
/* Exit status of the CLI (docs: quorlog(1), EXIT STATUS). */
int code_exit_status(int code);
