/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/store_fields.h"

#include <stddef.h>

#include "quorlog.h"
#include "wire/args_cluster.h"

#define SENTENCE_MAX 1024u

/* All are numbers, and left out while they are 0. */
static const struct field store_fields[] = {
    FIELD_NUMBER(ql_store_status, packs),
    FIELD_NUMBER(ql_store_status, bytes),
    FIELD_NUMBER(ql_store_status, live_bytes),
    FIELD_NUMBER(ql_store_status, dead_bytes),
    FIELD_NUMBER(ql_store_status, waiting_bytes),
    FIELD_NUMBER(ql_store_status, merges_bytes),
    FIELD_NUMBER(ql_store_status, cache_bytes),
    FIELD_NUMBER(ql_store_status, cache_hits),
    FIELD_NUMBER(ql_store_status, cache_misses),
    FIELD_NUMBER(ql_store_status, missing),
    FIELD_NUMBER(ql_store_status, damaged),
    FIELD_NUMBER(ql_store_status, quarantined),
    FIELD_NUMBER(ql_store_status, scrub_rounds),
    FIELD_NUMBER(ql_store_status, scrubbed_at_ms),
    {FIELD_KEY("full"), .kind = FIELD_BOOL,
     .offset = offsetof(struct ql_store_status, full)},
};
const struct message store_status_message =
    FIELD_MESSAGE("store status", store_fields);

static const struct field snapshots_fields[] = {
    FIELD_NUMBER(ql_snapshots_status, taken),
    FIELD_NUMBER(ql_snapshots_status, index),
    FIELD_NUMBER(ql_snapshots_status, bytes),
    FIELD_NUMBER(ql_snapshots_status, loop_us),
    FIELD_NUMBER(ql_snapshots_status, loop_us_max),
    FIELD_NUMBER(ql_snapshots_status, wall_us),
    FIELD_NUMBER(ql_snapshots_status, wall_us_max),
};
const struct message snapshots_status_message =
    FIELD_MESSAGE("snapshots status", snapshots_fields);

static const struct field install_fields[] = {
    FIELD_NUMBER(ql_install_status, index),
    FIELD_NUMBER(ql_install_status, chunks),
    FIELD_NUMBER(ql_install_status, chunks_missing),
    FIELD_NUMBER(ql_install_status, bytes_fetched),
    FIELD_NUMBER(ql_install_status, fetch_ms),
};
const struct message install_status_message =
    FIELD_MESSAGE("install status", install_fields);

static const struct field backups_fields[] = {
    FIELD_NUMBER(backups_status, last_success_ms),
    FIELD_NUMBER(backups_status, last_verified_ms),
    FIELD_NUMBER(backups_status, failures),
    FIELD_NUMBER(backups_status, saved),
    {FIELD_KEY("problem"), .kind = FIELD_BYTES, .max = SENTENCE_MAX,
     .offset = offsetof(struct backups_status, problem)},
};
const struct message backups_status_message =
    FIELD_MESSAGE("backups status", backups_fields);
