/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/tmpdir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static int remove_one(const char *path, const struct stat *status, int kind,
                      struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

int tmpdir_setup(void **state)
{
    struct tmpdir *dir = calloc(1, sizeof *dir);

    if (dir == NULL) {
        return -1;
    }
    (void)snprintf(dir->path, sizeof dir->path, "/tmp/quorlog-test-XXXXXX");
    if (mkdtemp(dir->path) == NULL) {
        free(dir);
        return -1;
    }
    *state = dir;
    return 0;
}

int tmpdir_teardown(void **state)
{
    struct tmpdir *dir = *state;
    int rv = nftw(dir->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);

    free(dir);
    return rv;
}
