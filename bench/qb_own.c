/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qb_floor_disk.h"
#include "scale_process.h"

#define DISK_LEAST (2ull * 1024 * MIB) /* for the nodes, their reserves */

static int find_daemon(const struct qb_options *options, char *ret, size_t room,
                       struct err *err);
static bool find_in_path(char *ret, size_t room);
static int take_words(struct qb_cluster *cluster, const char *text,
                      struct err *err);
static int make_dir(struct qb_bench *bench, struct err *err);

int qb_own_start(struct qb_bench *bench, struct err *err)
{
    static char daemon[PATH_LEN_MAX];
    int rv = find_daemon(&bench->options, daemon, sizeof daemon, err);

    bench->cluster.daemon = daemon;
    if (rv == 0 && bench->options.node_options != NULL) {
        rv = take_words(&bench->cluster, bench->options.node_options, err);
    }
    if (rv == 0) {
        rv = make_dir(bench, err);
    }
    if (rv == 0) {
        rv = qb_cluster_init(&bench->cluster, (size_t)bench->options.nodes,
                             bench->dir, err);
    }
    if (rv == 0) {
        rv = qb_cluster_start(&bench->cluster, err);
    }
    bench->result.own = true;
    return rv;
}

void qb_own_end(struct qb_bench *bench)
{
    qb_cluster_kill(&bench->cluster);
    if (bench->dir[0] == '\0') {
        return;
    }
    if (bench->options.keep) {
        (void)fprintf(stderr, "left behind: %s\n", bench->dir);
    } else {
        scale_dir_remove(bench->dir);
    }
    bench->dir[0] = '\0';
}

static int find_daemon(const struct qb_options *options, char *ret, size_t room,
                       struct err *err)
{
    char own[PATH_LEN_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    static const char *const places[] = {"quorlogd", "../quorlogd",
                                         "../../quorlogd", "../sbin/quorlogd"};

    if (options->daemon != NULL) {
        (void)snprintf(ret, room, "%s", options->daemon);
        return access(ret, X_OK) == 0
                   ? 0
                   : err_errno(err, errno, "--daemon %s", options->daemon);
    }
    own[len > 0 ? len : 0] = '\0';
    if (strrchr(own, '/') != NULL) {
        *strrchr(own, '/') = '\0';
    }
    /* Beside it, above it in a tree where it was built, or where `make install`
     * puts it. */
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if ((size_t)snprintf(ret, room, "%s/%s", own, places[i]) < room &&
            access(ret, X_OK) == 0) {
            return 0;
        }
    }
    return find_in_path(ret, room)
               ? 0
               : err_set(err, QL_NOT_FOUND,
                         "no quorlogd beside this program or in PATH; name "
                         "it with --daemon, or a cluster with --endpoints");
}

static bool find_in_path(char *ret, size_t room)
{
    const char *at = getenv("PATH");

    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, ":");

        if ((size_t)snprintf(ret, room, "%.*s/quorlogd", (int)len, at) < room &&
            access(ret, X_OK) == 0) {
            return true;
        }
        at += len + (at[len] == ':' ? 1 : 0);
    }
    return false;
}

/* Words with blanks between; the text stays until the process ends. */
static int take_words(struct qb_cluster *cluster, const char *text,
                      struct err *err)
{
    char *words = strdup(text);
    char *place = NULL;
    size_t count = 0;

    if (words == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    for (char *word = strtok_r(words, " ", &place); word != NULL;
         word = strtok_r(NULL, " ", &place)) {
        if (count + 1 == QB_WORDS_MAX) {
            return err_set(err, QL_INVALID, "--node-options: at most %u words",
                           QB_WORDS_MAX - 1);
        }
        cluster->options[count++] = word;
    }
    return 0;
}

static int make_dir(struct qb_bench *bench, struct err *err)
{
    const char *dir = bench->options.dir != NULL ? bench->options.dir : ".";
    char made[PATH_LEN_MAX];
    char *whole;

    if ((size_t)snprintf(made, sizeof made, "%s/quorlog-bench.XXXXXX", dir) >=
        sizeof made) {
        return err_set(err, QL_INVALID, "--dir is too long");
    }
    if (mkdtemp(made) == NULL) {
        return err_errno(err, errno, "make a directory in %s", dir);
    }
    /* The nodes are told of it as it is from anywhere. */
    whole = realpath(made, NULL);
    (void)snprintf(bench->dir, sizeof bench->dir, "%s",
                   whole != NULL ? whole : made);
    free(whole);
    if (scale_disk_free(bench->dir) < DISK_LEAST) {
        return err_set(err, QL_NO_SPACE,
                       "%s has less than 2 GiB free; choose another --dir",
                       dir);
    }
    if (strcmp(qb_disk_kind(bench->dir), "tmpfs") == 0) {
        (void)fprintf(stderr,
                      "quorlog-bench: %s is memory, not a disk: what is "
                      "measured there is not durable\n",
                      dir);
    }
    return 0;
}
