/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/recover_export.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/backup_front.h"
#include "consensus/recover_frame.h"
#include "consensus/recover_packer.h"
#include "machine/machine_parts.h"
#include "machine/must.h"
#include "store/snapshot.h"
#include "util/crc32c.h"
#include "util/file.h"

/* The front is written last, when the lengths of all frames are known. */
struct exporting {
    struct recover_plan *plan;
    int fd;
    struct backup_front header;
    struct buf front; /* whole, but the header and the last checksum */
    uint64_t at;      /* of the next frame */
    uint32_t next;    /* row */
    struct buf raw;
    struct buf frame;
    struct buf open; /* bytes of open chunks */
    int rv;
    struct err *err;
};

static int write_parts(struct exporting *exporting,
                       const struct recover_result *result);
static void fill_row(struct exporting *exporting,
                     const struct recover_result *result);
static int begin_front(struct exporting *exporting,
                       const struct recover_result *result);
static void count_chunk(void *data, struct chunk *chunk,
                        const uint8_t from[HASH128_LEN]);
static void write_chunk(void *data, struct chunk *chunk,
                        const uint8_t from[HASH128_LEN]);
static int write_tail(struct exporting *exporting);
static int write_front(struct exporting *exporting);
static int put(struct exporting *exporting, uint64_t at, const void *bytes,
               size_t len);

int recover_export(struct recover_plan *plan,
                   const struct recover_result *result, const char *path,
                   struct err *err)
{
    struct exporting exporting = {.plan = plan, .err = err};
    char aside[PATH_LEN_MAX];
    char dir[PATH_LEN_MAX];
    int rv;

    if (snprintf(aside, sizeof aside, "%s.tmp", path) >= (int)sizeof aside) {
        return err_set(err, QL_TOO_LARGE, "the path %.60s... is too long",
                       path);
    }
    (void)snprintf(dir, sizeof dir, "%s", path);
    if (access(path, F_OK) == 0) {
        return err_set(err, QL_EXISTS, "%s is there already", path);
    }
    exporting.fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (exporting.fd < 0) {
        return err_errno(err, errno, "make %s", aside);
    }
    rv = write_parts(&exporting, result);
    if (rv == 0 && fsync(exporting.fd) != 0) {
        rv = err_errno(err, errno, "sync %s", aside);
    }
    (void)close(exporting.fd);
    if (rv == 0 && rename(aside, path) != 0) {
        rv = err_errno(err, errno, "rename %s", aside);
    }
    if (rv == 0) {
        rv = dir_sync(dirname(dir), err);
    } else {
        (void)unlink(aside);
    }
    buf_close(&exporting.front);
    buf_close(&exporting.raw);
    buf_close(&exporting.frame);
    buf_close(&exporting.open);
    return rv == 0 ? 0 : err_wrap(err, "export");
}

static int write_parts(struct exporting *exporting,
                       const struct recover_result *result)
{
    struct buf frame = BUF_INIT;
    int rv;

    fill_row(exporting, result);
    rv = begin_front(exporting, result);
    if (rv == 0) {
        machine_each_chunk(exporting->plan->machine, write_chunk, exporting);
        rv = exporting->rv;
    }
    if (rv == 0) {
        rv = write_tail(exporting);
    }
    if (rv == 0) {
        recover_frame_encode(result, &frame);
        rv =
            put(exporting, exporting->header.stream_len, frame.data, frame.len);
    }
    buf_close(&frame);
    return rv == 0 ? write_front(exporting) : rv;
}

static void fill_row(struct exporting *exporting,
                     const struct recover_result *result)
{
    const struct machine *machine = exporting->plan->machine;
    struct backup_row *row = &exporting->header.row;
    struct identity made = {.node = 0};
    struct machine_counts counts;

    machine_counts(machine, &counts);
    machine_each_chunk(machine, count_chunk, &exporting->header.chunks);
    memcpy(made.cluster, result->cluster, sizeof made.cluster);
    *row = (struct backup_row){.index = result->index,
                               .time_ms = counts.time_ms,
                               .state_index = counts.state_index,
                               .logs = counts.logs,
                               .entries = counts.entries,
                               .bytes = counts.bytes,
                               .chunks = exporting->header.chunks};
    (void)snprintf(row->name, sizeof row->name, "recovered-%.8s",
                   result->cluster);
    machine_logs_digest(machine, row->digest);
    identity_cluster_bytes(&made, row->cluster);
}

static void count_chunk(void *data, struct chunk *chunk,
                        const uint8_t from[HASH128_LEN])
{
    uint32_t *count = data;

    (void)chunk;
    (void)from;
    (*count)++;
}

static int begin_front(struct exporting *exporting,
                       const struct recover_result *result)
{
    struct backup_front *header = &exporting->header;
    struct view *view = machine_freeze(exporting->plan->machine);
    struct buf snapshot = BUF_INIT;
    size_t rows_len = (size_t)header->chunks * PACK_ROW_LEN;
    int rv = snapshot_encode(view, result->index, &snapshot, exporting->err);

    view_free(view);
    header->snapshot_len = snapshot.len;
    exporting->at = backup_front_len(header);
    if (rv == 0) {
        struct buf *front = &exporting->front;

        (void)must_have_memory(buf_reserve(front, (size_t)exporting->at));
        memset(front->data, 0, (size_t)exporting->at);
        memcpy(front->data + BACKUP_FRONT_HEADER_LEN + rows_len, snapshot.data,
               snapshot.len);
        front->len = (size_t)exporting->at;
    }
    buf_close(&snapshot);
    return rv;
}

static void write_chunk(void *data, struct chunk *chunk,
                        const uint8_t from[HASH128_LEN])
{
    struct exporting *exporting = data;
    struct bytes raw;
    struct pack_row row;

    if (exporting->rv != 0) {
        return;
    }
    exporting->rv = recover_plan_bytes(exporting->plan, chunk, from,
                                       &exporting->raw, exporting->err);
    if (exporting->rv != 0) {
        return;
    }
    raw = (struct bytes){exporting->raw.data, exporting->raw.len};
    exporting->rv = recover_row_make(chunk, from, raw, &exporting->frame, &row,
                                     exporting->err);
    if (exporting->rv == 0) {
        row.frame_at = exporting->at;
        pack_row_encode(&row, exporting->front.data +
                                  backup_front_row_at(exporting->next));
        exporting->rv = put(exporting, exporting->at, exporting->frame.data,
                            exporting->frame.len);
        exporting->at += exporting->frame.len;
        exporting->next++;
    }
}

static int write_tail(struct exporting *exporting)
{
    struct backup_front *header = &exporting->header;
    struct buf *open = &exporting->open;
    int rv = 0;

    recover_plan_open_bytes(exporting->plan, open);
    exporting->frame.len = 0;
    if (open->len > 0) {
        rv = pack_frame_compress((struct bytes){open->data, open->len},
                                 &exporting->frame, exporting->err);
    }
    header->tail_raw_len = open->len;
    header->tail_len = exporting->frame.len;
    header->tail_crc = crc32c(0, exporting->frame.data, exporting->frame.len);
    header->stream_len = exporting->at + exporting->frame.len;
    return rv == 0 ? put(exporting, exporting->at, exporting->frame.data,
                         exporting->frame.len)
                   : rv;
}

static int write_front(struct exporting *exporting)
{
    backup_front_encode(&exporting->header, exporting->front.data);
    backup_front_seal(exporting->front.data, exporting->front.len);
    return put(exporting, 0, exporting->front.data, exporting->front.len);
}

static int put(struct exporting *exporting, uint64_t at, const void *bytes,
               size_t len)
{
    const uint8_t *from = bytes;

    while (len > 0) {
        ssize_t written = pwrite(exporting->fd, from, len, (off_t)at);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return err_errno(exporting->err, errno, "write");
        }
        from += written;
        at += (uint64_t)written;
        len -= (size_t)written;
    }
    return 0;
}
