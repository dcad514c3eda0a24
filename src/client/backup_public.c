/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/backup_public.h"

#include <string.h>

#include "client/error.h"
#include "util/text.h"

_Static_assert(QL_BACKUP_NAME_MAX == BACKUP_NAME_MAX, "one limit, two names");
_Static_assert(QL_MEMBERS_MAX == MEMBERS_MAX, "as above");

static void put_cluster_id(char *ret_text, const uint8_t id[16]);

void backup_public_row(struct ql_backup *ret, const struct backup_row *row)
{
    memset(ret, 0, sizeof(*ret));
    ret->id = row->id;
    memcpy(ret->name, row->name, sizeof(ret->name));
    ret->index = row->index;
    ret->time_ms = row->time_ms;
    ret->state_index = row->state_index;
    ret->logs = row->logs;
    ret->entries = row->entries;
    ret->bytes = row->bytes;
    ret->chunks = row->chunks;
    memcpy(ret->digest, row->digest, sizeof(ret->digest));
    put_cluster_id(ret->cluster_id, row->cluster);
    ret->foreign = row->foreign;
    ret->scheduled = row->scheduled;
}

void backup_public_item(struct ql_backup *ret, const struct backup_item *item)
{
    size_t i;

    backup_public_row(ret, &item->row);
    error_copy_text(ret->state, sizeof(ret->state), item->state);
    ret->new_bytes = item->new_bytes;
    ret->stored_bytes = item->stored_bytes;
    ret->verified_at_ms = item->verified_at_ms;
    error_copy_text(ret->problem, sizeof(ret->problem), item->error);
    for (i = 0; i < item->nodes_count; i++) {
        struct ql_backup_holder *holder = &ret->holders[i];

        holder->node = item->nodes[i].node;
        error_copy_text(holder->state, sizeof(holder->state),
                        item->nodes[i].state);
        holder->verified_at_ms = item->nodes[i].verified_at_ms;
    }
    ret->holder_count = item->nodes_count;
}

/* As a UUID in text; "" for zeros. */
static void put_cluster_id(char *ret_text, const uint8_t id[16])
{
    static const uint8_t none[16];
    static const size_t parts[] = {4, 2, 2, 2, 6};
    char hex[2 * 16 + 1];
    const char *from = hex;
    size_t i;

    *ret_text = '\0';
    if (memcmp(id, none, sizeof(none)) == 0) {
        return;
    }
    text_hex(id, 16, hex, sizeof(hex));
    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (i > 0) {
            *ret_text++ = '-';
        }
        memcpy(ret_text, from, 2 * parts[i]);
        ret_text += 2 * parts[i];
        from += 2 * parts[i];
    }
    *ret_text = '\0';
}
