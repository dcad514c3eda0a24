/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/store_view.h"

#include <stddef.h>

#define STORE(name) offsetof(struct ql_store_status, name)
#define SNAPSHOTS(name) offsetof(struct ql_snapshots_status, name)
#define INSTALL(name) offsetof(struct ql_install_status, name)
#define BACKUPS(name) offsetof(struct ql_backups_status, name)

static const struct column store_columns[] = {
    {"packs", "chunk files", COLUMN_U64, STORE(packs)},
    {"bytes", "their size", COLUMN_SIZE, STORE(bytes)},
    {"live_bytes", "in use, raw", COLUMN_SIZE, STORE(live_bytes)},
    {"dead_bytes", NULL, COLUMN_SIZE, STORE(dead_bytes)},
    {"waiting_bytes", "to be written", COLUMN_SIZE, STORE(waiting_bytes)},
    {"merges_bytes", "to be merged", COLUMN_SIZE, STORE(merges_bytes)},
    {"full", "disk full", COLUMN_BOOL, STORE(full)},
    {"cache_bytes", NULL, COLUMN_SIZE, STORE(cache_bytes)},
    {"cache_hits", NULL, COLUMN_U64, STORE(cache_hits)},
    {"cache_misses", NULL, COLUMN_U64, STORE(cache_misses)},
    {"missing", "missing chunks", COLUMN_U64, STORE(missing)},
    {"damaged", "damaged chunks", COLUMN_U64, STORE(damaged)},
    {"quarantined", NULL, COLUMN_U64, STORE(quarantined)},
    {"scrub_rounds", NULL, COLUMN_U64, STORE(scrub_rounds)},
    {"scrubbed_at_ms", "checked at", COLUMN_TIME, STORE(scrubbed_at_ms)},
    COLUMNS_END,
};

static const struct column snapshots_columns[] = {
    {"taken", "snapshots", COLUMN_U64, SNAPSHOTS(taken)},
    {"index", NULL, COLUMN_ID, SNAPSHOTS(index)},
    {"bytes", "last snapshot", COLUMN_SIZE, SNAPSHOTS(bytes)},
    {"loop_us", NULL, COLUMN_U64, SNAPSHOTS(loop_us)},
    {"loop_us_max", NULL, COLUMN_U64, SNAPSHOTS(loop_us_max)},
    {"wall_us", NULL, COLUMN_U64, SNAPSHOTS(wall_us)},
    {"wall_us_max", NULL, COLUMN_U64, SNAPSHOTS(wall_us_max)},
    COLUMNS_END,
};

static const struct column install_columns[] = {
    {"index", "fills up to index", COLUMN_ID, INSTALL(index)},
    {"chunks", "chunks of that", COLUMN_U64, INSTALL(chunks)},
    {"chunks_missing", "still missing", COLUMN_U64, INSTALL(chunks_missing)},
    {"bytes_fetched", "fetched", COLUMN_SIZE, INSTALL(bytes_fetched)},
    {"fetch_ms", NULL, COLUMN_DURATION, INSTALL(fetch_ms)},
    COLUMNS_END,
};

static const struct column backups_columns[] = {
    {"saved", "backups", COLUMN_U64, BACKUPS(saved)},
    {"last_success_ms", "last backup", COLUMN_TIME, BACKUPS(last_success_ms)},
    {"last_verified_ms", "its last check", COLUMN_TIME,
     BACKUPS(last_verified_ms)},
    {"failures", "backup failures", COLUMN_U64, BACKUPS(failures)},
    {"problem", "backup problem", COLUMN_TEXT, BACKUPS(problem)},
    COLUMNS_END,
};

void store_view_json(const struct ql_cluster_status *status, json_t *json)
{
    (void)json_object_set_new(json, "store",
                              output_object(store_columns, &status->store));
    (void)json_object_set_new(
        json, "snapshots",
        output_object(snapshots_columns, &status->snapshots));
    (void)json_object_set_new(json, "install",
                              output_object(install_columns, &status->install));
    (void)json_object_set_new(json, "backups",
                              output_object(backups_columns, &status->backups));
}

int store_view_table(struct output *output,
                     const struct ql_cluster_status *status, struct err *err)
{
    int rv = output_bytes(output, "\n", 1, err);

    if (rv == 0) {
        rv = output_record(output, store_columns, &status->store, err);
    }
    if (rv == 0) {
        rv = output_record(output, snapshots_columns, &status->snapshots, err);
    }
    if (rv == 0 && status->install.index != 0) {
        rv = output_record(output, install_columns, &status->install, err);
    }
    if (rv == 0) {
        rv = output_record(output, backups_columns, &status->backups, err);
    }
    return rv;
}
