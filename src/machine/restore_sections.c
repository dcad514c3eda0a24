/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What an image has beside logs and producers. */
#include <string.h>

#include "machine/image.h"
#include "machine/restore.h"

static int restore_backups(struct restore *restore);
static int read_backup(struct restore *restore);
static int restore_settings(struct restore *restore);
static int restore_recovery(struct restore *restore);
static int check_recovery(struct restore *restore);
static int restore_kept(struct restore *restore, enum machine_part part);
static void read_kept(struct cursor *tables, struct kept *kept);
static int check_kept(struct restore *restore, const struct kept *kept);
static int check_draft(struct restore *restore);
static bool read_name(struct cursor *tables, bool may_lack,
                      char ret[BACKUP_NAME_MAX + 1]);

int restore_sections(struct restore *restore)
{
    unsigned part;
    int rv = 0;

    if ((restore->flags & IMAGE_BACKUPS) != 0) {
        rv = restore_backups(restore);
    }
    if (rv == 0 && (restore->flags & IMAGE_SETTINGS) != 0) {
        rv = restore_settings(restore);
    }
    if (rv == 0 && (restore->flags & IMAGE_RECOVERY) != 0) {
        rv = restore_recovery(restore);
    }
    for (part = MACHINE_DRAFT; part < MACHINE_PARTS && rv == 0; part++) {
        if ((restore->flags & IMAGE_PART(part)) != 0) {
            rv = restore_kept(restore, (enum machine_part)part);
        }
    }
    if (rv == 0) {
        rv = check_draft(restore);
    }
    if (rv == 0 &&
        image_sections(restore->state) != (restore->flags & IMAGE_SECTIONS)) {
        rv = restore_corrupt(restore, "it has a section of nothing");
    }
    return rv;
}

/* ---- Backups and settings ------------------------------------------------ */

static int restore_backups(struct restore *restore)
{
    struct cursor *tables = &restore->tables;
    uint64_t id_last = cursor_u64(tables);
    uint32_t count = cursor_u32(tables);
    uint32_t i;
    int rv;

    if (count > BACKUPS_MAX ||
        count > cursor_left(tables) / IMAGE_BACKUP_LEN_MIN) {
        return restore_corrupt(restore, "it has too many backups");
    }
    for (i = 0; i < count; i++) {
        rv = read_backup(restore);
        if (rv != 0) {
            return rv;
        }
    }
    if (id_last < restore->state->backups.id_last ||
        id_last > IMAGE_NUMBER_MAX) {
        return restore_corrupt(restore,
                               "a backup has an id that was never given");
    }
    restore->state->backups.id_last = id_last;
    return 0;
}

static int read_backup(struct restore *restore)
{
    struct backups *backups = &restore->state->backups;
    struct cursor *tables = &restore->tables;
    struct backup_row row = {0};
    const uint8_t *hashes;
    uint32_t flags;

    row.id = cursor_u64(tables);
    row.index = cursor_u64(tables);
    row.time_ms = cursor_u64(tables);
    row.state_index = cursor_u64(tables);
    row.logs = cursor_u64(tables);
    row.entries = cursor_u64(tables);
    row.bytes = cursor_u64(tables);
    row.chunks = cursor_u64(tables);
    hashes = cursor_bytes(tables, sizeof(row.digest) + sizeof(row.cluster));
    flags = cursor_u32(tables);
    if (!read_name(tables, false, row.name) || hashes == NULL) {
        return restore_corrupt(restore, "a backup is cut off");
    }
    if (row.id <= backups->id_last ||
        (flags & ~(IMAGE_ROW_FOREIGN | IMAGE_ROW_SCHEDULED)) != 0) {
        return restore_corrupt(restore, "a backup's numbers make no sense");
    }
    if (backups_find(backups, (struct bytes){(const uint8_t *)row.name,
                                             strlen(row.name)}) != NULL) {
        return restore_corrupt(restore, "two backups have the same name");
    }
    memcpy(row.digest, hashes, sizeof(row.digest));
    memcpy(row.cluster, hashes + sizeof(row.digest), sizeof(row.cluster));
    row.foreign = (flags & IMAGE_ROW_FOREIGN) != 0;
    row.scheduled = (flags & IMAGE_ROW_SCHEDULED) != 0;
    (void)backups_add(backups, &row);
    return 0;
}

static int restore_settings(struct restore *restore)
{
    struct machine_settings *settings = &restore->state->settings;

    settings->set = true;
    settings->backup_interval_ms = cursor_u64(&restore->tables);
    settings->max_saved_backups = cursor_u64(&restore->tables);
    if (!cursor_ok(&restore->tables) ||
        settings->backup_interval_ms > BACKUP_INTERVAL_MAX_MS ||
        settings->max_saved_backups == 0 ||
        settings->max_saved_backups > BACKUPS_SAVED_MAX) {
        return restore_corrupt(restore, "its settings make no sense");
    }
    return 0;
}

/* ---- Recovery ------------------------------------------------------------ */

static int restore_recovery(struct restore *restore)
{
    struct recovery_last *last = &restore->state->last_recovery;
    struct cursor *tables = &restore->tables;

    restore->state->kept_id_last = cursor_u64(tables);
    restore->state->producers.void_mark = cursor_u64(tables);
    restore->state->gone_incarnation = cursor_u64(tables);
    restore->state->gone_epoch = cursor_u64(tables);
    last->operation = cursor_u64(tables);
    last->kind = cursor_u32(tables);
    last->index = cursor_u64(tables);
    last->time_ms = cursor_u64(tables);
    last->state_index = cursor_u64(tables);
    last->logs_before = cursor_u64(tables);
    last->entries_before = cursor_u64(tables);
    last->logs_after = cursor_u64(tables);
    last->entries_after = cursor_u64(tables);
    if (!read_name(tables, true, last->source)) {
        return restore_corrupt(restore, "the last recovery is cut off");
    }
    return check_recovery(restore);
}

static int check_recovery(struct restore *restore)
{
    const struct producers *producers = &restore->state->producers;
    const struct recovery_last *last = &restore->state->last_recovery;

    if (restore->state->kept_id_last > IMAGE_NUMBER_MAX ||
        restore->state->gone_incarnation > IMAGE_NUMBER_MAX ||
        restore->state->gone_epoch > IMAGE_NUMBER_MAX ||
        last->kind > RECOVERY_UNDO) {
        return restore_corrupt(restore, "the last recovery makes no sense");
    }
    if (producers->void_mark > producers->mark ||
        (producers->count > 0 &&
         producers->by_id[0]->id <= producers->void_mark)) {
        return restore_corrupt(restore, "a producer outlived a recovery");
    }
    return 0;
}

/* ---- Kept states --------------------------------------------------------- */

static int restore_kept(struct restore *restore, enum machine_part part)
{
    struct kept *kept = kept_new(&restore->state->logs.limits);
    struct cursor *tables = &restore->tables;
    uint64_t uid_last;
    uint32_t count;
    int rv;

    restore->state->kept[part] = kept;
    restore->part = part;
    restore->logs_to = &kept->logs;
    read_kept(tables, kept);
    uid_last = cursor_u64(tables);
    count = cursor_u32(tables);
    if (!read_name(tables, false, kept->source)) {
        return restore_corrupt(restore, "a kept state is cut off");
    }
    if (count > LOGS_MAX || count > cursor_left(tables) / IMAGE_LOG_LEN_MIN) {
        return restore_corrupt(restore, "it has too many logs");
    }
    rv = check_kept(restore, kept);
    if (rv != 0) {
        return rv;
    }
    rv = restore_logs(restore, count);
    if (rv != 0) {
        return rv;
    }
    if (uid_last < kept->logs.uid_last || uid_last > IMAGE_NUMBER_MAX) {
        return restore_corrupt(restore, "a log has a uid that was never given");
    }
    kept->logs.uid_last = uid_last;
    return 0;
}

static void read_kept(struct cursor *tables, struct kept *kept)
{
    kept->id = cursor_u64(tables);
    kept->revision = cursor_u64(tables);
    kept->from_index = cursor_u64(tables);
    kept->from_time_ms = cursor_u64(tables);
    kept->from_state_index = cursor_u64(tables);
    kept->deleted = cursor_u64(tables);
    kept->next_seq = cursor_u64(tables);
    kept->edit_of = cursor_u64(tables);
    kept->log_uid = cursor_u64(tables);
    kept->total_bytes = cursor_u64(tables);
}

static int check_kept(struct restore *restore, const struct kept *kept)
{
    bool is_draft = restore->part == MACHINE_DRAFT;

    if (kept->id == 0 || kept->id > restore->state->kept_id_last ||
        kept->revision > IMAGE_NUMBER_MAX ||
        kept->next_seq > IMAGE_NUMBER_MAX ||
        is_draft != (kept->revision == 0)) {
        return restore_corrupt(restore, "a kept state's numbers make no sense");
    }
    if (!is_draft && (kept->next_seq != 0 || kept->edit_of != 0 ||
                      kept->log_uid != 0 || kept->total_bytes != 0)) {
        return restore_corrupt(restore, "a state that is no draft is filled");
    }
    return 0;
}

/* What it is an edit of, and the log that is being filled, are there. */
static int check_draft(struct restore *restore)
{
    const struct kept *draft = restore->state->kept[MACHINE_DRAFT];
    const struct kept *staged = restore->state->kept[MACHINE_STAGED];

    if (draft == NULL) {
        return 0;
    }
    if (draft->edit_of != (staged == NULL ? 0 : staged->id)) {
        return restore_corrupt(restore, "a draft is an edit of nothing");
    }
    if (draft->log_uid != 0 &&
        logs_find_uid(&draft->logs, draft->log_uid) == NULL) {
        return restore_corrupt(restore, "a draft fills a log that it lacks");
    }
    return 0;
}

/* A backup's name, or one of none where that @may_lack. */
static bool read_name(struct cursor *tables, bool may_lack,
                      char ret[BACKUP_NAME_MAX + 1])
{
    struct bytes name = cursor_sized(tables, BACKUP_NAME_MAX);

    if (!cursor_ok(tables) ||
        (!(may_lack && name.len == 0) &&
         backup_name_check((const char *)name.data, name.len, NULL) != 0)) {
        return false;
    }
    if (name.len > 0) {
        memcpy(ret, name.data, name.len);
    }
    ret[name.len] = '\0';
    return true;
}
