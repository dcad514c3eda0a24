/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "consensus/peer_pins.h"
#include "consensus/peer_token.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"
#include "util/file.h"

#define INSTANCE_1 "11111111-2222-4333-8444-555555555555"
#define INSTANCE_2 "22222222-2222-4333-8444-555555555555"

/* Two nodes of one cluster. */
static void fill(struct identity *identity, uint64_t node)
{
    *identity =
        (struct identity){.cluster = "0d9b1c1e-8f0e-4c57-9a3d-5d2f5a6b7c8d",
                          .instance = INSTANCE_1,
                          .node = node};
    memset(identity->secret, 0xA5, SECRET_LEN);
    if (node == 2) {
        strcpy(identity->instance, INSTANCE_2);
    }
    assert_int_equal(members_parse("1=127.0.0.1:7421/127.0.0.1:7420,"
                                   "2=127.0.0.1:7431/127.0.0.1:7430",
                                   identity->members, &identity->members_count,
                                   NULL),
                     0);
}

/* What node 1 says when @shown connects and calls itself node @id. */
static enum peer_refusal check(const struct identity *shown, uint64_t id)
{
    char token[PEER_TOKEN_MAX];
    char instance[ID_TEXT_LEN + 1];
    struct identity door;

    fill(&door, 1);
    peer_token_make(shown, token);
    return peer_token_check(&door, id, token, sizeof token, instance);
}

static void member_of_the_cluster_is_accepted(void **state)
{
    char token[PEER_TOKEN_MAX];
    char instance[ID_TEXT_LEN + 1];
    struct identity door;
    struct identity peer;

    (void)state;
    fill(&door, 1);
    fill(&peer, 2);
    peer_token_make(&peer, token);
    assert_int_equal(peer_token_check(&door, 2, token, sizeof token, instance),
                     PEER_ACCEPTED);
    assert_string_equal(instance, INSTANCE_2);
}

static void token_of_one_member_does_not_serve_another(void **state)
{
    struct identity peer;

    (void)state;
    fill(&peer, 2);
    assert_int_equal(check(&peer, 1), PEER_UNKNOWN);
    assert_int_equal(check(&peer, 3), PEER_UNKNOWN);
    /* Signed for node 1, shown as node 2. */
    fill(&peer, 1);
    assert_int_equal(check(&peer, 2), PEER_SECRET);
}

static void other_cluster_is_named_as_such(void **state)
{
    struct identity peer;

    (void)state;
    fill(&peer, 2);
    peer.cluster[0] = '9';
    memset(peer.secret, 1, SECRET_LEN);
    assert_int_equal(check(&peer, 2), PEER_CLUSTER);
}

static void wrong_secret_is_refused(void **state)
{
    struct identity peer;

    (void)state;
    fill(&peer, 2);
    peer.secret[31] ^= 1;
    assert_int_equal(check(&peer, 2), PEER_SECRET);
}

static void other_member_list_is_refused(void **state)
{
    struct identity peer;

    (void)state;
    fill(&peer, 2);
    strcpy(peer.members[0].client_address, "127.0.0.1:9");
    assert_int_equal(check(&peer, 2), PEER_MEMBERS);
}

static void every_changed_byte_of_a_token_is_refused(void **state)
{
    char token[PEER_TOKEN_MAX];
    char instance[ID_TEXT_LEN + 1];
    struct identity door;
    struct identity peer;

    (void)state;
    fill(&door, 1);
    fill(&peer, 2);
    peer_token_make(&peer, token);
    for (size_t i = 0; token[i] != '\0'; i++) {
        token[i] ^= 1;
        assert_int_not_equal(
            peer_token_check(&door, 2, token, sizeof token, instance),
            PEER_ACCEPTED);
        token[i] ^= 1;
    }
}

/* Each length stands in a block of exactly its size, so that a sanitizer sees
 * the first byte read too far. */
static void cut_token_is_read_no_further_than_it_goes(void **state)
{
    char token[PEER_TOKEN_MAX];
    char instance[ID_TEXT_LEN + 1];
    struct identity door;
    struct identity peer;

    (void)state;
    fill(&door, 1);
    fill(&peer, 2);
    peer_token_make(&peer, token);
    for (size_t len = 1; len <= strlen(token); len++) {
        char *block = malloc(len);

        assert_non_null(block);
        memcpy(block, token, len);
        assert_int_equal(peer_token_check(&door, 2, block, len, instance),
                         PEER_MALFORMED);
        free(block);
    }
}

static void garbage_is_malformed_and_other_versions_are_named(void **state)
{
    char instance[ID_TEXT_LEN + 1];
    char longest[2 * PEER_TOKEN_MAX];
    struct identity door;

    (void)state;
    fill(&door, 1);
    assert_int_equal(peer_token_check(&door, 2, "", 1, instance),
                     PEER_MALFORMED);
    assert_int_equal(peer_token_check(&door, 2, "127.0.0.1:7431", 15, instance),
                     PEER_MALFORMED);
    assert_int_equal(peer_token_check(&door, 2, "|||||", 6, instance),
                     PEER_VERSION);
    assert_int_equal(peer_token_check(&door, 2, "||||||", 7, instance),
                     PEER_MALFORMED);
    assert_int_equal(peer_token_check(&door, 2, "a|2|c|m|i|p", 12, instance),
                     PEER_VERSION);
    memset(longest, '|', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(
        peer_token_check(&door, 2, longest, sizeof longest, instance),
        PEER_MALFORMED);
}

static void pinned_instance_is_there_after_a_restart(void **state)
{
    const struct tmpdir *dir = *state;
    struct identity door;
    struct peer_pins pins;
    struct err err;

    fill(&door, 1);
    assert_int_equal(peer_pins_load(&pins, &door, dir->path, &err), 0);
    assert_string_equal(peer_pins_get(&pins, 2), "");
    assert_int_equal(peer_pins_set(&pins, 2, INSTANCE_2, &err), 0);
    assert_int_equal(peer_pins_load(&pins, &door, dir->path, &err), 0);
    assert_string_equal(peer_pins_get(&pins, 2), INSTANCE_2);
    assert_string_equal(peer_pins_get(&pins, 1), "");
}

static void damaged_file_of_pins_is_not_trusted(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_LEN_MAX];
    struct identity door;
    struct peer_pins pins;
    struct buf text = BUF_INIT;
    struct err err;

    fill(&door, 1);
    assert_int_equal(peer_pins_load(&pins, &door, dir->path, &err), 0);
    assert_int_equal(peer_pins_set(&pins, 2, INSTANCE_2, &err), 0);
    assert_int_equal(path_join(path, sizeof path, dir->path, "peers", &err), 0);
    assert_int_equal(file_read(path, 4096, &text, &err), 0);
    for (size_t i = 0; i < text.len; i++) {
        text.data[i] ^= 4;
        assert_int_equal(file_replace(path, text.data, text.len, 0600, &err),
                         0);
        assert_int_equal(peer_pins_load(&pins, &door, dir->path, &err),
                         QL_CORRUPT);
        text.data[i] ^= 4;
    }
    buf_close(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(member_of_the_cluster_is_accepted),
        cmocka_unit_test(token_of_one_member_does_not_serve_another),
        cmocka_unit_test(other_cluster_is_named_as_such),
        cmocka_unit_test(wrong_secret_is_refused),
        cmocka_unit_test(other_member_list_is_refused),
        cmocka_unit_test(every_changed_byte_of_a_token_is_refused),
        cmocka_unit_test(cut_token_is_read_no_further_than_it_goes),
        cmocka_unit_test(garbage_is_malformed_and_other_versions_are_named),
        cmocka_unit_test_setup_teardown(
            pinned_instance_is_there_after_a_restart, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(damaged_file_of_pins_is_not_trusted,
                                        tmpdir_setup, tmpdir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
