/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Backups as programs see them, from what came over the wire. */
#pragma once

#include "quorlog.h"
#include "wire/args_backup.h"

/* Texts that are longer than there is room for are cut. */
void backup_public_row(struct ql_backup *ret, const struct backup_row *row);
void backup_public_item(struct ql_backup *ret, const struct backup_item *item);
