/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_floor_net.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/limits.h"
#include "util/text.h"
#include "wire/rpc.h"
#include "wire/scan.h"

#define ANSWER_LEN 32u
#define PING_ANSWER_MAX 256u
#define PATIENCE_SECONDS 5
#define PORT_DEFAULT 7420u
#define WARM_TRIPS 20u

/* The end that answers on loopback. */
struct echo {
    int fd;
    size_t message_len;
    uint8_t *bytes;
};

static bool pin(cpu_set_t *ret_before);
static int exchange(struct histogram *histogram, int fd, struct echo *echo,
                    uint8_t *bytes, unsigned ms, struct err *err);
static int connect_pair(int ret_fds[2], struct err *err);
static void *answer(void *data);
static bool send_all(int fd, const uint8_t *bytes, size_t len);
static bool receive_all(int fd, uint8_t *bytes, size_t len);
static int dial(const char *endpoint, int *ret_fd, struct err *err);
static int dial_unix(const struct address *address, int *ret_fd,
                     struct err *err);
static int dial_tcp(const struct address *address, int *ret_fd,
                    struct err *err);
static bool receive_answer(int fd);

uint64_t qb_floor_now_ns(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int qb_floor_net_loopback(struct histogram *histogram, size_t message_len,
                          bool one_cpu, unsigned ms, struct err *err)
{
    uint8_t *bytes = calloc(2, message_len + ANSWER_LEN);
    struct echo echo = {.message_len = message_len};
    cpu_set_t before;
    bool pinned = false;
    int fds[2] = {-1, -1};
    int rv;

    if (bytes == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    rv = connect_pair(fds, err);
    if (rv != 0) {
        goto free_bytes;
    }
    echo.fd = fds[1];
    echo.bytes = bytes + message_len + ANSWER_LEN;
    if (one_cpu) {
        pinned = pin(&before);
    }
    rv = exchange(histogram, fds[0], &echo, bytes, ms, err);
    if (pinned) {
        (void)sched_setaffinity(0, sizeof before, &before);
    }
    (void)close(fds[0]);
    (void)close(fds[1]);
free_bytes:
    free(bytes);
    return rv;
}

int qb_floor_net_ping(struct histogram *histogram, const char *endpoint,
                      unsigned ms, struct err *err)
{
    static const uint8_t no_params[] = {0x80}; /* {} */
    uint64_t until = qb_floor_now_ns() + (uint64_t)ms * 1000000u;
    struct buf request = BUF_INIT;
    unsigned trips = 0;
    int fd = -1;
    int rv;

    rv = rpc_encode_request(&request, 1, "server.ping",
                            (struct bytes){no_params, sizeof no_params});
    if (rv != 0) {
        return err_set(err, rv, "out of memory");
    }
    rv = dial(endpoint, &fd, err);
    while (rv == 0 && (qb_floor_now_ns() < until || trips <= WARM_TRIPS)) {
        uint64_t begun = qb_floor_now_ns();

        if (!send_all(fd, request.data, request.len) || !receive_answer(fd)) {
            rv = err_set(err, QL_CONNECT, "%s does not answer server.ping",
                         endpoint);
        } else if (++trips > WARM_TRIPS) {
            histogram_record(histogram, qb_floor_now_ns() - begun);
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    buf_close(&request);
    return rv;
}

/* To where this thread runs now; those that it makes inherit that. */
static bool pin(cpu_set_t *ret_before)
{
    int cpu = sched_getcpu();
    cpu_set_t one;

    if (cpu < 0 || sched_getaffinity(0, sizeof *ret_before, ret_before) != 0) {
        return false;
    }
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    return sched_setaffinity(0, sizeof one, &one) == 0;
}

static int exchange(struct histogram *histogram, int fd, struct echo *echo,
                    uint8_t *bytes, unsigned ms, struct err *err)
{
    uint64_t until = qb_floor_now_ns() + (uint64_t)ms * 1000000u;
    pthread_t thread;
    unsigned trips = 0;
    bool failed = false;

    if (pthread_create(&thread, NULL, answer, echo) != 0) {
        return err_set(err, QL_NO_MEMORY, "no thread to measure loopback with");
    }
    while (!failed && (qb_floor_now_ns() < until || trips <= WARM_TRIPS)) {
        uint64_t begun = qb_floor_now_ns();

        failed = !send_all(fd, bytes, echo->message_len) ||
                 !receive_all(fd, bytes, ANSWER_LEN);
        if (!failed && ++trips > WARM_TRIPS) {
            histogram_record(histogram, qb_floor_now_ns() - begun);
        }
    }
    (void)shutdown(fd, SHUT_RDWR);
    (void)pthread_join(thread, NULL);
    return failed ? err_set(err, QL_IO, "a connection on loopback ended") : 0;
}

/* A dead host must not hold the measurement up. */
static void set_options(int fd)
{
    const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    const int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

static int connect_pair(int ret_fds[2], struct err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ret_fds[1] = -1;
    if (door >= 0 && fd >= 0 &&
        bind(door, (struct sockaddr *)&address, sizeof address) == 0 &&
        listen(door, 1) == 0 &&
        getsockname(door, (struct sockaddr *)&address, &len) == 0 &&
        connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        ret_fds[1] = accept4(door, NULL, NULL, SOCK_CLOEXEC);
    }
    failed = errno;
    if (door >= 0) {
        (void)close(door);
    }
    if (ret_fds[1] < 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return err_errno(err, failed, "make a connection on loopback");
    }
    ret_fds[0] = fd;
    set_options(ret_fds[0]);
    set_options(ret_fds[1]);
    return 0;
}

static void *answer(void *data)
{
    const struct echo *echo = data;

    while (receive_all(echo->fd, echo->bytes, echo->message_len) &&
           send_all(echo->fd, echo->bytes, ANSWER_LEN)) {
        continue;
    }
    return NULL;
}

/* A ring that was closed just before makes the kernel interrupt these calls, like
 * a signal, where they have a timeout. */
static bool send_all(int fd, const uint8_t *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t sent = send(fd, bytes + done, len - done, MSG_NOSIGNAL);

        if (sent > 0) {
            done += (size_t)sent;
        } else if (sent == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

static bool receive_all(int fd, uint8_t *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t got = recv(fd, bytes + done, len - done, 0);

        if (got > 0) {
            done += (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

static int dial(const char *endpoint, int *ret_fd, struct err *err)
{
    struct address address;
    int rv = address_parse(endpoint, PORT_DEFAULT, &address, err);

    if (rv != 0) {
        return rv;
    }
    return address.is_unix ? dial_unix(&address, ret_fd, err)
                           : dial_tcp(&address, ret_fd, err);
}

static int dial_unix(const struct address *address, int *ret_fd,
                     struct err *err)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    size_t len = strlen(address->host);
    int fd;

    if (len >= sizeof local.sun_path) {
        return err_set(err, QL_TOO_LARGE, "%s is too long for a socket's path",
                       address->host);
    }
    memcpy(local.sun_path, address->host, len + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    set_options(fd);
    if (fd < 0 || connect(fd, (struct sockaddr *)&local, sizeof local) != 0) {
        int failed = errno;

        if (fd >= 0) {
            (void)close(fd);
        }
        return err_set(err, QL_CONNECT, "connect to %s: %s", address->host,
                       strerror(failed));
    }
    *ret_fd = fd;
    return 0;
}

static int dial_tcp(const struct address *address, int *ret_fd, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char port[8];
    int failed = 0;
    int fd = -1;
    int told;

    (void)snprintf(port, sizeof port, "%u", address->port);
    told = getaddrinfo(address->host, port, &hints, &found);
    if (told != 0) {
        return err_set(err, QL_CONNECT, "%s: %s", address->host,
                       gai_strerror(told));
    }
    for (const struct addrinfo *at = found; fd < 0 && at != NULL;
         at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        set_options(fd);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            failed = errno;
            (void)close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    if (fd < 0) {
        return err_set(err, QL_CONNECT, "connect to %s:%s: %s", address->host,
                       port, strerror(failed));
    }
    *ret_fd = fd;
    return 0;
}

/* One whole message; what it says does not matter. */
static bool receive_answer(int fd)
{
    uint8_t bytes[PING_ANSWER_MAX];
    struct scan scan;
    size_t len = 0;

    scan_init(&scan, sizeof bytes);
    while (!scan.done) {
        ssize_t got = recv(fd, bytes + len, sizeof bytes - len, 0);

        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        len += got > 0 ? (size_t)got : 0;
        if (scan_feed(&scan, bytes, len, NULL) != 0) {
            return false;
        }
    }
    return true;
}
