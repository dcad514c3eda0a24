/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog backup import. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/backup_view.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/spool.h"
#include "quorlog.h"
#include "util/hash128.h"

#define FIELD(name) offsetof(struct command_options, name)
#define TOKEN_BYTES_MAX 65536u /* of the file, that its name is made of */

const struct option_row backup_import_options[] = {
    {"foreign", 0, OPTION_FLAG, FIELD(foreign), NULL,
     "also one that another cluster made"},
    COMMAND_OPTIONS_END,
};

/* One file on its way into the cluster. */
struct import {
    struct command_run *run;
    int fd;
    uint64_t total;
    struct progress progress;
    struct err err; /* of a callback; code 0: none */
};

static int import_open(struct import *import, struct err *err);
static int import_send(struct import *import, struct ql_backup *ret_backup,
                       struct err *err);
static int import_token(const struct import *import, uint64_t *ret_token,
                        struct err *err);
static int read_at(int fd, uint64_t offset, void *bytes, size_t len,
                   struct err *err);
static void import_ask_nodes(struct command_run *run, struct ql_backup *backup);
static int on_wanted(void *data, uint64_t offset, void *bytes, size_t len);

int backup_import_run(struct command_run *run, struct err *err)
{
    struct import import = {.run = run, .fd = -1};
    struct ql_backup backup;
    int rv = import_open(&import, err);

    rv = rv != 0 ? rv : command_client(run, 0, err);
    if (rv == 0) {
        progress_init(&import.progress, import.total);
        rv = import_send(&import, &backup, err);
        progress_clear(&import.progress);
    }
    if (rv == 0) {
        import_ask_nodes(run, &backup);
    }
    if (import.fd >= 0) {
        (void)close(import.fd);
    }
    return rv != 0 ? rv : backup_view_one(&run->output, &backup, NULL, err);
}

/* Bytes may be wanted a second time, and how many there are is told before the
 * first: what comes through a pipe is kept in a file without a name. */
static int import_open(struct import *import, struct err *err)
{
    const char *file = import->run->words[0];
    struct stat stat;
    int rv = 0;

    if (strcmp(file, "-") != 0) {
        import->fd = open(file, O_RDONLY | O_CLOEXEC);
        if (import->fd < 0) {
            return err_errno(err, errno, "open it");
        }
    } else if (isatty(STDIN_FILENO)) {
        return err_set(err, QL_INVALID,
                       "standard input is a terminal: name a file");
    } else {
        import->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (import->fd < 0) {
            return err_errno(err, errno, "standard input");
        }
    }
    if (fstat(import->fd, &stat) != 0) {
        return err_errno(err, errno, "look at it");
    }
    if (S_ISDIR(stat.st_mode)) {
        return err_errno(err, EISDIR, "read it");
    }
    if (!S_ISREG(stat.st_mode)) {
        rv = spool_take(&import->fd, err);
        if (rv == 0 && fstat(import->fd, &stat) != 0) {
            rv = err_errno(err, errno, "look at what came");
        }
    }
    if (rv == 0 && stat.st_size == 0) {
        rv = err_set(err, QL_INVALID, "it is empty");
    }
    import->total = (uint64_t)stat.st_size;
    return rv;
}

static int import_send(struct import *import, struct ql_backup *ret_backup,
                       struct err *err)
{
    struct ql_backup_options options = QL_BACKUP_OPTIONS_INIT;
    struct ql_error error;
    int rv = import_token(import, &options.token, err);

    if (rv != 0) {
        return rv;
    }
    rv = ql_backup_import(import->run->client, import->total,
                          import->run->options.foreign, &options, on_wanted,
                          import, ret_backup, &error);
    if (rv != 0 && import->err.code != 0) {
        *err = import->err;
        return err->code;
    }
    return rv == 0 ? 0 : command_error(err, rv, &error);
}

/* The answer does not tell which nodes have it so far. It is there in any case. */
static void import_ask_nodes(struct command_run *run, struct ql_backup *backup)
{
    const struct ql_backup *found;
    struct ql_backup_list *list;

    if (ql_backup_list(run->client, NULL, &list, NULL) != 0) {
        return;
    }
    found = backup_find(list, backup->name);
    if (found != NULL) {
        *backup = *found;
    }
    ql_backup_list_free(list);
}

/* The same for the same file, so that a second run goes on where the first one
 * stopped. A file begins with a table of all that is in it. */
static int import_token(const struct import *import, uint64_t *ret_token,
                        struct err *err)
{
    uint8_t front[TOKEN_BYTES_MAX];
    uint8_t hash[HASH128_LEN];
    const uint8_t salt[] = {import->run->options.foreign};
    struct bytes runs[3] = {
        {.data = front, .len = sizeof front},
        {.data = (const uint8_t *)&import->total, .len = sizeof import->total},
        {.data = salt, .len = sizeof salt},
    };
    int rv;

    if (import->total < sizeof front) {
        runs[0].len = (size_t)import->total;
    }
    rv = read_at(import->fd, 0, front, runs[0].len, err);
    if (rv != 0) {
        return rv;
    }
    hash128_runs(runs, 3, hash);
    memcpy(ret_token, hash, sizeof *ret_token);
    *ret_token = *ret_token == 0 ? 1 : *ret_token;
    return 0;
}

static int read_at(int fd, uint64_t offset, void *bytes, size_t len,
                   struct err *err)
{
    char *at = bytes;

    while (len > 0) {
        ssize_t n = pread(fd, at, len, (off_t)offset);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_errno(err, errno, "read it");
        }
        if (n == 0) {
            return err_set(err, QL_IO, "it became shorter while it was read");
        }
        at += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static int on_wanted(void *data, uint64_t offset, void *bytes, size_t len)
{
    struct import *import = data;

    progress_bytes(&import->progress, len == 0 ? "checking" : "importing",
                   offset);
    return read_at(import->fd, offset, bytes, len, &import->err);
}
