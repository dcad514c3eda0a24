/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What an image has beside logs and producers. */
#include <assert.h>
#include <string.h>

#include "machine/image.h"

static struct bytes text_bytes(const char *text);

uint32_t image_sections(const struct state *state)
{
    uint32_t flags = 0;
    unsigned part;

    if (state->backups.id_last != 0) {
        flags |= IMAGE_BACKUPS;
    }
    if (state->settings.set) {
        flags |= IMAGE_SETTINGS;
    }
    if (state->kept_id_last != 0 || state->producers.void_mark != 0 ||
        state->gone_incarnation != 0 || state->gone_epoch != 0) {
        flags |= IMAGE_RECOVERY;
    }
    for (part = MACHINE_DRAFT; part < MACHINE_PARTS; part++) {
        if (state->kept[part] != NULL) {
            flags |= IMAGE_PART(part);
        }
    }
    return flags;
}

void image_write_backups(const struct backups *backups, struct buf *buf)
{
    size_t i;

    image_add_u64(buf, backups->id_last);
    image_add_u32(buf, (uint32_t)backups->count);
    for (i = 0; i < backups->count; i++) {
        const struct backup_row *row = &backups->rows[i];
        size_t start = buf->len;

        image_add_u64(buf, row->id);
        image_add_u64(buf, row->index);
        image_add_u64(buf, row->time_ms);
        image_add_u64(buf, row->state_index);
        image_add_u64(buf, row->logs);
        image_add_u64(buf, row->entries);
        image_add_u64(buf, row->bytes);
        image_add_u64(buf, row->chunks);
        image_add_raw(buf, row->digest, sizeof(row->digest));
        image_add_raw(buf, row->cluster, sizeof(row->cluster));
        image_add_u32(buf, (row->foreign ? IMAGE_ROW_FOREIGN : 0) |
                               (row->scheduled ? IMAGE_ROW_SCHEDULED : 0));
        image_add_sized(buf, text_bytes(row->name));
        assert(buf->len - start >= IMAGE_BACKUP_LEN_MIN);
    }
}

void image_write_settings(const struct machine_settings *settings,
                          struct buf *buf)
{
    image_add_u64(buf, settings->backup_interval_ms);
    image_add_u64(buf, settings->max_saved_backups);
}

void image_write_recovery(const struct state *state, struct buf *buf)
{
    const struct recovery_last *last = &state->last_recovery;

    image_add_u64(buf, state->kept_id_last);
    image_add_u64(buf, state->producers.void_mark);
    image_add_u64(buf, state->gone_incarnation);
    image_add_u64(buf, state->gone_epoch);
    image_add_u64(buf, last->operation);
    image_add_u32(buf, last->kind);
    image_add_u64(buf, last->index);
    image_add_u64(buf, last->time_ms);
    image_add_u64(buf, last->state_index);
    image_add_u64(buf, last->logs_before);
    image_add_u64(buf, last->entries_before);
    image_add_u64(buf, last->logs_after);
    image_add_u64(buf, last->entries_after);
    image_add_sized(buf, text_bytes(last->source));
}

void image_write_kept(const struct kept *kept, struct buf *buf)
{
    image_add_u64(buf, kept->id);
    image_add_u64(buf, kept->revision);
    image_add_u64(buf, kept->from_index);
    image_add_u64(buf, kept->from_time_ms);
    image_add_u64(buf, kept->from_state_index);
    image_add_u64(buf, kept->deleted);
    image_add_u64(buf, kept->next_seq);
    image_add_u64(buf, kept->edit_of);
    image_add_u64(buf, kept->log_uid);
    image_add_u64(buf, kept->total_bytes);
    image_add_u64(buf, kept->logs.uid_last);
    image_add_u32(buf, (uint32_t)kept->logs.count);
    image_add_sized(buf, text_bytes(kept->source));
}

static struct bytes text_bytes(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}
