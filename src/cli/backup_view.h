/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Backups, as commands show them. */
#pragma once

#include "cli/output.h"
#include "quorlog.h"
#include "util/err.h"

/* One, with what each node has of it. @show, which may be NULL, adds its logs. */
int backup_view_one(struct output *output, const struct ql_backup *backup,
                    const struct ql_backup_show *show, struct err *err);
/* All, and how the node that answered fares with them. */
int backup_view_list(struct output *output, const struct ql_backup_list *list,
                     struct err *err);
/* On how many nodes it is whole and was read back. */
size_t backup_verified_count(const struct ql_backup *backup);
/* The one of that name, or NULL. */
const struct ql_backup *backup_find(const struct ql_backup_list *list,
                                    const char *name);
