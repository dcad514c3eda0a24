/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The rest of args_backup.h: backup.list and backup.show. */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "wire/backup_fields.h"
#include "wire/log_fields.h"
#include "wire/pack.h"

#define WORD_MAX 31u
#define SENTENCE_MAX 1024u

/* What stands in arrays is decoded in a second step. */
struct item_head {
    struct backup_item item;
    struct items nodes;
};
struct list_head {
    struct backup_list_result list;
    struct items items;
};
struct show_head {
    struct bytes backup;
    struct items logs;
    bool more;
};

static int item_read(struct backup_item *ret, struct bytes map,
                     struct err *err);
static int item_read_next(struct backup_item *ret, struct items *items,
                          struct err *err);
static int item_pack(const struct backup_item *item, struct buf *buf);

static const struct field holder_fields[] = {
    {FIELD_KEY("node"), .kind = FIELD_U64, .required = true, .min = 1,
     .offset = offsetof(struct backup_holder, node)},
    {FIELD_KEY("state"), .kind = FIELD_NAME, .required = true, .max = WORD_MAX,
     .offset = offsetof(struct backup_holder, state)},
    FIELD_NUMBER(backup_holder, verified_at_ms),
};
static const struct message holder_message =
    FIELD_MESSAGE("backup's node", holder_fields);

static const struct field item_fields[] = {
    BACKUP_ROW_FIELDS(item_head, item.row.),
    {FIELD_KEY("state"), .kind = FIELD_NAME, .max = WORD_MAX,
     .offset = offsetof(struct item_head, item.state)},
    {FIELD_KEY("new_bytes"), .kind = FIELD_U64,
     .offset = offsetof(struct item_head, item.new_bytes)},
    {FIELD_KEY("stored_bytes"), .kind = FIELD_U64,
     .offset = offsetof(struct item_head, item.stored_bytes)},
    {FIELD_KEY("verified_at_ms"), .kind = FIELD_U64,
     .offset = offsetof(struct item_head, item.verified_at_ms)},
    {FIELD_KEY("error"), .kind = FIELD_BYTES, .max = SENTENCE_MAX,
     .offset = offsetof(struct item_head, item.error)},
    {FIELD_KEY("nodes"), .kind = FIELD_ARRAY,
     .offset = offsetof(struct item_head, nodes)},
};
static const struct message item_message = FIELD_MESSAGE("backup", item_fields);

_Static_assert(offsetof(struct item_head, item) == 0,
               "so that an item alone can be encoded");

static int item_read(struct backup_item *ret, struct bytes map, struct err *err)
{
    struct item_head head = {0};
    size_t count;
    size_t i;
    int rv = fields_read(&item_message, map, &head, err);

    if (rv != 0) {
        return rv;
    }
    count = head.nodes.count;
    if (count > MEMBERS_MAX) {
        return err_set(err, QL_INVALID, "backup: more than %u 'nodes'",
                       MEMBERS_MAX);
    }
    for (i = 0; i < count && rv == 0; i++) {
        rv = fields_read_next(&holder_message, &head.nodes, &head.item.nodes[i],
                              err);
    }
    head.item.nodes_count = count;
    *ret = head.item;
    return rv;
}

static int item_read_next(struct backup_item *ret, struct items *items,
                          struct err *err)
{
    struct bytes map;

    return items_next(items, &map) ? item_read(ret, map, err)
                                   : fields_unsound(err);
}

static int item_pack(const struct backup_item *item, struct buf *buf)
{
    size_t i;
    int rv;

    assert(item->nodes_count <= MEMBERS_MAX);
    rv = fields_pack(&item_message, item, 1, buf);
    rv = rv != 0 ? rv : pack_text(buf, "nodes");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)item->nodes_count);
    for (i = 0; i < item->nodes_count && rv == 0; i++) {
        rv = fields_encode(&holder_message, &item->nodes[i], buf);
    }
    return rv;
}

/* ---- backup.list --------------------------------------------------------- */

#define LIST_NUMBER(key)                                                       \
    {                                                                          \
        FIELD_KEY(#key), .kind = FIELD_U64,                                    \
                         .offset = offsetof(struct list_head, list.key)        \
    }

static const struct field list_fields[] = {
    LIST_NUMBER(node),
    LIST_NUMBER(leader),
    {FIELD_KEY("directory"), .kind = FIELD_BYTES, .max = PATH_LEN_MAX,
     .offset = offsetof(struct list_head, list.directory)},
    {FIELD_KEY("problem"), .kind = FIELD_BYTES, .max = SENTENCE_MAX,
     .offset = offsetof(struct list_head, list.problem)},
    LIST_NUMBER(interval_ms),
    LIST_NUMBER(max_saved),
    LIST_NUMBER(last_success_ms),
    LIST_NUMBER(last_verified_ms),
    LIST_NUMBER(failures),
    LIST_NUMBER(pool_bytes),
    {FIELD_KEY("backups"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct list_head, items)},
};
static const struct message list_message =
    FIELD_MESSAGE("backup list", list_fields);

_Static_assert(offsetof(struct list_head, list) == 0,
               "so that a list alone can be encoded");

int backup_list_result_decode(struct backup_list_result *ret,
                              struct bytes result, struct err *err)
{
    struct list_head head = {0};
    struct backup_item *items = NULL;
    size_t count;
    size_t i;
    int rv = fields_decode(&list_message, result, &head, err);

    if (rv != 0) {
        return rv;
    }
    count = head.items.count;
    if (count > BACKUP_ITEMS_MAX) {
        rv = err_set(err, QL_INVALID, "backup list: more than %u 'backups'",
                     BACKUP_ITEMS_MAX);
        return fields_refuse(&list_message, result, rv, err);
    }
    items = calloc(count + 1, sizeof(*items));
    if (items == NULL) {
        return err_set(err, QL_NO_MEMORY, "backup list: out of memory");
    }
    for (i = 0; i < count && rv == 0; i++) {
        rv = item_read_next(&items[i], &head.items, err);
    }
    if (rv != 0) {
        free(items);
        return fields_refuse(&list_message, result, rv, err);
    }
    *ret = head.list;
    ret->items = items;
    ret->count = count;
    return 0;
}

void backup_list_result_close(struct backup_list_result *result)
{
    free(result->items);
    *result = (struct backup_list_result){0};
}

int backup_list_result_encode(const struct backup_list_result *result,
                              struct buf *buf)
{
    size_t len = buf->len;
    size_t i;
    int rv;

    assert(result->count <= BACKUP_ITEMS_MAX);
    rv = fields_pack(&list_message, result, 1, buf);
    rv = rv != 0 ? rv : pack_text(buf, "backups");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)result->count);
    for (i = 0; i < result->count && rv == 0; i++) {
        rv = item_pack(&result->items[i], buf);
    }
    if (rv != 0) {
        buf->len = len;
    }
    return rv;
}

/* ---- backup.show --------------------------------------------------------- */

static const struct field show_fields[] = {
    {FIELD_KEY("name"), .kind = FIELD_BACKUP, .required = true,
     .offset = offsetof(struct backup_show_args, name)},
    {FIELD_KEY("after"), .kind = FIELD_BYTES, .max = LOG_NAME_MAX,
     .offset = offsetof(struct backup_show_args, after)},
    {FIELD_KEY("limit"), .kind = FIELD_CLAMPED, .min = 1, .max = LIST_PAGE_MAX,
     .absent = LIST_PAGE_MAX,
     .offset = offsetof(struct backup_show_args, limit)},
};
static const struct message show_message =
    FIELD_MESSAGE("backup.show", show_fields);

int backup_show_args_decode(struct backup_show_args *ret, struct bytes params,
                            struct err *err)
{
    return fields_decode_to(&show_message, params, ret, sizeof(*ret), err);
}

int backup_show_args_encode(const struct backup_show_args *args,
                            struct buf *buf)
{
    return fields_encode(&show_message, args, buf);
}

static const struct field shown_fields[] = {
    {FIELD_KEY("backup"), .kind = FIELD_VALUE, .required = true,
     .offset = offsetof(struct show_head, backup)},
    {FIELD_KEY("logs"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct show_head, logs)},
    {FIELD_KEY("more"), .kind = FIELD_BOOL, .required = true,
     .offset = offsetof(struct show_head, more)},
};
static const struct message shown_message =
    FIELD_MESSAGE("backup show", shown_fields);

int backup_show_result_decode(struct backup_show_result *ret,
                              struct bytes result, struct err *err)
{
    struct show_head head = {0};
    struct backup_show_result show = {0};
    size_t i;
    int rv = fields_decode(&shown_message, result, &head, err);

    if (rv != 0) {
        return rv;
    }
    rv = item_read(&show.backup, head.backup, err);
    if (rv != 0) {
        return fields_refuse(&shown_message, result, rv, err);
    }
    show.more = head.more;
    show.count = head.logs.count;
    show.logs = calloc(show.count + 1, sizeof(*show.logs));
    if (show.logs == NULL) {
        return err_set(err, QL_NO_MEMORY, "backup show: out of memory");
    }
    for (i = 0; i < show.count && rv == 0; i++) {
        rv =
            fields_read_next(&log_stat_message, &head.logs, &show.logs[i], err);
    }
    if (rv != 0) {
        free(show.logs);
        return fields_refuse(&shown_message, result, rv, err);
    }
    *ret = show;
    return 0;
}

void backup_show_result_close(struct backup_show_result *result)
{
    free(result->logs);
    *result = (struct backup_show_result){0};
}

int backup_show_result_encode(const struct backup_show_result *result,
                              struct buf *buf)
{
    const struct show_head head = {.more = result->more};
    size_t len = buf->len;
    size_t i;
    int rv;

    rv = fields_pack(&shown_message, &head, 2, buf);
    rv = rv != 0 ? rv : pack_text(buf, "backup");
    rv = rv != 0 ? rv : item_pack(&result->backup, buf);
    rv = rv != 0 ? rv : pack_text(buf, "logs");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)result->count);
    for (i = 0; i < result->count && rv == 0; i++) {
        rv = log_stat_encode(&result->logs[i], buf);
    }
    if (rv != 0) {
        buf->len = len;
    }
    return rv;
}
