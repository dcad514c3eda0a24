/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Maps in the answer of cluster.status, by themselves: what a node has on disk, and
 * what that costs. Internal to the wire. */
#pragma once

#include "wire/fields.h"

extern const struct message store_status_message;     /* ql_store_status */
extern const struct message snapshots_status_message; /* ql_snapshots_status */
extern const struct message install_status_message;   /* ql_install_status */
extern const struct message backups_status_message;   /* backups_status */
