/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/core_heap.h"

#include <raft.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/cmocka.h"

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
    free(theirs);
    raft_free(ours);
    raft_free(NULL);
    theirs = raft_malloc(0);
    assert_non_null(theirs); /* NULL would be out of memory */
    raft_free(theirs);
    theirs = raft_aligned_alloc(4096, 8192);
    assert_int_equal((uintptr_t)theirs % 4096, 0);
    raft_aligned_free(4096, theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_process_ends_when_the_core_finds_no_memory),
        cmocka_unit_test(memory_passes_between_the_core_and_its_users),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
