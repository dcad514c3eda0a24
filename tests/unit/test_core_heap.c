/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/core_heap.h"

#include <raft.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/cmocka.h"
#include "util/buf.h"
#include "util/limits.h"

/* More than any machine has, and the compiler must not know. */
static volatile size_t too_much = SIZE_MAX / 4;

enum way { BY_MALLOC, BY_CALLOC, BY_REALLOC, BY_ALIGNED, WAYS };

static void take_too_much(enum way way)
{
    switch (way) {
    case BY_MALLOC:
        (void)raft_malloc(too_much);
        break;
    case BY_CALLOC:
        (void)raft_calloc(too_much, 8);
        break;
    case BY_REALLOC:
        (void)raft_realloc(raft_malloc(16), too_much);
        break;
    default:
        (void)raft_aligned_alloc(4096, too_much / 4096 * 4096);
        break;
    }
}

static void the_process_ends_when_the_core_finds_no_memory(void **state)
{
    (void)state;
    for (int way = BY_MALLOC; way < WAYS; way++) {
        int status = 0;
        pid_t child = fork();

        if (child == 0) {
            (void)close(STDERR_FILENO); /* what it says is expected */
            core_heap_install();
            take_too_much((enum way)way);
            _exit(EXIT_SUCCESS);
        }
        assert_true(child > 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
    }
}

static void memory_passes_between_the_core_and_its_users(void **state)
{
    void *ours = malloc(32);
    void *theirs;

    (void)state;
    core_heap_install();
    theirs = raft_calloc(4, 8);
    theirs = raft_realloc(theirs, 100);
    raft_free(theirs);
    raft_free(ours);
    raft_free(malloc(RAFT_BLOCK_MIN));
    raft_free(NULL);
    theirs = raft_malloc(0);
    assert_non_null(theirs); /* NULL would be out of memory */
    raft_free(theirs);
    theirs = raft_aligned_alloc(4096, 8192);
    assert_int_equal((uintptr_t)theirs % 4096, 0);
    raft_aligned_free(4096, theirs);
}

/* Each byte tells where it stands. */
static void fill(uint8_t *bytes, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    }
}

static void check(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(bytes[i], (uint8_t)(i * 7 + i / 256));
    }
}

static void a_batch_keeps_its_bytes_while_it_grows_and_is_cut(void **state)
{
    static const size_t lens[] = {100,
                                  RAFT_BLOCK_MIN - 1,
                                  RAFT_BLOCK_MIN,
                                  RAFT_BLOCK_BYTES,
                                  RAFT_BLOCK_BYTES + 1,
                                  4 * RAFT_BLOCK_BYTES,
                                  RAFT_BLOCK_BYTES,
                                  RAFT_BLOCK_MIN,
                                  100};
    uint8_t *bytes = NULL;
    size_t was = 0;

    (void)state;
    core_heap_install();
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        bytes = raft_realloc(bytes, lens[i]);
        if (was < lens[i]) {
            fill(bytes, was, lens[i]);
        }
        was = lens[i];
        check(bytes, was);
    }
    raft_free(bytes);
}

static void long_entries_do_not_share_a_block(void **state)
{
    uint8_t *entries[2 * RAFT_BLOCKS_KEPT];
    size_t count = sizeof(entries) / sizeof(entries[0]);

    (void)state;
    core_heap_install();
    /* The second time they are in blocks that were freed. */
    for (unsigned turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < count; i++) {
            entries[i] = raft_malloc(RAFT_BLOCK_MIN + i);
            memset(entries[i], (int)i, RAFT_BLOCK_MIN + i);
        }
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(entries[i][0], (uint8_t)i);
            assert_int_equal(entries[i][RAFT_BLOCK_MIN + i - 1], (uint8_t)i);
            raft_free(entries[i]);
        }
    }
}

/* As many as there are blocks, and some more. */
static void more_entries_than_blocks_are_no_trouble(void **state)
{
    static uint8_t *entries[RAFT_BLOCKS_MAX + 3];
    size_t count = sizeof(entries) / sizeof(entries[0]);

    (void)state;
    core_heap_install();
    for (size_t i = 0; i < count; i++) {
        entries[i] = raft_malloc(RAFT_BLOCK_MIN);
        put_u64(entries[i], i);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(get_u64(entries[i]), i);
        entries[i] = raft_realloc(entries[i], RAFT_BLOCK_MIN + 8);
        assert_int_equal(get_u64(entries[i]), i);
    }
    for (size_t i = 0; i < count; i++) {
        raft_free(entries[i]);
    }
}

static size_t resident_pages(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    size_t size;
    size_t resident;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu", &size, &resident), 2);
    (void)fclose(file);
    return resident;
}

static void memory_of_entries_goes_back_when_they_do(void **state)
{
    static uint8_t *entries[8 * RAFT_BLOCKS_KEPT];
    size_t count = sizeof(entries) / sizeof(entries[0]);
    size_t pages = RAFT_BLOCK_BYTES / (size_t)sysconf(_SC_PAGESIZE);
    size_t full;

    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* it keeps what is freed */
#endif
    core_heap_install();
    for (size_t i = 0; i < count; i++) {
        entries[i] = raft_malloc(RAFT_BLOCK_BYTES);
        memset(entries[i], (int)i, RAFT_BLOCK_BYTES);
    }
    full = resident_pages();
    for (size_t i = 0; i < count; i++) {
        raft_free(entries[i]);
    }
    assert_true(resident_pages() + (count - RAFT_BLOCKS_KEPT - 1) * pages <
                full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_process_ends_when_the_core_finds_no_memory),
        cmocka_unit_test(memory_passes_between_the_core_and_its_users),
        cmocka_unit_test(a_batch_keeps_its_bytes_while_it_grows_and_is_cut),
        cmocka_unit_test(long_entries_do_not_share_a_block),
        cmocka_unit_test(more_entries_than_blocks_are_no_trouble),
        cmocka_unit_test(memory_of_entries_goes_back_when_they_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
