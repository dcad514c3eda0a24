/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/backup_scratch.h"

#include <stdlib.h>
#include <string.h>

#include "backup/backup_front.h"
#include "machine/must.h"
#include "service/backup_refusal.h"
#include "service/service_parts.h"
#include "store/snapshot.h"
#include "util/mem.h"

enum scratch_state {
    SCRATCH_READS,  /* the front */
    SCRATCH_BUILDS, /* off the loop */
    SCRATCH_STANDS,
    SCRATCH_GOES, /* off the loop */
};

struct backup_scratch {
    enum scratch_state state;
    bool is_closed; /* by its owner; goes as soon as it can */
    struct disk *disk;
    struct backup_row row;
    struct backup_read read;
    struct disk_work work;
    struct buf snapshot;
    struct machine *machine;
    struct backup_scratch_log *logs;
    size_t logs_count;
    struct err err;
    backup_scratch_cb cb;
    void *data;
};

static void on_front(struct backup_read *read, int status);
static int build(struct disk_work *work);
static void on_built(struct disk_work *work, int status);
static int list_logs(struct backup_scratch *scratch);
static int compare_uids(const void *a, const void *b);
static int take_down(struct disk_work *work);
static void on_taken_down(struct disk_work *work, int status);
static void begin_end(struct backup_scratch *scratch);

int backup_scratch_open(struct backup_scratch **ret, struct service *service,
                        const struct backup_row *row, backup_scratch_cb cb,
                        void *data, struct err *err)
{
    struct backup_scratch *scratch = mem_must_zalloc(sizeof(*scratch));
    int rv;

    scratch->disk = node_backup_disk(service->node);
    scratch->row = *row;
    scratch->cb = cb;
    scratch->data = data;
    scratch->read.data = scratch;
    scratch->work.data = scratch;
    rv = backup_store_read_front(node_backups(service->node), &scratch->read,
                                 row->name, on_front);
    if (rv != 0) {
        backup_refusal(row->name, rv, "", err);
        free(scratch);
        return rv;
    }
    *ret = scratch;
    return 0;
}

void backup_scratch_close(struct backup_scratch *scratch)
{
    if (scratch == NULL) {
        return;
    }
    scratch->is_closed = true;
    if (scratch->state == SCRATCH_READS) {
        backup_store_read_cancel(&scratch->read);
        free(scratch);
    } else if (scratch->state == SCRATCH_STANDS) {
        begin_end(scratch);
    }
}

const struct machine *backup_scratch_machine(
    const struct backup_scratch *scratch)
{
    return scratch->machine;
}

const struct backup_scratch_log *backup_scratch_logs(
    const struct backup_scratch *scratch, size_t *ret_count)
{
    *ret_count = scratch->logs_count;
    return scratch->logs;
}

/* ---- Coming -------------------------------------------------------------- */

/* Only the snapshot is kept: the rows say nothing that the machine will not. */
static void on_front(struct backup_read *read, int status)
{
    struct backup_scratch *scratch = read->data;
    struct backup_front front;
    struct bytes snapshot;
    struct err err = {0};

    if (status == 0) {
        status = backup_front_decode(read->bytes.data, &front, &read->err);
    }
    if (status == 0) {
        snapshot = backup_front_snapshot(read->bytes, &front);
        must_have_memory(
            buf_add(&scratch->snapshot, snapshot.data, snapshot.len));
        scratch->state = SCRATCH_BUILDS;
        scratch->work.run = build;
        scratch->work.cb = on_built;
        status = scratch->disk->ops->work(scratch->disk, &scratch->work);
    }
    if (status != 0) {
        scratch->state = SCRATCH_STANDS; /* as empty as it is */
        status =
            backup_refusal(scratch->row.name, status, read->err.text, &err);
        scratch->cb(scratch->data, status, &err);
    }
}

/* The digest in the replicated table proves that these are the logs that were
 * backed up, wherever the files came from. */
static int build(struct disk_work *work)
{
    struct backup_scratch *scratch = work->data;
    uint8_t digest[HASH128_LEN];
    uint64_t index;
    int rv;

    scratch->machine = machine_new(NULL);
    rv = snapshot_restore(scratch->machine, scratch->snapshot.data,
                          scratch->snapshot.len, NULL, &index, &scratch->err);
    if (rv != 0) {
        return rv;
    }
    machine_logs_digest(scratch->machine, digest);
    if (memcmp(digest, scratch->row.digest, sizeof(digest)) != 0) {
        return err_set(&scratch->err, QL_CORRUPT,
                       "its logs are not those that were backed up");
    }
    return list_logs(scratch);
}

static void on_built(struct disk_work *work, int status)
{
    struct backup_scratch *scratch = work->data;
    struct err err = {0};

    buf_close(&scratch->snapshot);
    scratch->state = SCRATCH_STANDS;
    if (scratch->is_closed) {
        begin_end(scratch);
        return;
    }
    if (status != 0) {
        status =
            backup_refusal(scratch->row.name, status, scratch->err.text, &err);
    }
    scratch->cb(scratch->data, status, &err);
}

static int list_logs(struct backup_scratch *scratch)
{
    struct log_list_args args = {.max = LIST_PAGE_MAX};
    struct log_list_result list;
    struct machine_counts counts;
    uint32_t rows = 0;
    bool more = true;
    size_t i;

    machine_counts(scratch->machine, &counts);
    scratch->logs = mem_must_array(counts.logs + 1, sizeof(*scratch->logs));
    while (more) {
        if (machine_log_list(scratch->machine, &args, &list) != 0) {
            return err_set(&scratch->err, QL_INTERNAL, "no list of its logs");
        }
        for (i = 0; i < list.count; i++) {
            scratch->logs[scratch->logs_count++].uid = list.stats[i].uid;
            args.after = list.stats[i].name; /* stays: nothing is applied */
        }
        more = list.more;
        log_list_result_close(&list);
    }
    qsort(scratch->logs, scratch->logs_count, sizeof(*scratch->logs),
          compare_uids);
    for (i = 0; i < scratch->logs_count; i++) {
        size_t count;

        scratch->logs[i].first_row = rows;
        (void)machine_part_chunks(scratch->machine, MACHINE_LIVE,
                                  scratch->logs[i].uid, &count);
        rows += (uint32_t)count;
    }
    return 0;
}

static int compare_uids(const void *a, const void *b)
{
    uint64_t left = ((const struct backup_scratch_log *)a)->uid;
    uint64_t right = ((const struct backup_scratch_log *)b)->uid;

    return left < right ? -1 : left > right;
}

/* ---- Going --------------------------------------------------------------- */

/* A machine of many chunks takes its time to be freed. */
static void begin_end(struct backup_scratch *scratch)
{
    scratch->state = SCRATCH_GOES;
    scratch->work.run = take_down;
    scratch->work.cb = on_taken_down;
    if (scratch->machine == NULL ||
        scratch->disk->ops->work(scratch->disk, &scratch->work) != 0) {
        on_taken_down(&scratch->work, take_down(&scratch->work));
    }
}

static int take_down(struct disk_work *work)
{
    struct backup_scratch *scratch = work->data;

    if (scratch->machine != NULL) {
        machine_free(scratch->machine);
    }
    return 0;
}

static void on_taken_down(struct disk_work *work, int status)
{
    struct backup_scratch *scratch = work->data;

    (void)status;
    buf_close(&scratch->snapshot);
    free(scratch->logs);
    free(scratch);
}
