/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What cannot be measured is refused before anything is started. */
#include "qb_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "quorlog.h"
#include "util/text.h"

#define PERCENT_MAX 100u
#define RATE_MAX 10000000u

static int check_file(const char *name, const char *path, bool is_replaced,
                      struct err *err);

/* Options that would change nothing are refused: who gives one means something
 * else than what would be measured. */
int qb_options_check_use(const struct qb_options *options, bool floor_dirs,
                         struct err *err)
{
    bool own = options->endpoints == NULL;
    bool loads = options->mode != QB_FAILOVER;
    bool reads = options->mode == QB_READ || options->mode == QB_MIXED;
    const char *const starts = "where it starts the cluster itself";
    const char *const not_failover =
        "where a load is measured for a time, not of failover";
    const struct {
        const char *name;
        bool is_given;
        bool is_used;
        const char *where;
    } rows[] = {
        {"nodes", options->nodes != UINT64_MAX, own, starts},
        {"dir", options->dir != NULL, own, starts},
        {"daemon", options->daemon != NULL, own, starts},
        {"node-options", options->node_options != NULL, own, starts},
        {"floor-dir", floor_dirs, !own, "with --endpoints"},
        {"keys", options->keys != UINT64_MAX, options->key_size > 0,
         "with --key-size"},
        {"tail", options->tail, reads, "of read and mixed"},
        {"stale", options->stale, reads || options->mode == QB_FOLLOW,
         "of read, mixed and follow"},
        {"reads", options->reads != UINT64_MAX, options->mode == QB_MIXED,
         "of mixed"},
        {"followers", options->followers != UINT64_MAX,
         options->mode == QB_FOLLOW, "of follow"},
        {"batch", options->batch != 1, loads, not_failover},
        {"connections", options->connections != 0, loads, not_failover},
        {"threads", options->threads != 1, loads, not_failover},
        {"rate", options->rate != 0, loads, not_failover},
        {"duration", options->duration_ms != UINT64_MAX, loads, not_failover},
        {"warm-up", options->warmup_ms != UINT64_MAX, loads, not_failover},
        {"pause", options->pause, options->mode == QB_FAILOVER, "of failover"},
    };

    if (!own && options->endpoints[0] == '\0') {
        return err_set(err, QL_INVALID, "--endpoints names no node");
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].is_given && !rows[i].is_used) {
            return err_set(err, QL_INVALID, "--%s: only %s", rows[i].name,
                           rows[i].where);
        }
    }
    return 0;
}

struct bound {
    const char *name;
    uint64_t value;
    uint64_t least;
    uint64_t most;
    const char *unit;
};

static int check_bounds(const struct qb_options *options, struct err *err)
{
    const struct bound bounds[] = {
        {"nodes", options->nodes, 1, MEMBERS_MAX, ""},
        {"size", options->size, 0, ENTRY_VALUE_MAX, ""},
        {"key-size", options->key_size, 0, ENTRY_KEY_MAX, ""},
        {"keys", options->keys, 1, QB_KEYS_MAX, ""},
        {"batch", options->batch, 1, QB_BATCH_MAX, ""},
        {"logs", options->logs, 1, LOGS_MAX, ""},
        {"reads", options->reads, 0, PERCENT_MAX, ""},
        {"followers", options->followers, 1, QB_FOLLOWERS_MAX, ""},
        {"connections", options->connections, 0, QB_CONNECTIONS_MAX, ""},
        {"threads", options->threads, 1, QB_THREADS_MAX, ""},
        {"rate", options->rate, 0, RATE_MAX, ""},
        {"duration", options->duration_ms, 1, QB_DURATION_MAX_MS, " ms"},
        {"warm-up", options->warmup_ms, 0, QB_DURATION_MAX_MS, " ms"},
        {"repetitions", options->repetitions, 1, QB_REPETITIONS_MAX, ""},
        {"timeout", options->timeout_ms, 1, QB_DURATION_MAX_MS, " ms"},
    };

    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        if (bounds[i].value < bounds[i].least ||
            bounds[i].value > bounds[i].most) {
            return err_set(err, QL_INVALID, "--%s is %llu to %llu%s",
                           bounds[i].name, (unsigned long long)bounds[i].least,
                           (unsigned long long)bounds[i].most, bounds[i].unit);
        }
    }
    return 0;
}

static int check_follow(const struct qb_options *options, struct err *err)
{
    if (options->outstanding_count > 1 || options->outstanding[0] > 1 ||
        options->logs > 1 || options->threads > 1 || options->batch > 1) {
        return err_set(err, QL_INVALID,
                       "follow is one append at a time, of one entry to one "
                       "log, by one thread");
    }
    if (options->followers >
        qb_options_connections(options, 1) * SESSION_FOLLOWS_MAX) {
        return err_set(err, QL_INVALID,
                       "a connection has at most %u --followers",
                       SESSION_FOLLOWS_MAX);
    }
    if (options->size < QB_STAMP_LEN) {
        return err_set(err, QL_INVALID,
                       "follow: --size is at least %u, for what tells the "
                       "entries apart",
                       QB_STAMP_LEN);
    }
    return 0;
}

int qb_options_check(const struct qb_options *options, struct err *err)
{
    int rv = check_bounds(options, err);

    if (rv == 0 && options->mode == QB_FOLLOW) {
        rv = check_follow(options, err);
    }
    if (rv == 0 && options->mode == QB_READ && options->prefill == 0 &&
        options->log == NULL) {
        rv = err_set(err, QL_INVALID,
                     "read: with --prefill 0 there is nothing to read, unless "
                     "--log names a log that is there");
    }
    if (rv == 0 && options->outstanding_count > 1 &&
        (options->mode == QB_FAILOVER || options->mode == QB_SNAPSHOT)) {
        rv = err_set(err, QL_INVALID, "%s: --outstanding is one number",
                     qb_mode_name(options->mode));
    }
    if (rv == 0) {
        rv = check_file("json-file", options->json_file, false, err);
    }
    if (rv == 0) {
        rv = check_file("html", options->html_file, true, err);
    }
    if (rv != 0) {
        return rv;
    }
    if (options->batch * (options->size + options->key_size) >
        APPEND_BYTES_MAX) {
        return err_set(err, QL_INVALID,
                       "--batch entries of --size bytes are more than the "
                       "%u MiB of one append",
                       APPEND_BYTES_MAX / MIB);
    }
    if (options->connections > 0 && options->threads > options->connections) {
        return err_set(err, QL_INVALID,
                       "each of --threads needs one of --connections");
    }
    return options->log != NULL
               ? log_name_check(options->log, strlen(options->log), err)
               : 0;
}

/* That it cannot be written must not be found out after the measurement. What
 * @is_replaced takes the place of what is there, which must not be a device. */
static int check_file(const char *name, const char *path, bool is_replaced,
                      struct err *err)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    char dir[PATH_LEN_MAX] = ".";
    struct stat there;

    if (path == NULL) {
        return 0;
    }
    if (strlen(path) >= sizeof dir) {
        return err_set(err, QL_INVALID, "--%s is too long", name);
    }
    if (slash != NULL) {
        (void)snprintf(dir, sizeof dir, "%.*s", (int)(slash - path + 1), path);
    }
    if (stat(path, &there) != 0) {
        return access(dir, W_OK | X_OK) == 0
                   ? 0
                   : err_errno(err, errno, "--%s %s", name, path);
    }
    if (S_ISDIR(there.st_mode) || (is_replaced && !S_ISREG(there.st_mode))) {
        return err_set(err, QL_INVALID, "--%s %s: that is no file", name, path);
    }
    return access(is_replaced ? dir : path, W_OK) == 0
               ? 0
               : err_errno(err, errno, "--%s %s", name, path);
}
