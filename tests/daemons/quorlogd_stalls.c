/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlogd whose disk takes nothing more from SIGUSR1 until SIGUSR2. Its loop
 * goes on, as it does over a disk that hangs: only --wal-writer thread. */
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOOK_US 1000

static volatile sig_atomic_t stalled;

static void begin(void) __attribute__((constructor));
static void on_signal(int number);
static void wait_while_stalled(void);

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __real_pwritev2(int fd, const struct iovec *parts, int count,
                        off_t offset, int flags);
ssize_t __wrap_pwritev2(int fd, const struct iovec *parts, int count,
                        off_t offset, int flags);

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    wait_while_stalled();
    return __real_pwrite(fd, bytes, len, offset);
}

ssize_t __wrap_pwritev2(int fd, const struct iovec *parts, int count,
                        off_t offset, int flags)
{
    wait_while_stalled();
    return __real_pwritev2(fd, parts, count, offset, flags);
}

static void wait_while_stalled(void)
{
    while (stalled != 0 && gettid() != getpid()) {
        (void)usleep(LOOK_US);
    }
}

static void begin(void)
{
    (void)signal(SIGUSR1, on_signal);
    (void)signal(SIGUSR2, on_signal);
}

static void on_signal(int number)
{
    stalled = number == SIGUSR1;
}
