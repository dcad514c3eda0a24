/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/stream.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compare/peer.h"
#include "scale_process.h"

#define READ_LEN 65536u

bool stream_open(struct stream *stream, unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        scale_fail("no socket: %s", strerror(errno));
    }
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)port);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        return false;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *stream = (struct stream){.fd = fd};
    return true;
}

void stream_close(struct stream *stream)
{
    (void)close(stream->fd);
    buf_close(&stream->in);
    buf_close(&stream->out);
    *stream = (struct stream){.fd = -1};
}

struct bytes stream_bytes(const struct stream *stream)
{
    if (stream->in.len == stream->in_taken) {
        return (struct bytes){NULL, 0};
    }
    return (struct bytes){stream->in.data + stream->in_taken,
                          stream->in.len - stream->in_taken};
}

void stream_add(struct stream *stream, const void *bytes, size_t len)
{
    if (buf_add(&stream->out, bytes, len) != 0) {
        scale_fail("out of memory");
    }
}

static void flush(struct stream *stream)
{
    size_t left = stream->out.len - stream->out_taken;
    ssize_t len;

    if (left == 0) {
        return;
    }
    len = send(stream->fd, stream->out.data + stream->out_taken, left,
               MSG_DONTWAIT | MSG_NOSIGNAL);
    if (len < 0 && errno != EAGAIN && errno != EINTR) {
        stream->is_lost = true;
    }
    stream->out_taken += len > 0 ? (size_t)len : 0;
    if (stream->out_taken == stream->out.len) {
        stream->out.len = 0;
        stream->out_taken = 0;
    }
}

static void fill(struct stream *stream)
{
    ssize_t len;

    buf_consume(&stream->in, stream->in_taken);
    stream->in_taken = 0;
    if (buf_reserve(&stream->in, READ_LEN) != 0) {
        scale_fail("out of memory");
    }
    len = recv(stream->fd, stream->in.data + stream->in.len,
               stream->in.room - stream->in.len, MSG_DONTWAIT);
    if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR)) {
        stream->is_lost = true;
    }
    stream->in.len += len > 0 ? (size_t)len : 0;
}

bool streams_wait(struct stream *streams, size_t count, int timeout_ms)
{
    struct pollfd fds[PEER_CONNECTIONS_MAX];
    bool all_are_there = true;

    assert(count <= PEER_CONNECTIONS_MAX);
    for (size_t i = 0; i < count; i++) {
        flush(&streams[i]);
        fds[i] = (struct pollfd){.fd = streams[i].fd, .events = POLLIN};
        if (streams[i].out.len > 0) {
            fds[i].events |= POLLOUT;
        }
    }
    if (poll(fds, (nfds_t)count, timeout_ms) <= 0) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            fill(&streams[i]);
        }
        all_are_there = all_are_there && !streams[i].is_lost;
    }
    return all_are_there;
}
