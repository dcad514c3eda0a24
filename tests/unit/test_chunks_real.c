/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A node's chunk store in a real directory. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#include "consensus/chunks_real.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"
#include "util/file.h"

struct place {
    uv_loop_t loop;
    struct identity identity;
    struct chunks_real_options options;
    struct chunks_real *chunks;
    bool closed;
};

static void place_init(struct place *place, const char *dir)
{
    memset(place, 0, sizeof *place);
    assert_int_equal(uv_loop_init(&place->loop), 0);
    strcpy(place->identity.cluster, "0d9b1c1e-8f0e-4c57-9a3d-5d2f5a6b7c8d");
    place->options = (struct chunks_real_options){
        .loop = &place->loop, .dir = dir, .identity = &place->identity};
}

static void place_end(struct place *place)
{
    assert_int_equal(uv_loop_close(&place->loop), 0);
}

static void on_closed(void *data)
{
    struct place *place = data;

    place->closed = true;
}

static void close_store(struct place *place)
{
    chunks_real_close(place->chunks, on_closed, place);
    assert_false(place->closed);
    (void)uv_run(&place->loop, UV_RUN_DEFAULT);
    assert_true(place->closed);
}

static void join(char ret[PATH_LEN_MAX], const char *dir, const char *name)
{
    assert_int_equal(path_join(ret, PATH_LEN_MAX, dir, name, NULL), 0);
}

static void directories_are_made_for_their_owner_only(void **state)
{
    static const char *const names[] = {"chunks", "chunks/quarantine"};
    const struct tmpdir *dir = *state;
    struct place place;

    place_init(&place, dir->path);
    /* The second time they are there. */
    for (int i = 0; i < 2; i++) {
        place.closed = false;
        assert_int_equal(chunks_real_open(&place.chunks, &place.options, NULL),
                         0);
        assert_non_null(chunks_real_store(place.chunks));
        for (size_t k = 0; k < 2; k++) {
            char path[PATH_LEN_MAX];
            struct stat status;

            join(path, dir->path, names[k]);
            assert_int_equal(stat(path, &status), 0);
            assert_true(S_ISDIR(status.st_mode));
            assert_int_equal(status.st_mode & 0777, 0700);
        }
        close_store(&place);
    }
    place_end(&place);
}

static void what_cannot_be_opened_leaves_nothing_open(void **state)
{
    const struct tmpdir *dir = *state;
    struct place place;
    struct err err = {0};
    char path[PATH_LEN_MAX];

    place_init(&place, dir->path);
    join(path, dir->path, "chunks");
    assert_int_equal(file_create(path, "x", 1, 0600, NULL), 0);
    assert_int_not_equal(chunks_real_open(&place.chunks, &place.options, &err),
                         0);
    assert_non_null(strstr(err.text, "chunks"));
    place_end(&place);
}

static void cluster_is_its_digits_as_bytes(void **state)
{
    static const uint8_t expected[CLUSTER_ID_LEN] = {
        0x0d, 0x9b, 0x1c, 0x1e, 0x8f, 0x0e, 0x4c, 0x57,
        0x9a, 0x3d, 0x5d, 0x2f, 0x5a, 0x6b, 0x7c, 0x8d};
    const struct tmpdir *dir = *state;
    uint8_t got[CLUSTER_ID_LEN];
    struct place place;

    place_init(&place, dir->path);
    identity_cluster_bytes(&place.identity, got);
    assert_memory_equal(got, expected, sizeof got);
    place_end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            directories_are_made_for_their_owner_only, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            what_cannot_be_opened_leaves_nothing_open, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(cluster_is_its_digits_as_bytes,
                                        tmpdir_setup, tmpdir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
