/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/backup_view.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "cli/log_view.h"

#define BACKUP(name) offsetof(struct ql_backup, name)
#define ROW(name) offsetof(struct backup_row, name)
#define LIST(name) offsetof(struct ql_backup_list, name)
#define HOLDER(name) offsetof(struct ql_backup_holder, name)
#define NODES_TEXT_MAX (QL_MEMBERS_MAX * 21 + 1)

/* What is derived from a backup, beside it. */
struct backup_row {
    struct ql_backup backup;    /* first: BACKUP() counts from it */
    char nodes[NODES_TEXT_MAX]; /* where it is verified: "1 2 3" */
    const char *problem;        /* NULL: none */
    const char *cluster;        /* NULL: this one */
};

struct list_row {
    struct ql_backup_list list; /* first: LIST() counts from it */
    const char *problem;
};

static const struct column list_columns[] = {
    {"id", NULL, COLUMN_U64, BACKUP(id)},
    {"name", "NAME", COLUMN_TEXT, BACKUP(name)},
    {"time_ms", "STATE OF", COLUMN_TIME, BACKUP(time_ms)},
    {"index", NULL, COLUMN_U64, BACKUP(index)},
    {"state_index", NULL, COLUMN_U64, BACKUP(state_index)},
    {"logs", "LOGS", COLUMN_U64, BACKUP(logs)},
    {"entries", "ENTRIES", COLUMN_U64, BACKUP(entries)},
    {"bytes", "BYTES", COLUMN_SIZE, BACKUP(bytes)},
    {"new_bytes", "NEW", COLUMN_SIZE, BACKUP(new_bytes)},
    {"stored_bytes", NULL, COLUMN_U64, BACKUP(stored_bytes)},
    {"chunks", NULL, COLUMN_U64, BACKUP(chunks)},
    {"state", "HERE", COLUMN_TEXT, BACKUP(state)},
    {"verified_at_ms", "VERIFIED", COLUMN_TIME, BACKUP(verified_at_ms)},
    {"nodes", "ON NODES", COLUMN_TEXT, ROW(nodes)},
    {"digest", NULL, COLUMN_DIGEST, BACKUP(digest)},
    {"cluster_id", NULL, COLUMN_POINTER, ROW(cluster)},
    COLUMNS_END,
};

static const struct column backup_columns[] = {
    {"id", NULL, COLUMN_U64, BACKUP(id)},
    {"name", "backup", COLUMN_TEXT, BACKUP(name)},
    {"time_ms", "state of", COLUMN_TIME, BACKUP(time_ms)},
    {"index", "index", COLUMN_U64, BACKUP(index)},
    {"state_index", "state index", COLUMN_U64, BACKUP(state_index)},
    {"logs", "logs", COLUMN_U64, BACKUP(logs)},
    {"entries", "entries", COLUMN_U64, BACKUP(entries)},
    {"bytes", "bytes", COLUMN_SIZE, BACKUP(bytes)},
    {"new_bytes", "new bytes", COLUMN_SIZE, BACKUP(new_bytes)},
    {"stored_bytes", "bytes in files", COLUMN_SIZE, BACKUP(stored_bytes)},
    {"chunks", "chunks", COLUMN_U64, BACKUP(chunks)},
    {"digest", "digest", COLUMN_DIGEST, BACKUP(digest)},
    {"cluster_id", "of cluster", COLUMN_POINTER, ROW(cluster)},
    {"foreign", "foreign", COLUMN_BOOL, BACKUP(foreign)},
    {"scheduled", "on schedule", COLUMN_BOOL, BACKUP(scheduled)},
    {"state", "on this node", COLUMN_TEXT, BACKUP(state)},
    {"verified_at_ms", "verified", COLUMN_TIME, BACKUP(verified_at_ms)},
    {"problem", "problem", COLUMN_POINTER, ROW(problem)},
    COLUMNS_END,
};

static const struct column holder_columns[] = {
    {"node", "NODE", COLUMN_U64, HOLDER(node)},
    {"state", "STATE", COLUMN_TEXT, HOLDER(state)},
    {"verified_at_ms", "VERIFIED", COLUMN_TIME, HOLDER(verified_at_ms)},
    COLUMNS_END,
};

static const struct column head_columns[] = {
    {"node_id", "answered by node", COLUMN_U64, LIST(node_id)},
    {"leader_id", NULL, COLUMN_ID, LIST(leader_id)},
    {"directory", "its directory", COLUMN_TEXT, LIST(directory)},
    {"problem", "problem", COLUMN_POINTER, offsetof(struct list_row, problem)},
    {"last_success_ms", "last success", COLUMN_TIME, LIST(last_success_ms)},
    {"last_verified_ms", "last verified", COLUMN_TIME, LIST(last_verified_ms)},
    {"failures", "failures", COLUMN_U64, LIST(failures)},
    {"pool_bytes", "bytes in files", COLUMN_SIZE, LIST(pool_bytes)},
    {"interval_ms", "backup interval", COLUMN_DURATION, LIST(interval_ms)},
    {"max_saved", "backups kept", COLUMN_U64, LIST(max_saved)},
    COLUMNS_END,
};

static bool is_verified(const char *state);
static struct backup_row row_of(const struct ql_backup *backup);
static json_t *backup_json(const struct ql_backup *backup);
static int table_of(struct output *output, const struct column *columns,
                    const void *rows, size_t size, size_t count,
                    struct err *err);
static int list_json(struct output *output, const struct ql_backup_list *list,
                     struct err *err);

size_t backup_verified_count(const struct ql_backup *backup)
{
    size_t count = 0;

    for (size_t i = 0; i < backup->holder_count; i++) {
        count += is_verified(backup->holders[i].state);
    }
    return count;
}

const struct ql_backup *backup_find(const struct ql_backup_list *list,
                                    const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->backups[i].name, name) == 0) {
            return &list->backups[i];
        }
    }
    return NULL;
}

int backup_view_one(struct output *output, const struct ql_backup *backup,
                    const struct ql_backup_show *show, struct err *err)
{
    struct backup_row row = row_of(backup);
    json_t *logs;
    json_t *json;
    int rv;

    if (output->format != OUTPUT_TABLE) {
        json = backup_json(backup);
        if (show != NULL) {
            logs = json_array();
            for (size_t i = 0; i < show->count; i++) {
                (void)json_array_append_new(
                    logs, output_object(log_columns, &show->stats[i]));
            }
            (void)json_object_set_new(json, "log_list", logs);
        }
        return output_document(output, json, err);
    }
    rv = output_record(output, backup_columns, &row, err);
    if (rv == 0 && backup->holder_count > 0) {
        rv = output_bytes(output, "\n", 1, err);
        rv = rv != 0 ? rv
                     : table_of(output, holder_columns, backup->holders,
                                sizeof backup->holders[0], backup->holder_count,
                                err);
    }
    if (rv == 0 && show != NULL) {
        rv = output_bytes(output, "\n", 1, err);
        rv = rv != 0 ? rv
                     : table_of(output, log_list_columns, show->stats,
                                sizeof show->stats[0], show->count, err);
    }
    return rv;
}

int backup_view_list(struct output *output, const struct ql_backup_list *list,
                     struct err *err)
{
    struct list_row head = {.list = *list, .problem = NULL};
    struct output_list rows;
    int rv;

    if (output->format != OUTPUT_TABLE) {
        return list_json(output, list, err);
    }
    head.problem = list->problem[0] == '\0' ? NULL : list->problem;
    rv = output_record(output, head_columns, &head, err);
    rv = rv != 0 ? rv : output_bytes(output, "\n", 1, err);
    output_list_begin(&rows, output, list_columns);
    for (size_t i = 0; i < list->count && rv == 0; i++) {
        struct backup_row row = row_of(&list->backups[i]);

        rv = output_list_row(&rows, &row, err);
    }
    if (rv == 0) {
        rv = output_list_end(&rows, err);
    }
    output_list_close(&rows);
    return rv;
}

/* Lines are backups only: what reads them wants one thing each. */
static int list_json(struct output *output, const struct ql_backup_list *list,
                     struct err *err)
{
    struct list_row head = {.list = *list, .problem = NULL};
    json_t *backups;
    json_t *json;
    int rv = 0;

    if (output->format == OUTPUT_JSONL) {
        for (size_t i = 0; i < list->count && rv == 0; i++) {
            rv = output_document(output, backup_json(&list->backups[i]), err);
        }
        return rv;
    }
    head.problem = list->problem[0] == '\0' ? NULL : list->problem;
    json = output_object(head_columns, &head);
    backups = json_array();
    for (size_t i = 0; i < list->count; i++) {
        (void)json_array_append_new(backups, backup_json(&list->backups[i]));
    }
    (void)json_object_set_new(json, "backups", backups);
    return output_document(output, json, err);
}

static bool is_verified(const char *state)
{
    return strcmp(state, "verified") == 0;
}

static struct backup_row row_of(const struct ql_backup *backup)
{
    struct backup_row row = {.backup = *backup, .nodes = "-"};
    size_t len = 0;

    for (size_t i = 0; i < backup->holder_count; i++) {
        const struct ql_backup_holder *holder = &backup->holders[i];

        if (is_verified(holder->state)) {
            len += (size_t)snprintf(row.nodes + len, sizeof row.nodes - len,
                                    "%s%" PRIu64, len == 0 ? "" : " ",
                                    holder->node);
        }
    }
    row.problem = backup->problem[0] == '\0' ? NULL : backup->problem;
    row.cluster = backup->cluster_id[0] == '\0' ? NULL : backup->cluster_id;
    /* What only a list tells. */
    if (backup->state[0] == '\0') {
        (void)snprintf(row.backup.state, sizeof row.backup.state, "-");
        row.backup.new_bytes = CELL_NO_SIZE;
        row.backup.stored_bytes = CELL_NO_SIZE;
    }
    return row;
}

static json_t *backup_json(const struct ql_backup *backup)
{
    struct backup_row row = row_of(backup);
    json_t *json = output_object(backup_columns, &row);
    json_t *nodes = json_array();

    for (size_t i = 0; i < backup->holder_count; i++) {
        (void)json_array_append_new(
            nodes, output_object(holder_columns, &backup->holders[i]));
    }
    (void)json_object_set_new(json, "nodes", nodes);
    return json;
}

/* @count objects of @size bytes, one after the other. */
static int table_of(struct output *output, const struct column *columns,
                    const void *rows, size_t size, size_t count,
                    struct err *err)
{
    struct output_list list;
    int rv = 0;

    output_list_begin(&list, output, columns);
    for (size_t i = 0; i < count && rv == 0; i++) {
        rv = output_list_row(&list, (const char *)rows + i * size, err);
    }
    if (rv == 0) {
        rv = output_list_end(&list, err);
    }
    output_list_close(&list);
    return rv;
}
