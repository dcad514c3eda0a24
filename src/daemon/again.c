/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "daemon/again.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "util/diag.h"
#include "util/mem.h"

/* This very program, even if its file was replaced meanwhile. */
#define SELF "/proc/self/exe"

void again(int argc, char **argv, const char *more)
{
    char **words = mem_must_array((size_t)argc + 4, sizeof *words);
    size_t count = 0;

    words[count++] = program_invocation_name;
    words[count++] = (char *)(uintptr_t) "run";
    for (int i = 0; i < argc; i++) {
        words[count++] = argv[i];
    }
    words[count++] = (char *)(uintptr_t)more;
    words[count] = NULL;
    diag_info("starts again");
    /* All of ours are closed on exec; this is for those of the libraries. */
    (void)close_range(STDERR_FILENO + 1, ~0u, 0);
    (void)execv(SELF, words);
    diag_die(1, "cannot start again (%s: %s): start quorlogd by hand", SELF,
             strerror(errno));
}

void again_keep_name(void)
{
    (void)prctl(PR_SET_NAME, program_invocation_short_name);
}
