/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/lines.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "util/limits.h"

#define READ_BYTES (256u * KIB)

static int line_too_large(const struct lines *lines, struct err *err);

void lines_init(struct lines *lines, int fd, size_t line_max)
{
    memset(lines, 0, sizeof *lines);
    lines->fd = fd;
    lines->line_max = line_max;
}

void lines_close(struct lines *lines)
{
    buf_close(&lines->buf);
}

int lines_next(struct lines *lines, enum lines_state *ret_state,
               struct bytes *ret_line, struct err *err)
{
    const uint8_t *data = lines->buf.data;
    const uint8_t *newline = NULL;
    size_t len = lines->buf.len - lines->start;

    if (lines->scanned < lines->buf.len) {
        newline = memchr(data + lines->scanned, '\n',
                         lines->buf.len - lines->scanned);
    }
    if (newline != NULL) {
        len = (size_t)(newline - data) - lines->start;
    } else {
        lines->scanned = lines->buf.len;
    }
    if (len > lines->line_max) {
        return line_too_large(lines, err);
    }
    if (newline == NULL && (!lines->ended || len == 0)) {
        *ret_state = lines->ended ? LINES_END : LINES_WANTS;
        return 0;
    }
    ret_line->data = data + lines->start;
    ret_line->len = len;
    *ret_state = LINES_LINE;
    lines->start += len + (newline != NULL);
    lines->scanned = lines->start;
    lines->taken += len + (newline != NULL);
    lines->number++;
    return 0;
}

bool lines_readable(const struct lines *lines)
{
    struct pollfd fd = {.fd = lines->fd, .events = POLLIN};

    return poll(&fd, 1, 0) > 0;
}

int lines_fill(struct lines *lines, struct err *err)
{
    ssize_t len;

    buf_consume(&lines->buf, lines->start);
    lines->scanned -= lines->start;
    lines->start = 0;
    if (buf_reserve(&lines->buf, READ_BYTES) != 0) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    len = read(lines->fd, lines->buf.data + lines->buf.len, READ_BYTES);
    if (len < 0) {
        if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) {
            return 0;
        }
        err_errno(err, errno, "read line %" PRIu64, lines->number + 1);
        err->code = QL_IO;
        return QL_IO;
    }
    lines->buf.len += (size_t)len;
    lines->ended = len == 0;
    return 0;
}

static int line_too_large(const struct lines *lines, struct err *err)
{
    return err_set(err, QL_TOO_LARGE,
                   "line %" PRIu64 " is longer than %zu bytes",
                   lines->number + 1, lines->line_max);
}
