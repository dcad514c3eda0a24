/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/recover_make.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "consensus/configuration.h"
#include "consensus/disk_real.h"
#include "consensus/recover_packer.h"
#include "store/snapshot.h"
#include "util/diag.h"
#include "util/file.h"

typedef int (*fill_fn)(struct recover_make *make,
                       const struct identity *identity, struct disk *disk,
                       uv_loop_t *loop, struct err *err);

static int make_all(void *data, const struct identity *identity,
                    const char *dir, struct err *err);
static int fill_below(struct recover_make *make,
                      const struct identity *identity, const char *dir,
                      const char *name, fill_fn fill, struct err *err);
static int fill_disk(struct recover_make *make, const struct identity *identity,
                     const char *path, fill_fn fill, uv_loop_t *loop,
                     struct err *err);
static void on_stopped(void *data);
static int remove_rest(const char *path, struct err *err);
static int fill_chunks(struct recover_make *make,
                       const struct identity *identity, struct disk *disk,
                       uv_loop_t *loop, struct err *err);
static int fill_raft(struct recover_make *make, const struct identity *identity,
                     struct disk *disk, uv_loop_t *loop, struct err *err);
static int store_snapshot(const struct recover_make *make,
                          const struct identity *identity, struct disk *disk,
                          struct err *err);
static int begin_log(const struct recover_make *make, struct disk *disk,
                     uv_loop_t *loop, struct err *err);
static void on_fatal(void *data, const char *reason);
static int no_entry(void *data, raft_index index, raft_term term,
                    unsigned short type, const void *payload, size_t len);
static void no_truncation(void *data, raft_index index);

int recover_make(struct recover_make *make, const struct identity *identity,
                 const char *dir, struct err *err)
{
    return identity_make(identity, dir, make_all, make, err);
}

static int make_all(void *data, const struct identity *identity,
                    const char *dir, struct err *err)
{
    struct recover_make *make = data;
    int rv = fill_below(make, identity, dir, CHUNKS_DIR_NAME, fill_chunks, err);

    if (rv == 0) {
        rv = fill_below(make, identity, dir, RAFT_DIR_NAME, fill_raft, err);
    }
    if (rv == 0 && make->before_end != NULL) {
        rv = make->before_end(make->data, err);
    }
    return rv;
}

static int fill_below(struct recover_make *make,
                      const struct identity *identity, const char *dir,
                      const char *name, fill_fn fill, struct err *err)
{
    char path[PATH_LEN_MAX];
    uv_loop_t loop;
    int closed;
    int rv = path_join(path, sizeof path, dir, name, err);

    if (rv == 0) {
        rv = remove_rest(path, err);
    }
    if (rv == 0) {
        rv = dir_make(path, err);
    }
    if (rv != 0) {
        return rv;
    }
    rv = uv_loop_init(&loop);
    if (rv != 0) {
        return err_set(err, QL_IO, "start an event loop: %s", uv_strerror(rv));
    }
    rv = fill_disk(make, identity, path, fill, &loop, err);
    closed = uv_loop_close(&loop);
    /* Everything on it was closed and has said so. */
    assert(closed == 0);
    return rv;
}

static int fill_disk(struct recover_make *make, const struct identity *identity,
                     const char *path, fill_fn fill, uv_loop_t *loop,
                     struct err *err)
{
    const struct disk_real_options options = {
        .loop = loop, .dir = path, .works_only = fill == fill_chunks};
    struct disk_real *real;
    int rv = disk_real_start(&real, &options, err);

    if (rv != 0) {
        return rv;
    }
    rv = fill(make, identity, disk_real_disk(real), loop, err);
    while (!disk_real_is_idle(real)) {
        (void)uv_run(loop, UV_RUN_ONCE);
    }
    disk_real_stop(real, on_stopped, NULL);
    (void)uv_run(loop, UV_RUN_DEFAULT);
    return rv;
}

static void on_stopped(void *data)
{
    (void)data;
}

/* Of a call that was cut off, by the caller's word. */
static int remove_rest(const char *path, struct err *err)
{
    char file[PATH_LEN_MAX];
    DIR *stream = opendir(path);
    struct dirent *entry;
    int rv = 0;

    if (stream == NULL) {
        return errno == ENOENT ? 0 : err_errno(err, errno, "open %s", path);
    }
    while (rv == 0 && (entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        rv = path_join(file, sizeof file, path, entry->d_name, err);
        if (rv == 0 && unlink(file) != 0) {
            rv = err_errno(err, errno, "remove %s", file);
        }
    }
    (void)closedir(stream);
    return rv;
}

/* ---- Chunks ---- */

static int fill_chunks(struct recover_make *make,
                       const struct identity *identity, struct disk *disk,
                       uv_loop_t *loop, struct err *err)
{
    struct recover_packer packer;
    int rv;

    (void)loop;
    recover_packer_init(&packer, make->plan, disk, identity);
    packer.allow_missing = make->allow_missing;
    rv = recover_packer_run(&packer, err);
    make->chunks = packer.chunks;
    make->raw_bytes = packer.raw_bytes;
    recover_packer_close(&packer);
    return rv;
}

/* ---- The raft log ---- */

static int fill_raft(struct recover_make *make, const struct identity *identity,
                     struct disk *disk, uv_loop_t *loop, struct err *err)
{
    int rv = vote_file_create(disk, make->result->term, err);

    if (rv == 0) {
        rv = store_snapshot(make, identity, disk, err);
    }
    return rv == 0 ? begin_log(make, disk, loop, err) : rv;
}

static int store_snapshot(const struct recover_make *make,
                          const struct identity *identity, struct disk *disk,
                          struct err *err)
{
    const struct recover_result *result = make->result;
    struct view *view = machine_freeze(make->plan->machine);
    struct snapshot_meta meta = {.index = result->index,
                                 .term = result->term,
                                 .configuration_index = result->index};
    struct raft_buffer configuration = {.base = NULL};
    struct buf snapshot = BUF_INIT;
    int rv = snapshot_encode(view, result->index, &snapshot, err);

    view_free(view);
    if (rv == 0 && snapshot.len > SNAPSHOT_LEN_MAX) {
        rv = err_set(err, QL_TOO_LARGE, "the snapshot has %zu bytes",
                     snapshot.len);
    }
    if (rv == 0) {
        rv = configuration_encode_first(identity, &configuration, err);
    }
    if (rv == 0) {
        const struct bytes bytes = {snapshot.data, snapshot.len};

        meta.configuration =
            (struct bytes){configuration.base, configuration.len};
        rv = snapshot_dir_store(disk, &meta, &bytes, 1, err);
    }
    raft_free(configuration.base);
    buf_close(&snapshot);
    return rv;
}

/* An empty one, which begins behind the snapshot. */
static int begin_log(const struct recover_make *make, struct disk *disk,
                     uv_loop_t *loop, struct err *err)
{
    bool failed = false;
    const struct wal_options options = {
        .disk = disk, .on_fatal = on_fatal, .data = &failed};
    const struct wal_reader reader = {no_entry, no_truncation, NULL};
    struct wal_report report;
    struct wal *wal;
    int rv = wal_open(&wal, &options, make->result->index + 1, &reader, &report,
                      err);

    if (rv != 0) {
        return rv;
    }
    while (wal_is_busy(wal) && !failed) {
        (void)uv_run(loop, UV_RUN_ONCE);
    }
    wal_free(wal);
    return failed ? err_set(err, QL_IO, "begin the raft log") : 0;
}

static void on_fatal(void *data, const char *reason)
{
    bool *failed = data;

    diag_error("%s", reason);
    *failed = true;
}

static int no_entry(void *data, raft_index index, raft_term term,
                    unsigned short type, const void *payload, size_t len)
{
    (void)data;
    (void)index;
    (void)term;
    (void)type;
    (void)payload;
    (void)len;
    return QL_INTERNAL; /* the directory is new */
}

static void no_truncation(void *data, raft_index index)
{
    (void)data;
    (void)index;
}
