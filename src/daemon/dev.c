/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `quorlogd dev`: one node in a temporary directory, for trying things out. */
#define _XOPEN_SOURCE 700
#include "daemon/dev.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "consensus/identity.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/early_stop.h"
#include "util/options.h"
#include "util/random.h"

#define DEV_FILES_OPEN_MAX 16

struct dev_options {
    const char *listen;
    bool keep;
    bool help;
};

/* The directory of one run. */
struct dev {
    const char *dir;
    bool keep;
};

#define ROW(name, letter, kind, field, argument, help)                         \
    {                                                                          \
        name, letter, kind, offsetof(struct dev_options, field), argument,     \
            help                                                               \
    }

static const struct option_row rows[] = {
    ROW("listen", 0, OPTION_TEXT, listen, "ADDR",
        "where clients connect (127.0.0.1:7420)"),
    ROW("keep", 0, OPTION_FLAG, keep, NULL, "keep the directory at the end"),
    ROW("help", 'h', OPTION_FLAG, help, NULL, "print this help"),
    {0},
};

static int dev_run(const struct dev_options *options, struct err *err);
static int dev_init(const char *dir, const char *listen, struct err *err);
static void dev_end(const struct dev *dev);
static void dev_on_leads(void *data, const char *listen);
static void dev_on_failed(void *data);
static int remove_on_file(const char *path, const struct stat *info, int type,
                          struct FTW *where);

int dev_main(int argc, char **argv)
{
    struct dev_options options = {.listen = "127.0.0.1:7420"};
    struct option_set *set = option_set_new(rows, &options, "QUORLOGD_DEV_");
    struct address address;
    struct err err = {0};
    int words = 0;
    int status;

    if (set == NULL) {
        fprintf(stderr, "quorlogd dev: out of memory\n");
        return 1;
    }
    status = option_set_arguments(set, argc, argv, false, &words, &err);
    if (status == 0 && words > 0) {
        status = err_set(&err, QL_INVALID,
                         "'%s' is one word too many: dev takes options only",
                         argv[0]);
    }
    if (status == 0) {
        status = address_parse(options.listen, 7420, &address, &err);
        status = status == 0 ? 0 : err_wrap(&err, "--listen");
    }
    if (status != 0) {
        fprintf(stderr, "quorlogd dev: %s\n", err.text);
        status = 2;
        goto free_set;
    }
    if (options.help) {
        printf("usage: quorlogd dev [options]\n\n"
               "Starts one node in a new temporary directory and removes it "
               "at the end.\n\n");
        option_set_print_help(set, stdout);
        goto free_set;
    }
    err.code = 0;
    status = dev_run(&options, &err);
    if (err.code != 0) {
        fprintf(stderr, "quorlogd dev: %s\n", err.text);
    }

free_set:
    option_set_free(set);
    return status;
}

/* Returns the exit status; @err is set only when it was not reported yet. */
static int dev_run(const struct dev_options *options, struct err *err)
{
    const char *base = getenv("TMPDIR");
    char dir[PATH_LEN_MAX];
    char *argv[4] = {(char *)"--data-dir", dir, (char *)"--listen",
                     (char *)options->listen};
    struct dev dev = {.dir = dir, .keep = options->keep};
    const struct daemon_watch watch = {dev_on_leads, dev_on_failed, &dev};
    struct config config = {0};
    int status = 1;

    snprintf(dir, sizeof(dir), "%s/quorlog-dev.XXXXXX",
             base != NULL && base[0] == '/' ? base : "/tmp");
    /* Whatever ends it meanwhile waits, so that the directory goes, too. */
    early_stop_hold();
    if (mkdtemp(dir) == NULL) {
        err_set(err, QL_IO, "make a directory like %s: %m", dir);
        return 1;
    }
    if (dev_init(dir, options->listen, err) == 0 &&
        config_load(&config, 4, argv, err) == 0) {
        status = daemon_run(&config, 4, argv, &watch);
    }
    config_close(&config);
    dev_end(&dev);
    return status;
}

static void dev_end(const struct dev *dev)
{
    if (dev->keep) {
        fprintf(stderr, "kept: %s\n", dev->dir);
    } else {
        nftw(dev->dir, remove_on_file, DEV_FILES_OPEN_MAX,
             FTW_DEPTH | FTW_PHYS);
    }
}

static int dev_init(const char *dir, const char *listen, struct err *err)
{
    struct identity identity = {.node = 1, .members_count = 1};
    struct member *self = &identity.members[0];
    struct address address;
    int rv = address_parse(listen, 7420, &address, err);

    if (rv != 0) {
        return err_wrap(err, "listen");
    }
    self->id = 1;
    snprintf(self->peer_address, sizeof(self->peer_address), "127.0.0.1:7421");
    address_format(&address, self->client_address);
    random_uuid(identity.cluster);
    random_uuid(identity.instance);
    random_bytes(identity.secret, SECRET_LEN);
    return identity_init(&identity, dir, err);
}

static void dev_on_leads(void *data, const char *listen)
{
    (void)data;
    printf("ready. In another terminal:\n"
           "    export QUORLOG_ENDPOINTS=%s\n"
           "    quorlog log create hello\n"
           "    quorlog log append hello 'first entry'\n"
           "    quorlog log read hello\n",
           listen);
    fflush(stdout);
}

static void dev_on_failed(void *data)
{
    dev_end(data);
}

static int remove_on_file(const char *path, const struct stat *info, int type,
                          struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}
