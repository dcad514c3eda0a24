/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The fields of a log, as commands show them. */
#pragma once

#include "cli/cell.h"

extern const struct column log_columns[];      /* of struct ql_log_stat: all */
extern const struct column log_list_columns[]; /* with a table of few */
extern const struct column log_writer_columns[]; /* just its writer */
