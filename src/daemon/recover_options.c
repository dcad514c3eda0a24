/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "daemon/recover_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config.h"
#include "util/file.h"
#include "util/random.h"

#define SECRET_FILE_MAX 4096u
#define DIR_MAX 900u /* it must fit into a line of a mark */

#define ROW(name, letter, kind, field, argument, help)                         \
    {                                                                          \
        name, letter, kind, offsetof(struct recover_options, field), argument, \
            help                                                               \
    }

static const struct option_row rows[] = {
    ROW("plan", 'p', OPTION_FLAG, plan, NULL,
        "say what would be taken and what is lost; change nothing"),
    ROW("apply", 'a', OPTION_FLAG, apply, NULL, "make a data directory of it"),
    ROW("data-dir", 'd', OPTION_TEXT, data_dir, "NEW",
        "the directory to make; empty or not there"),
    ROW("node-id", 'n', OPTION_U64, node, "ID", "which of the members it is"),
    ROW("members", 'm', OPTION_TEXT, members, "LIST",
        "ID=PEER_ADDR/CLIENT_ADDR,... of the new cluster"),
    ROW("export", 'e', OPTION_TEXT, export, "FILE",
        "write the result to FILE, too, to make other members of elsewhere"),
    ROW("secret", 0, OPTION_TEXT, secret, "HEX",
        "the secret of the new cluster (better: --secret-file)"),
    ROW("secret-file", 0, OPTION_TEXT, secret_file, "FILE",
        "file with it; absent: a new one is written there (default: the old "
        "cluster's secret, when a directory is taken)"),
    ROW("allow-missing", 0, OPTION_FLAG, allow_missing, NULL,
        "go on without chunks that are in none of the sources"),
    ROW("help", 'h', OPTION_FLAG, help, NULL, "print this help"),
    {0},
};

static int check_dir(struct recover_options *options, struct err *err);
static int read_secret(const struct recover_options *options,
                       struct identity *ret, struct err *err);
static int new_secret(const char *path, struct identity *ret, struct err *err);

struct option_set *recover_options_new(struct recover_options *ret)
{
    return option_set_new(rows, ret, "QUORLOGD_");
}

int recover_options_read(struct recover_options *options,
                         struct option_set *set, int argc, char **argv,
                         struct err *err)
{
    int words = 0;
    int rv = option_set_arguments(set, argc, argv, false, &words, err);

    if (rv != 0 || options->help) {
        return rv;
    }
    if (options->plan == options->apply) {
        return err_set(err, QL_INVALID, "say --plan or --apply, one of them");
    }
    if (words == 0 || words > (int)RECOVER_SOURCES_MAX) {
        return err_set(err, QL_INVALID,
                       "name 1 to %u sources: data directories of stopped "
                       "nodes, exported backups, manifests in a backup "
                       "directory",
                       RECOVER_SOURCES_MAX);
    }
    options->sources = (const char *const *)argv;
    options->sources_count = (size_t)words;
    if (options->plan) {
        return 0;
    }
    rv = option_set_environment(set, config_environment_names(), err);
    return rv == 0 ? check_dir(options, err) : rv;
}

/* As it will be called in the marks of the sources. */
static int check_dir(struct recover_options *options, struct err *err)
{
    char here[PATH_LEN_MAX] = "";
    const char *dir = options->data_dir;
    size_t len;

    if (dir == NULL || dir[0] == '\0') {
        return err_set(err, QL_INVALID,
                       "name the directory to make: --data-dir NEW");
    }
    if (dir[0] != '/' && getcwd(here, sizeof here) == NULL) {
        return err_errno(err, errno, "find out where this is");
    }
    if (strlen(here) + strlen(dir) + 1 > DIR_MAX || strchr(dir, '\n') != NULL) {
        return err_set(err, QL_INVALID, "the path %.60s... is too long", dir);
    }
    len = (size_t)snprintf(options->dir, sizeof options->dir, "%s%s%.900s",
                           here, here[0] == '\0' ? "" : "/", dir);
    while (len > 1 && options->dir[len - 1] == '/') {
        options->dir[--len] = '\0';
    }
    return 0;
}

int recover_options_members(const struct recover_options *options,
                            const struct recover_plan *plan,
                            struct identity *ret, struct err *err)
{
    const struct recover_source *best = &plan->sources[plan->best];
    int rv = 0;

    if (options->members != NULL) {
        rv = members_parse(options->members, ret->members, &ret->members_count,
                           err);
    } else if (best->has_result) {
        ret->members_count = best->result.members_count;
        memcpy(ret->members, best->result.members, sizeof ret->members);
    } else {
        rv = err_set(err, QL_INVALID,
                     "say who the members of the new cluster are");
    }
    if (rv != 0) {
        return err_wrap(err, "--members");
    }
    ret->node = options->node;
    if (ret->node == 0 && ret->members_count == 1) {
        ret->node = ret->members[0].id;
    }
    if (identity_member(ret, ret->node) == NULL) {
        return err_set(err, QL_INVALID,
                       "which of the %zu members is this? Give --node-id ID",
                       ret->members_count);
    }
    return 0;
}

int recover_options_secret(const struct recover_options *options,
                           const struct recover_plan *plan,
                           struct identity *ret, struct err *err)
{
    const struct recover_source *best = &plan->sources[plan->best];

    if (options->secret != NULL || options->secret_file != NULL) {
        return read_secret(options, ret, err);
    }
    if (best->has_identity) {
        memcpy(ret->secret, best->identity.secret, SECRET_LEN);
        return 0;
    }
    return err_set(err, QL_INVALID,
                   "a backup has no secret: give --secret-file FILE, the same "
                   "for all members (a new one is written there if it is "
                   "missing)");
}

static int read_secret(const struct recover_options *options,
                       struct identity *ret, struct err *err)
{
    struct buf text = BUF_INIT;
    int rv;

    if (options->secret != NULL && options->secret_file != NULL) {
        return err_set(err, QL_INVALID,
                       "give the secret or the file with it, not both");
    }
    if (options->secret != NULL) {
        rv = text_unhex(options->secret, ret->secret, SECRET_LEN, err);
        return rv == 0 ? 0 : err_wrap(err, "secret");
    }
    rv = file_read(options->secret_file, SECRET_FILE_MAX, &text, err);
    if (rv == QL_NOT_FOUND) {
        buf_close(&text);
        return new_secret(options->secret_file, ret, err);
    }
    if (rv == 0) {
        rv = buf_add(&text, "", 1);
    }
    if (rv == 0) {
        char *hex = (char *)text.data;

        hex[strcspn(hex, " \t\r\n")] = '\0';
        rv = text_unhex(hex, ret->secret, SECRET_LEN, err);
    }
    buf_close(&text);
    return rv == 0 ? 0 : err_wrap(err, "secret file");
}

static int new_secret(const char *path, struct identity *ret, struct err *err)
{
    char hex[2 * SECRET_LEN + 2];

    random_bytes(ret->secret, SECRET_LEN);
    text_hex(ret->secret, SECRET_LEN, hex, sizeof hex - 1);
    hex[2 * SECRET_LEN] = '\n';
    return file_create(path, hex, 2 * SECRET_LEN + 1, 0600, err);
}
