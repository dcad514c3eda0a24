/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/identity.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "consensus/identity_text.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"
#include "util/file.h"

#define MEMBERS                                                                \
    "2=127.0.0.1:7431/127.0.0.1:7430,1=127.0.0.1:7421/db1.example:7420,"       \
    "3=127.0.0.1:7441/[::1]:7440"

static void path_in(const struct tmpdir *dir, const char *name,
                    char ret_path[PATH_LEN_MAX])
{
    assert_int_equal(path_join(ret_path, PATH_LEN_MAX, dir->path, name, NULL),
                     0);
}

static void fill(struct identity *identity)
{
    struct err err;

    *identity =
        (struct identity){.cluster = "0d9b1c1e-8f0e-4c57-9a3d-5d2f5a6b7c8d",
                          .instance = "11111111-2222-4333-8444-555555555555",
                          .node = 2};
    memset(identity->secret, 0xA5, SECRET_LEN);
    assert_int_equal(members_parse(MEMBERS, identity->members,
                                   &identity->members_count, &err),
                     0);
}

static void assert_no_members(const char *text, const char *reason)
{
    struct member members[MEMBERS_MAX];
    struct err err = {0};
    size_t count;

    assert_int_equal(members_parse(text, members, &count, &err), QL_INVALID);
    if (strstr(err.text, reason) == NULL) {
        fail_msg("\"%s\" gives \"%s\", not \"%s\"", text, err.text, reason);
    }
}

static void members_are_sorted_and_addresses_made_canonical(void **state)
{
    struct member members[MEMBERS_MAX];
    struct err err;
    size_t count;

    (void)state;
    assert_int_equal(members_parse("7=127.0.0.1:07421/a:1,1=10.0.0.1:1/[::1]:2",
                                   members, &count, &err),
                     0);
    assert_int_equal(count, 2);
    assert_int_equal(members[0].id, 1);
    assert_int_equal(members[1].id, 7);
    assert_string_equal(members[0].client_address, "[::1]:2");
    assert_string_equal(members[1].peer_address, "127.0.0.1:7421");
}

static void nodes_may_be_named_and_have_ipv6(void **state)
{
    struct member members[MEMBERS_MAX];
    struct err err;
    size_t count;

    (void)state;
    assert_int_equal(
        members_parse("1=DB-1.Example:7421/a:1,"
                      "2=[2001:DB8:0:0::1]:07421/b:1,3=3node:1/c:1",
                      members, &count, &err),
        0);
    assert_int_equal(count, 3);
    assert_string_equal(members[0].peer_address, "db-1.example:7421");
    assert_string_equal(members[1].peer_address, "[2001:db8::1]:7421");
    assert_string_equal(members[2].peer_address, "3node:1");
}

static void bad_members_are_refused_with_the_reason(void **state)
{
    (void)state;
    assert_no_members("", "write ID=PEER_ADDRESS/CLIENT_ADDRESS");
    assert_no_members("1=127.0.0.1:1/127.0.0.1:2,", "write ID=");
    assert_no_members("1=127.0.0.1:1", "write ID=");
    assert_no_members("0=127.0.0.1:1/127.0.0.1:2", "start at 1");
    assert_no_members("x=127.0.0.1:1/127.0.0.1:2", "member id");
    assert_no_members("1=unix:x/127.0.0.1:2", "cannot be reached");
    assert_no_members("1=127.1:1/127.0.0.1:2", "no IPv4 address");
    assert_no_members("1=0x7f.1:1/127.0.0.1:2", "no IPv4 address");
    assert_no_members("1=10.0.0.0x1:1/127.0.0.1:2", "no IPv4 address");
    assert_no_members("1=[fe80::1%eth0]:1/127.0.0.1:2", "zone");
    assert_no_members("1=::1:1/127.0.0.1:2", "write IPv6 as");
    assert_no_members("1=[0::1]:1/a:2,2=[::1]:1/b:2", "same peer address");
    assert_no_members("1=DB:1/a:2,2=db:1/b:2", "same peer address");
    assert_no_members("1=127.0.0.1/127.0.0.1:2", "port");
    assert_no_members("1=127.0.0.1:1/127.0.0.1:99999", "port");
    assert_no_members("1=127.0.0.1:1/a:2,1=127.0.0.1:2/b:2", "stands twice");
    assert_no_members("1=127.0.0.1:1/a:2,2=127.0.0.1:1/b:2",
                      "same peer address");
    assert_no_members("1=127.0.0.1:1/a:2,2=127.0.0.1:2/a:2",
                      "same client address");
    assert_no_members("1=127.0.0.1:1/a:1,2=127.0.0.1:2/a:2,3=127.0.0.1:3/a:3,"
                      "4=127.0.0.1:4/a:4,5=127.0.0.1:5/a:5,6=127.0.0.1:6/a:6,"
                      "7=127.0.0.1:7/a:7,8=127.0.0.1:8/a:8,9=127.0.0.1:9/a:9,"
                      "10=127.0.0.1:10/a:10",
                      "at most 9");
}

static void quorum_is_the_smallest_majority(void **state)
{
    static const size_t majorities[] = {0, 1, 2, 2, 3, 3, 4, 4, 5, 5};
    struct identity identity = {0};

    (void)state;
    for (size_t count = 1; count <= MEMBERS_MAX; count++) {
        identity.members_count = count;
        assert_int_equal(identity_quorum(&identity), majorities[count]);
    }
}

static void members_digest_tells_lists_and_clusters_apart(void **state)
{
    struct identity one;
    struct identity other;
    char digest[33];
    char digest_other[33];

    (void)state;
    fill(&one);
    identity_members_digest(&one, digest);
    fill(&other);
    other.node = 3;
    strcpy(other.instance, "99999999-2222-4333-8444-555555555555");
    identity_members_digest(&other, digest_other);
    assert_string_equal(digest, digest_other);

    strcpy(other.members[1].client_address, "127.0.0.1:9999");
    identity_members_digest(&other, digest_other);
    assert_string_not_equal(digest, digest_other);

    fill(&other);
    other.cluster[0] = '1';
    identity_members_digest(&other, digest_other);
    assert_string_not_equal(digest, digest_other);
}

static void initialised_directory_is_loaded_as_it_was_made(void **state)
{
    struct tmpdir *dir = *state;
    struct identity made;
    struct identity loaded;
    char path[PATH_LEN_MAX];
    struct stat status;
    struct err err = {0};

    fill(&made);
    path_in(dir, "node", path);
    assert_int_equal(identity_init(&made, path, &err), 0);
    assert_int_equal(identity_load(&loaded, path, &err), 0);
    assert_string_equal(loaded.cluster, made.cluster);
    assert_string_equal(loaded.instance, made.instance);
    assert_int_equal(loaded.node, 2);
    assert_memory_equal(loaded.secret, made.secret, SECRET_LEN);
    assert_int_equal(loaded.members_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(loaded.members[i].id, i + 1);
        assert_string_equal(loaded.members[i].peer_address,
                            made.members[i].peer_address);
        assert_string_equal(loaded.members[i].client_address,
                            made.members[i].client_address);
    }
    path_in(dir, "node/identity", path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void second_init_is_refused(void **state)
{
    struct tmpdir *dir = *state;
    struct identity identity;
    char path[PATH_LEN_MAX];
    struct err err = {0};

    fill(&identity);
    path_in(dir, "node", path);
    assert_int_equal(identity_init(&identity, path, &err), 0);
    assert_int_equal(identity_init(&identity, path, &err), QL_EXISTS);
    assert_non_null(strstr(err.text, "initialised already"));
}

static void directory_in_use_is_refused(void **state)
{
    struct tmpdir *dir = *state;
    struct identity identity;
    char path[PATH_LEN_MAX];
    struct err err = {0};
    int lock;

    fill(&identity);
    path_in(dir, DIR_LOCK_NAME, path);
    assert_int_equal(file_lock(path, &lock, &err), 0);
    assert_int_equal(identity_init(&identity, dir->path, &err), QL_BUSY);
    close(lock);
}

static void directory_with_other_files_is_refused(void **state)
{
    struct tmpdir *dir = *state;
    struct identity identity;
    char path[PATH_LEN_MAX];
    struct err err = {0};

    fill(&identity);
    path_in(dir, "letter.txt", path);
    assert_int_equal(file_create(path, "x", 1, 0600, &err), 0);
    assert_int_equal(identity_init(&identity, dir->path, &err), QL_INVALID);
    assert_non_null(strstr(err.text, "letter.txt"));
}

static void raft_log_without_identity_is_never_removed(void **state)
{
    struct tmpdir *dir = *state;
    struct identity identity;
    char path[PATH_LEN_MAX];
    struct err err = {0};

    fill(&identity);
    assert_int_equal(identity_init(&identity, dir->path, &err), 0);
    path_in(dir, "identity", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(identity_init(&identity, dir->path, &err), QL_INVALID);
    assert_non_null(strstr(err.text, "missing"));
    path_in(dir, "raft/vote", path);
    assert_int_equal(access(path, F_OK), 0);
}

static void interrupted_init_is_repeated(void **state)
{
    struct tmpdir *dir = *state;
    struct identity identity;
    struct identity loaded;
    char path[PATH_LEN_MAX];
    struct err err = {0};

    fill(&identity);
    /* As if it had stopped in the middle of writing the raft log. */
    path_in(dir, "init", path);
    assert_int_equal(file_create(path, "", 0, 0600, &err), 0);
    path_in(dir, "raft", path);
    assert_int_equal(dir_make(path, &err), 0);
    path_in(dir, "raft/metadata1", path);
    assert_int_equal(file_create(path, "half", 4, 0600, &err), 0);
    path_in(dir, "identity.tmp", path);
    assert_int_equal(file_create(path, "half", 4, 0600, &err), 0);

    assert_int_equal(identity_load(&loaded, dir->path, &err), QL_NOT_FOUND);
    assert_int_equal(identity_init(&identity, dir->path, &err), 0);
    assert_int_equal(identity_load(&loaded, dir->path, &err), 0);
    path_in(dir, "init", path);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void load_ends_an_init_that_lacked_its_last_step(void **state)
{
    struct tmpdir *dir = *state;
    struct identity identity;
    char path[PATH_LEN_MAX];
    struct err err = {0};

    fill(&identity);
    assert_int_equal(identity_init(&identity, dir->path, &err), 0);
    path_in(dir, "init", path);
    assert_int_equal(file_create(path, "", 0, 0600, &err), 0);
    assert_int_equal(identity_load(&identity, dir->path, &err), 0);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void uninitialised_directory_says_what_to_run(void **state)
{
    struct tmpdir *dir = *state;
    struct identity identity;
    struct err err = {0};

    assert_int_equal(identity_load(&identity, dir->path, &err), QL_NOT_FOUND);
    assert_non_null(strstr(err.text, "quorlogd init"));
}

static void every_changed_byte_of_the_file_is_noticed(void **state)
{
    struct buf text = BUF_INIT;
    struct identity identity;
    struct identity decoded;
    struct err err = {0};

    (void)state;
    fill(&identity);
    identity_encode(&identity, &text);
    assert_int_equal(identity_decode(&decoded, text.data, text.len, &err), 0);
    for (size_t i = 0; i < text.len; i++) {
        text.data[i] ^= 0x20;
        assert_int_equal(identity_decode(&decoded, text.data, text.len, &err),
                         QL_CORRUPT);
        text.data[i] ^= 0x20;
    }
    for (size_t len = 0; len < text.len; len++) {
        assert_int_equal(identity_decode(&decoded, text.data, len, &err),
                         QL_CORRUPT);
    }
    buf_close(&text);
}

static void identity_that_is_no_member_cannot_be_made(void **state)
{
    struct tmpdir *dir = *state;
    struct identity identity;
    struct err err = {0};

    fill(&identity);
    identity.node = 4;
    assert_int_equal(identity_init(&identity, dir->path, &err), QL_INVALID);
    fill(&identity);
    identity.cluster[3] = 'G';
    assert_int_equal(identity_init(&identity, dir->path, &err), QL_INVALID);
}

static void ancestors_are_kept_and_their_backups_are_own(void **state)
{
    struct buf text = BUF_INIT;
    struct identity identity;
    struct identity decoded;
    uint8_t id[CLUSTER_ID_LEN];
    char id_text[ID_TEXT_LEN + 1];
    struct err err = {0};

    (void)state;
    fill(&identity);
    identity_cluster_bytes(&identity, id);
    id[0] ^= 0xff;
    assert_false(identity_is_of(&identity, id));
    identity_id_text(id, id_text);
    for (size_t i = 0; i < LINEAGE_MAX; i++) {
        memcpy(identity.ancestors[i], id_text, sizeof id_text);
        identity.ancestors[i][0] = (char)('a' + i % 6);
    }
    memcpy(identity.ancestors[LINEAGE_MAX - 1], id_text, sizeof id_text);
    identity.ancestors_count = LINEAGE_MAX;
    identity_encode(&identity, &text);
    assert_int_equal(identity_decode(&decoded, text.data, text.len, &err), 0);
    assert_int_equal(decoded.ancestors_count, LINEAGE_MAX);
    assert_string_equal(decoded.ancestors[LINEAGE_MAX - 1], id_text);
    assert_true(identity_is_of(&decoded, id));
    identity_cluster_bytes(&decoded, id);
    assert_true(identity_is_of(&decoded, id));
    identity_id_text(id, id_text);
    assert_string_equal(id_text, identity.cluster);
    buf_close(&text);
}

static void recovered_cluster_gets_no_member_with_an_empty_log(void **state)
{
    struct tmpdir *dir = *state;
    struct identity identity;
    struct err err = {0};

    fill(&identity);
    identity.cluster[14] = '8';
    assert_int_equal(identity_init(&identity, dir->path, &err), QL_INVALID);
    assert_non_null(strstr(err.text, "quorlogd recover"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_sorted_and_addresses_made_canonical),
        cmocka_unit_test(nodes_may_be_named_and_have_ipv6),
        cmocka_unit_test(bad_members_are_refused_with_the_reason),
        cmocka_unit_test(quorum_is_the_smallest_majority),
        cmocka_unit_test(members_digest_tells_lists_and_clusters_apart),
        cmocka_unit_test(every_changed_byte_of_the_file_is_noticed),
        cmocka_unit_test(ancestors_are_kept_and_their_backups_are_own),
        cmocka_unit_test_setup_teardown(
            initialised_directory_is_loaded_as_it_was_made, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(second_init_is_refused, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(directory_in_use_is_refused,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(directory_with_other_files_is_refused,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            raft_log_without_identity_is_never_removed, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(interrupted_init_is_repeated,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            load_ends_an_init_that_lacked_its_last_step, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            uninitialised_directory_says_what_to_run, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            recovered_cluster_gets_no_member_with_an_empty_log, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            identity_that_is_no_member_cannot_be_made, tmpdir_setup,
            tmpdir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
