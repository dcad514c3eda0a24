/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The filter of a program as it goes over the wire. */
#pragma once

#include "quorlog.h"
#include "wire/args_scan.h"

/* Views into what @filter (NULL: everything) points to. QL_INVALID for what no
 * server takes. */
int scan_filter_import(struct scan_filter *ret, const struct ql_filter *filter,
                       struct ql_error *error);
