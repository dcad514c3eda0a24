/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/store_fields.h"

#include <stddef.h>

#include "quorlog.h"

/* All are numbers, and left out while they are 0. */
#define NUMBER(type, name)                                                     \
    {                                                                          \
        FIELD_KEY(#name), .kind = FIELD_U64,                                   \
                          .offset = offsetof(struct type, name)                \
    }

static const struct field store_fields[] = {
    NUMBER(ql_store_status, packs),
    NUMBER(ql_store_status, bytes),
    NUMBER(ql_store_status, live_bytes),
    NUMBER(ql_store_status, dead_bytes),
    NUMBER(ql_store_status, waiting_bytes),
    NUMBER(ql_store_status, merges_bytes),
    NUMBER(ql_store_status, cache_bytes),
    NUMBER(ql_store_status, cache_hits),
    NUMBER(ql_store_status, cache_misses),
    NUMBER(ql_store_status, missing),
    NUMBER(ql_store_status, damaged),
    NUMBER(ql_store_status, quarantined),
    NUMBER(ql_store_status, scrub_rounds),
    NUMBER(ql_store_status, scrubbed_at_ms),
    {FIELD_KEY("full"), .kind = FIELD_BOOL,
     .offset = offsetof(struct ql_store_status, full)},
};
const struct message store_status_message =
    FIELD_MESSAGE("store status", store_fields);

static const struct field snapshots_fields[] = {
    NUMBER(ql_snapshots_status, taken),
    NUMBER(ql_snapshots_status, index),
    NUMBER(ql_snapshots_status, bytes),
    NUMBER(ql_snapshots_status, loop_us),
    NUMBER(ql_snapshots_status, loop_us_max),
    NUMBER(ql_snapshots_status, wall_us),
    NUMBER(ql_snapshots_status, wall_us_max),
};
const struct message snapshots_status_message =
    FIELD_MESSAGE("snapshots status", snapshots_fields);

static const struct field install_fields[] = {
    NUMBER(ql_install_status, index),
    NUMBER(ql_install_status, chunks),
    NUMBER(ql_install_status, chunks_missing),
    NUMBER(ql_install_status, bytes_fetched),
    NUMBER(ql_install_status, fetch_ms),
};
const struct message install_status_message =
    FIELD_MESSAGE("install status", install_fields);
