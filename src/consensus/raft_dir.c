/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/raft_dir.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <raft.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "consensus/configuration.h"
#include "consensus/raft_io_real.h"
#include "util/diag.h"
#include "util/file.h"

static int remove_rest(const char *path, struct err *err);
static int bootstrap(const struct identity *identity, const char *dir,
                     uv_loop_t *loop, struct err *err);
static void on_fatal(void *data, const char *reason);
static int bootstrap_core(struct raft *raft, const struct raft_io_real *io,
                          const struct identity *identity, struct err *err);

int raft_dir_make(const struct identity *identity, const char *dir,
                  struct err *err)
{
    char path[PATH_LEN_MAX];
    uv_loop_t loop;
    int closed;
    int rv = path_join(path, sizeof path, dir, RAFT_DIR_NAME, err);

    if (rv != 0) {
        return rv;
    }
    rv = remove_rest(path, err);
    if (rv != 0) {
        return rv;
    }
    rv = dir_make(path, err);
    if (rv != 0) {
        return rv;
    }
    rv = uv_loop_init(&loop);
    if (rv != 0) {
        return err_set(err, QL_IO, "start an event loop: %s", uv_strerror(rv));
    }
    rv = bootstrap(identity, dir, &loop, err);
    closed = uv_loop_close(&loop);
    /* Everything on it was closed and has said so. */
    assert(closed == 0);
    return rv;
}

static int remove_rest(const char *path, struct err *err)
{
    char file[PATH_LEN_MAX];
    DIR *stream = opendir(path);
    int rv = 0;

    if (stream == NULL) {
        return errno == ENOENT ? 0 : err_errno(err, errno, "open %s", path);
    }
    for (;;) {
        struct dirent *entry = readdir(stream);

        if (entry == NULL) {
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        rv = path_join(file, sizeof file, path, entry->d_name, err);
        if (rv != 0) {
            break;
        }
        if (unlink(file) != 0) {
            rv = err_errno(err, errno, "remove %s", file);
            break;
        }
    }
    (void)closedir(stream);
    if (rv == 0 && rmdir(path) != 0) {
        rv = err_errno(err, errno, "remove %s", path);
    }
    return rv;
}

static int bootstrap(const struct identity *identity, const char *dir,
                     uv_loop_t *loop, struct err *err)
{
    const struct raft_io_real_options options = {
        .loop = loop, .identity = identity, .dir = dir, .on_fatal = on_fatal};
    /* Nothing is applied, so no callback is ever called. */
    struct raft_fsm fsm = {.version = 1};
    struct raft raft = {0};
    struct raft_io_real *io;
    int rv = raft_io_real_new(&io, &options, err);

    if (rv != 0) {
        return rv;
    }
    rv = raft_init(&raft, raft_io_real_io(io), &fsm, identity->node,
                   identity_member(identity, identity->node)->peer_address);
    if (rv != 0) {
        rv = err_set(err, QL_IO, "prepare %s/" RAFT_DIR_NAME ": %s", dir,
                     raft_io_real_io(io)->errmsg);
        goto free_io;
    }
    rv = bootstrap_core(&raft, io, identity, err);
    raft_close(&raft, NULL);
    (void)uv_run(loop, UV_RUN_DEFAULT);

free_io:
    raft_io_real_free(io);
    return rv;
}

/* The call that began it fails, too. */
static void on_fatal(void *data, const char *reason)
{
    (void)data;
    diag_error("%s", reason);
}

static int bootstrap_core(struct raft *raft, const struct raft_io_real *io,
                          const struct identity *identity, struct err *err)
{
    struct raft_configuration configuration;
    int rv;

    raft_configuration_init(&configuration);
    rv = configuration_from_identity(identity, &configuration, err);
    if (rv != 0) {
        goto close_configuration;
    }
    rv = raft_bootstrap(raft, &configuration);
    if (rv != 0) {
        const struct err *reason = raft_io_real_err(io);

        rv = err_set(err, QL_IO, "write the first configuration: %s",
                     reason->code == 0 ? raft_strerror(rv) : reason->text);
    }

close_configuration:
    raft_configuration_close(&configuration);
    return rv;
}
