/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A directory of one's own for a test, as a cmocka fixture. */
#pragma once

struct tmpdir {
    char path[64];
};

/* For cmocka_unit_test_setup_teardown(); *state is a struct tmpdir. */
int tmpdir_setup(void **state);
int tmpdir_teardown(void **state); /* removes it with all that is in it */
