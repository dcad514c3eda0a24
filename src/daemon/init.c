/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `quorlogd init`: makes a directory a node's, once. */
#include "daemon/init.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consensus/identity.h"
#include "daemon/config.h"
#include "util/file.h"
#include "util/options.h"
#include "util/random.h"
#include "util/text.h"

#define SECRET_FILE_MAX 4096u

struct init_options {
    const char *data_dir;
    uint64_t node;
    const char *members;
    const char *cluster;
    const char *secret;
    const char *secret_file;
    uint64_t quorum_size;
    bool help;
};

#define ROW(name, letter, kind, field, argument, help)                         \
    {                                                                          \
        name, letter, kind, offsetof(struct init_options, field), argument,    \
            help                                                               \
    }

static const struct option_row rows[] = {
    ROW("data-dir", 'd', OPTION_TEXT, data_dir, "DIR",
        "directory to make this node's (" CONFIG_DATA_DIR_DEFAULT ")"),
    ROW("node", 'n', OPTION_U64, node, "ID",
        "this node's id among the members (1)"),
    ROW("members", 'm', OPTION_TEXT, members, "LIST",
        "ID=PEER_ADDR/CLIENT_ADDR,... the same on every node"),
    ROW("cluster", 0, OPTION_TEXT, cluster, "UUID",
        "cluster to join: what the first init printed"),
    ROW("secret", 0, OPTION_TEXT, secret, "HEX",
        "its secret (better: QUORLOGD_SECRET or --secret-file)"),
    ROW("secret-file", 0, OPTION_TEXT, secret_file, "FILE",
        "file with the secret; the first init writes it (mode 0600)"),
    ROW("quorum-size", 0, OPTION_U64, quorum_size, "N",
        "refuse unless N is the majority of the members"),
    ROW("help", 'h', OPTION_FLAG, help, NULL, "print this help"),
    {0},
};

static int init_read_options(struct init_options *options,
                             struct option_set *set, int argc, char **argv,
                             struct err *err);
static int init_fill_members(const struct init_options *options,
                             struct identity *identity, struct err *err);
static int init_new_cluster(const struct init_options *options,
                            struct identity *identity, struct err *err);
static int init_join_cluster(const struct init_options *options,
                             struct identity *identity, struct err *err);
static int init_read_secret(const struct init_options *options,
                            struct identity *identity, struct err *err);
static void init_report(const struct init_options *options,
                        const struct identity *identity);

int init_main(int argc, char **argv)
{
    struct init_options options = {.data_dir = CONFIG_DATA_DIR_DEFAULT};
    struct option_set *set = option_set_new(rows, &options, "QUORLOGD_");
    struct identity identity = {0};
    struct err err = {0};
    int rv;

    if (set == NULL) {
        fprintf(stderr, "quorlogd init: out of memory\n");
        return 1;
    }
    rv = init_read_options(&options, set, argc, argv, &err);
    if (rv == 0 && options.help) {
        printf("usage: quorlogd init [options]\n\n"
               "Makes DIR the data directory of one node. The first init of a "
               "cluster prints its id\nand secret; the other nodes are given "
               "both.\n\n");
        option_set_print_help(set, stdout);
        goto free_set;
    }
    if (rv == 0) {
        rv = init_fill_members(&options, &identity, &err);
    }
    if (rv == 0) {
        random_uuid(identity.instance);
        rv = options.cluster == NULL
                 ? init_new_cluster(&options, &identity, &err)
                 : init_join_cluster(&options, &identity, &err);
    }
    if (rv == 0) {
        rv = identity_init(&identity, options.data_dir, &err);
        if (rv != 0 && options.cluster == NULL && options.secret_file != NULL) {
            /* It was made for a cluster that there is not; left here it would
             * refuse the next try. */
            (void)unlink(options.secret_file);
        }
    }
    if (rv != 0) {
        fprintf(stderr, "quorlogd init: %s\n", err.text);
        goto free_set;
    }
    init_report(&options, &identity);

free_set:
    option_set_free(set);
    if (rv == 0) {
        return 0;
    }
    return rv == QL_INVALID ? 2 : 1;
}

static int init_read_options(struct init_options *options,
                             struct option_set *set, int argc, char **argv,
                             struct err *err)
{
    int words = 0;
    int rv = option_set_arguments(set, argc, argv, false, &words, err);

    if (rv != 0) {
        return rv;
    }
    if (words > 0) {
        return err_set(err, QL_INVALID,
                       "'%s' is one word too many: init takes options only",
                       argv[0]);
    }
    if (options->help) {
        return 0;
    }
    return option_set_environment(set, config_environment_names(), err);
}

/* Members, own id, and the checked statement about the quorum. */
static int init_fill_members(const struct init_options *options,
                             struct identity *identity, struct err *err)
{
    const char *text = options->members != NULL
                           ? options->members
                           : "1=127.0.0.1:7421/127.0.0.1:7420";
    size_t quorum;
    int rv;

    rv = members_parse(text, identity->members, &identity->members_count, err);
    if (rv != 0) {
        return err_wrap(err, "members");
    }
    identity->node = options->node;
    if (identity->node == 0) {
        if (identity->members_count > 1) {
            return err_set(err, QL_INVALID,
                           "which of the %zu members is this? Give --node ID",
                           identity->members_count);
        }
        identity->node = identity->members[0].id;
    }
    if (identity_member(identity, identity->node) == NULL) {
        return err_set(err, QL_INVALID,
                       "node %" PRIu64 " is not among the members",
                       identity->node);
    }
    quorum = identity_quorum(identity);
    if (options->quorum_size != 0 && options->quorum_size != quorum) {
        return err_set(err, QL_INVALID,
                       "--quorum-size says %" PRIu64
                       ", but the majority of %zu voters is %zu: correct "
                       "--quorum-size or --members",
                       options->quorum_size, identity->members_count, quorum);
    }
    return 0;
}

static int init_new_cluster(const struct init_options *options,
                            struct identity *identity, struct err *err)
{
    char hex[2 * SECRET_LEN + 2];
    int rv;

    if (options->secret != NULL) {
        return err_set(err, QL_INVALID,
                       "a secret without --cluster: a new cluster makes its "
                       "own; to join one give both");
    }
    random_uuid(identity->cluster);
    random_bytes(identity->secret, SECRET_LEN);
    if (options->secret_file == NULL) {
        return 0;
    }
    text_hex(identity->secret, SECRET_LEN, hex, sizeof(hex) - 1);
    hex[2 * SECRET_LEN] = '\n';
    rv = file_create(options->secret_file, hex, 2 * SECRET_LEN + 1, 0600, err);
    if (rv == QL_EXISTS) {
        return err_set(err, QL_EXISTS,
                       "%s exists: to join its cluster give --cluster; for a "
                       "new cluster name another file, or remove this one if "
                       "it is of an init that was cut off",
                       options->secret_file);
    }
    return rv;
}

static int init_join_cluster(const struct init_options *options,
                             struct identity *identity, struct err *err)
{
    if (strlen(options->cluster) != ID_TEXT_LEN ||
        strspn(options->cluster, "0123456789abcdef-") != ID_TEXT_LEN) {
        return err_set(err, QL_INVALID,
                       "cluster '%.64s' is no id as the first init printed it",
                       options->cluster);
    }
    memcpy(identity->cluster, options->cluster, ID_TEXT_LEN + 1);
    return init_read_secret(options, identity, err);
}

static int init_read_secret(const struct init_options *options,
                            struct identity *identity, struct err *err)
{
    struct buf text = BUF_INIT;
    int rv;

    if ((options->secret == NULL) == (options->secret_file == NULL)) {
        return err_set(err, QL_INVALID,
                       "to join a cluster give its secret, by --secret-file, "
                       "QUORLOGD_SECRET or --secret (one of them)");
    }
    if (options->secret != NULL) {
        rv = text_unhex(options->secret, identity->secret, SECRET_LEN, err);
        return rv == 0 ? 0 : err_wrap(err, "secret");
    }
    rv = file_read(options->secret_file, SECRET_FILE_MAX, &text, err);
    if (rv == 0) {
        rv = buf_add(&text, "", 1);
    }
    if (rv == 0) {
        char *hex = (char *)text.data;

        hex[strcspn(hex, " \t\r\n")] = '\0';
        rv = text_unhex(hex, identity->secret, SECRET_LEN, err);
    }
    buf_close(&text);
    return rv == 0 ? 0 : err_wrap(err, "secret file");
}

static void init_report(const struct init_options *options,
                        const struct identity *identity)
{
    char hex[2 * SECRET_LEN + 1];

    printf("node:      %" PRIu64 "\n", identity->node);
    printf("directory: %s\n", options->data_dir);
    printf("cluster:   %s\n", identity->cluster);
    if (options->cluster == NULL && options->secret_file != NULL) {
        printf("secret:    in %s\n", options->secret_file);
    } else if (options->cluster == NULL) {
        text_hex(identity->secret, SECRET_LEN, hex, sizeof(hex));
        printf("secret:    %s\n", hex);
    }
    if (options->cluster == NULL && identity->members_count > 1) {
        printf("\nKeep the secret. On each of the other %zu nodes now run\n"
               "    quorlogd init --node ID --members '%s' \\\n"
               "        --cluster %s --secret-file FILE\n",
               identity->members_count - 1, options->members,
               identity->cluster);
    }
    printf("\nThen start it with: quorlogd run --data-dir %s\n",
           options->data_dir);
}
