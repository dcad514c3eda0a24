/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A crash may stop identity_init() anywhere. The file `init` stands from before
 * the first step until after the last one, the identity: a directory with it and
 * without an identity was never a node, and a second init may begin anew. A
 * raft log without either is another matter: it was a node, and stays.
 */
#include "consensus/identity.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "consensus/identity_text.h"
#include "consensus/older_format.h"
#include "consensus/raft_dir.h"
#include "util/file.h"
#include "util/hash128.h"

#define IDENTITY_NAME "identity"
#define INIT_NAME "init"
#define IDENTITY_LEN_MAX (16u * KIB)
/* Of a UUID; those of other clusters are random ones, of version 4. */
#define ID_VERSION_AT 14u
#define RECOVERED_VERSION '8'

struct findings {
    bool identity;
    bool init;
    bool raft;
    bool chunks;
    char stranger[256]; /* a name that is no part of a new node; "": none */
};

static void id_bytes(const char *text, uint8_t ret[CLUSTER_ID_LEN]);
static int make_raft_dir(void *data, const struct identity *identity,
                         const char *dir, struct err *err);
static int look_around(const char *dir, struct err *err);
static int find_names(const char *dir, struct findings *ret, struct err *err);
static void note_name(struct findings *found, const char *name);
static int write_node(const struct identity *identity, const char *dir,
                      identity_make_fn make, void *data, struct err *err);
static int write_identity(const struct identity *identity, const char *dir,
                          struct err *err);
static int end_init(const char *dir, struct err *err);

const struct member *identity_member(const struct identity *identity,
                                     uint64_t id)
{
    for (size_t i = 0; i < identity->members_count; i++) {
        if (identity->members[i].id == id) {
            return &identity->members[i];
        }
    }
    return NULL;
}

size_t identity_quorum(const struct identity *identity)
{
    return identity->members_count / 2 + 1;
}

void identity_cluster_bytes(const struct identity *identity,
                            uint8_t ret[CLUSTER_ID_LEN])
{
    id_bytes(identity->cluster, ret);
}

void identity_ancestor_bytes(const struct identity *identity, size_t index,
                             uint8_t ret[CLUSTER_ID_LEN])
{
    assert(index < identity->ancestors_count);
    id_bytes(identity->ancestors[index], ret);
}

bool identity_is_of(const struct identity *identity,
                    const uint8_t cluster[CLUSTER_ID_LEN])
{
    uint8_t id[CLUSTER_ID_LEN];
    bool is;

    identity_cluster_bytes(identity, id);
    is = memcmp(id, cluster, sizeof id) == 0;
    for (size_t i = 0; i < identity->ancestors_count && !is; i++) {
        identity_ancestor_bytes(identity, i, id);
        is = memcmp(id, cluster, sizeof id) == 0;
    }
    return is;
}

bool identity_is_recovered(const struct identity *identity)
{
    return identity->cluster[ID_VERSION_AT] == RECOVERED_VERSION;
}

void identity_id_text(const uint8_t id[CLUSTER_ID_LEN], char *ret_text)
{
    static const size_t groups[] = {4, 2, 2, 2, 6};
    size_t from = 0;

    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        text_hex(id + from, groups[i], ret_text, 2 * groups[i] + 1);
        ret_text += 2 * groups[i];
        from += groups[i];
        *ret_text = from < CLUSTER_ID_LEN ? '-' : '\0';
        ret_text++;
    }
}

static void id_bytes(const char *text, uint8_t ret[CLUSTER_ID_LEN])
{
    char digits[2 * CLUSTER_ID_LEN + 1];
    size_t count = 0;
    int rv;

    for (const char *at = text; *at != '\0'; at++) {
        if (*at != '-') {
            assert(count < 2 * CLUSTER_ID_LEN);
            digits[count++] = *at;
        }
    }
    digits[count] = '\0';
    rv = text_unhex(digits, ret, CLUSTER_ID_LEN, NULL);
    assert(rv == 0); /* It is a UUID: identity_check(). */
}

void identity_members_digest(const struct identity *identity, char ret_text[33])
{
    char text[ID_TEXT_LEN + 2 + MEMBERS_MAX * (2 * ADDRESS_MAX + 32)];
    uint8_t hash[HASH128_LEN];
    size_t at = (size_t)snprintf(text, sizeof text, "%s\n", identity->cluster);

    for (size_t i = 0; i < identity->members_count; i++) {
        const struct member *member = &identity->members[i];

        at += (size_t)snprintf(text + at, sizeof text - at,
                               "%" PRIu64 "=%s/%s\n", member->id,
                               member->peer_address, member->client_address);
        assert(at < sizeof text);
    }
    hash128(text, at, hash);
    text_hex(hash, sizeof hash, ret_text, 33);
}

int identity_init(const struct identity *identity, const char *dir,
                  struct err *err)
{
    /* Two of its members with empty logs would be a majority. */
    if (identity_is_recovered(identity)) {
        return err_set(
            err, QL_INVALID,
            "cluster %s was made by a recovery: its members are made "
            "by `quorlogd recover`, with what was recovered, and "
            "never with an empty log",
            identity->cluster);
    }
    return identity_make(identity, dir, make_raft_dir, NULL, err);
}

static int make_raft_dir(void *data, const struct identity *identity,
                         const char *dir, struct err *err)
{
    (void)data;
    return raft_dir_make(identity, dir, err);
}

int identity_make(const struct identity *identity, const char *dir,
                  identity_make_fn make, void *data, struct err *err)
{
    char lock_path[PATH_LEN_MAX];
    int lock;
    int rv = identity_check(identity, err);

    if (rv != 0) {
        return rv;
    }
    rv = path_join(lock_path, sizeof lock_path, dir, DIR_LOCK_NAME, err);
    if (rv == 0) {
        rv = older_format_refuse(dir, err);
    }
    if (rv != 0) {
        return rv;
    }
    rv = dir_make(dir, err);
    if (rv != 0) {
        return rv;
    }
    rv = file_lock(lock_path, &lock, err);
    if (rv != 0) {
        return rv;
    }
    rv = look_around(dir, err);
    if (rv == 0) {
        rv = write_node(identity, dir, make, data, err);
    }
    (void)close(lock);
    return rv;
}

int identity_load(struct identity *ret, const char *dir, struct err *err)
{
    int rv = identity_read(ret, dir, err);

    /* The init that made it may have been cut off just before its end. */
    return rv == 0 ? end_init(dir, err) : rv;
}

int identity_read(struct identity *ret, const char *dir, struct err *err)
{
    struct buf text = BUF_INIT;
    char path[PATH_LEN_MAX];
    int rv = path_join(path, sizeof path, dir, IDENTITY_NAME, err);

    if (rv != 0) {
        return rv;
    }
    rv = file_read_plain(path, IDENTITY_LEN_MAX, &text, err);
    if (rv == QL_NOT_FOUND) {
        rv = err_set(err, QL_NOT_FOUND,
                     "%s is not initialised; run: quorlogd init --data-dir %s",
                     dir, dir);
        goto close_text;
    }
    if (rv != 0) {
        goto close_text;
    }
    rv = identity_decode(ret, text.data, text.len, err);
    if (rv != 0) {
        err_wrap(err, "%s cannot be trusted", path);
    }

close_text:
    buf_close(&text);
    return rv;
}

/* Refuses a directory in which a new node must not be made. */
static int look_around(const char *dir, struct err *err)
{
    struct findings found = {0};
    int rv = find_names(dir, &found, err);

    if (rv != 0) {
        return rv;
    }
    if (found.identity) {
        return err_set(err, QL_EXISTS,
                       "%s is initialised already; to start anew choose "
                       "another directory or remove this one",
                       dir);
    }
    if (found.raft && !found.init) {
        return err_set(err, QL_INVALID,
                       "%s holds a node's raft log but its file `%s` is "
                       "missing: put that file back from a copy, or remove "
                       "the whole directory if the node is to be given up",
                       dir, IDENTITY_NAME);
    }
    if (found.chunks && !found.init && found.stranger[0] == '\0') {
        (void)snprintf(found.stranger, sizeof found.stranger, "%s",
                       CHUNKS_DIR_NAME);
    }
    if (found.stranger[0] != '\0') {
        return err_set(err, QL_INVALID,
                       "%s holds \"%s\", which is no part of a new node; "
                       "choose an empty directory",
                       dir, found.stranger);
    }
    return 0;
}

static int find_names(const char *dir, struct findings *ret, struct err *err)
{
    DIR *stream = opendir(dir);
    int rv = 0;

    if (stream == NULL) {
        return err_errno(err, errno, "open %s", dir);
    }
    for (;;) {
        struct dirent *entry;

        errno = 0;
        entry = readdir(stream);
        if (entry == NULL) {
            break;
        }
        note_name(ret, entry->d_name);
    }
    if (errno != 0) {
        rv = err_errno(err, errno, "read directory %s", dir);
    }
    (void)closedir(stream);
    return rv;
}

static void note_name(struct findings *found, const char *name)
{
    /* Leftovers of our own interrupted steps, and what mkfs puts there. */
    static const char *const harmless[] = {".",
                                           "..",
                                           DIR_LOCK_NAME,
                                           IDENTITY_NAME ".tmp",
                                           INIT_NAME ".tmp",
                                           "lost+found"};

    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        if (strcmp(name, harmless[i]) == 0) {
            return;
        }
    }
    if (strcmp(name, IDENTITY_NAME) == 0) {
        found->identity = true;
    } else if (strcmp(name, INIT_NAME) == 0) {
        found->init = true;
    } else if (strcmp(name, RAFT_DIR_NAME) == 0) {
        found->raft = true;
    } else if (strcmp(name, CHUNKS_DIR_NAME) == 0) {
        found->chunks = true;
    } else if (found->stranger[0] == '\0') {
        (void)snprintf(found->stranger, sizeof found->stranger, "%s", name);
    }
}

static int write_node(const struct identity *identity, const char *dir,
                      identity_make_fn make, void *data, struct err *err)
{
    char init[PATH_LEN_MAX];
    int rv = path_join(init, sizeof init, dir, INIT_NAME, err);

    if (rv != 0) {
        return rv;
    }
    rv = file_replace(init, "", 0, 0600, err);
    if (rv != 0) {
        return rv;
    }
    rv = make(data, identity, dir, err);
    if (rv != 0) {
        return rv;
    }
    rv = write_identity(identity, dir, err);
    if (rv != 0) {
        return rv;
    }
    return end_init(dir, err);
}

static int write_identity(const struct identity *identity, const char *dir,
                          struct err *err)
{
    struct buf text = BUF_INIT;
    char path[PATH_LEN_MAX];
    int rv = path_join(path, sizeof path, dir, IDENTITY_NAME, err);

    if (rv != 0) {
        return rv;
    }
    identity_encode(identity, &text);
    rv = file_create(path, text.data, text.len, 0600, err);
    buf_close(&text);
    return rv;
}

static int end_init(const char *dir, struct err *err)
{
    char path[PATH_LEN_MAX];
    int rv = path_join(path, sizeof path, dir, INIT_NAME, err);

    if (rv != 0) {
        return rv;
    }
    if (unlink(path) == 0) {
        return dir_sync(dir, err);
    }
    if (errno != ENOENT) {
        return err_errno(err, errno, "remove %s", path);
    }
    return 0;
}
