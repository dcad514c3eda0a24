/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int standard_occupy(struct err *err)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* The wrong way round, so that reading or writing gives EBADF. */
        int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) {
            continue;
        }
        /* It gets the lowest number that is free, and that is this one. */
        if (open("/dev/null", flags) < 0) {
            err_errno(err, errno, "open /dev/null");
            err->code = QL_IO;
            return QL_IO;
        }
    }
    return 0;
}
