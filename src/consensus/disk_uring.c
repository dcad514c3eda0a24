/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Writes by io_uring (io_uring_setup(2)): the loop submits, and polls the ring
 * itself, which needs no read as an eventfd does. One write at a time is given to
 * the kernel, so that they end in order.
 */
#include "consensus/disk_internal.h"

#ifdef HAVE_LIBURING

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>

#define RING_ENTRIES 4u

struct disk_uring {
    struct io_uring ring;
    uv_poll_t poll;
    uv_prepare_t turn;
    struct list writes; /* the first is with the kernel, */
    bool waits;         /* or waits for the end of the turn */
    size_t written;     /* of the first */
    bool in_event;      /* results are being told */
    unsigned closing;   /* handles */
    void (*stop_cb)(void *data);
    void *stop_data;
};

static void prepare(struct io_uring_sqe *sqe, int fd, bool direct,
                    const uint8_t *bytes, size_t len, uint64_t offset);
static int submit_first(struct disk_uring *uring);
static void on_turn(uv_prepare_t *handle);
static void on_event(uv_poll_t *poll, int status, int events);
static void on_result(struct disk_uring *uring, int result);
static void on_closed(uv_handle_t *handle);

int disk_uring_try(int fd, bool direct, struct err *err)
{
    _Alignas(DISK_BLOCK) static const uint8_t zeros[DISK_BLOCK];
    struct io_uring_cqe *cqe;
    struct io_uring ring;
    int failed = -io_uring_queue_init(RING_ENTRIES, &ring, 0);

    if (failed != 0) {
        return err_errno(err, failed, "the kernel gives no io_uring");
    }
    if (fd >= 0) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

        prepare(sqe, fd, direct, zeros, DISK_BLOCK, 0);
        failed =
            io_uring_submit(&ring) == 1 ? -io_uring_wait_cqe(&ring, &cqe) : EIO;
        if (failed == 0 && cqe->res < 0) {
            failed = -cqe->res;
        }
    }
    io_uring_queue_exit(&ring);
    if (failed != 0 && failed != ENOSPC && failed != EDQUOT) {
        return err_errno(err, failed, "io_uring cannot write");
    }
    return 0;
}

int disk_uring_start(struct disk_uring **ret_uring, uv_loop_t *loop,
                     struct err *err)
{
    struct disk_uring *uring = calloc(1, sizeof(*uring));
    int rv;

    if (uring == NULL) {
        return err_set(err, QL_NO_MEMORY, "start io_uring: out of memory");
    }
    list_init(&uring->writes);
    rv = io_uring_queue_init(RING_ENTRIES, &uring->ring, 0);
    if (rv != 0) {
        rv = err_errno(err, -rv, "the kernel gives no io_uring");
        goto free_uring;
    }
    if (uv_poll_init(loop, &uring->poll, uring->ring.ring_fd) != 0) {
        rv = err_set(err, QL_IO, "the loop takes no io_uring");
        goto exit_ring;
    }
    uring->poll.data = uring;
    (void)uv_prepare_init(loop, &uring->turn);
    uring->turn.data = uring;
    rv = uv_prepare_start(&uring->turn, on_turn);
    assert(rv == 0);
    rv = uv_poll_start(&uring->poll, UV_READABLE, on_event);
    assert(rv == 0);
    *ret_uring = uring;
    return 0;

exit_ring:
    io_uring_queue_exit(&uring->ring);
free_uring:
    free(uring);
    return rv;
}

int disk_uring_write(struct disk_uring *uring, struct disk_write *write)
{
    bool first = list_empty(&uring->writes);
    int rv;

    list_push_back(&uring->writes, &write->link);
    if (!first) {
        return 0;
    }
    uring->written = 0;
    if (!uring->in_event) {
        uring->waits = true;
        return 0;
    }
    rv = submit_first(uring);
    if (rv != 0) {
        list_remove(&write->link);
    }
    return rv;
}

bool disk_uring_is_idle(const struct disk_uring *uring)
{
    return list_empty(&uring->writes);
}

void disk_uring_stop(struct disk_uring *uring, void (*cb)(void *data),
                     void *data)
{
    assert(list_empty(&uring->writes));
    uring->stop_cb = cb;
    uring->stop_data = data;
    uring->closing = 2;
    uv_close((uv_handle_t *)&uring->poll, on_closed);
    uv_close((uv_handle_t *)&uring->turn, on_closed);
}

static void on_closed(uv_handle_t *handle)
{
    struct disk_uring *uring = handle->data;

    uring->closing--;
    if (uring->closing > 0) {
        return;
    }
    io_uring_queue_exit(&uring->ring);
    uring->stop_cb(uring->stop_data);
    free(uring);
}

static void prepare(struct io_uring_sqe *sqe, int fd, bool direct,
                    const uint8_t *bytes, size_t len, uint64_t offset)
{
    io_uring_prep_write(sqe, fd, bytes, (unsigned)len, offset);
    sqe->rw_flags = direct ? 0 : RWF_DSYNC;
}

static int submit_first(struct disk_uring *uring)
{
    struct disk_write *write =
        LIST_ITEM(uring->writes.next, struct disk_write, link);
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
    const struct disk_file *file = write->file;
    bool direct = file->direct >= 0;
    int rv;

    assert(sqe != NULL);
    prepare(sqe, direct ? file->direct : file->fd, direct,
            (const uint8_t *)write->bytes + uring->written,
            write->len - uring->written, write->offset + uring->written);
    rv = io_uring_submit(&uring->ring);
    return rv == 1 ? 0 : QL_IO;
}

/* Before the loop waits, and behind all else that this turn has brought, above all
 * what the peers are told, which have to write, too: to submit takes long. The
 * link starts its handle when it has something, and libuv calls what was started
 * later earlier. A write that waited for another one goes at once. */
static void on_turn(uv_prepare_t *handle)
{
    struct disk_uring *uring = handle->data;
    struct disk_write *write;

    if (!uring->waits) {
        return;
    }
    uring->waits = false;
    write = LIST_ITEM(uring->writes.next, struct disk_write, link);
    write->status = submit_first(uring);
    if (write->status != 0) {
        list_remove(&write->link);
        disk_write_tell(write);
    }
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct disk_uring *uring = poll->data;
    struct io_uring_cqe *cqe;

    (void)status;
    (void)events;
    uring->in_event = true;
    while (io_uring_peek_cqe(&uring->ring, &cqe) == 0) {
        int result = cqe->res;

        io_uring_cqe_seen(&uring->ring, cqe);
        on_result(uring, result);
    }
    uring->in_event = false;
}

static void on_result(struct disk_uring *uring, int result)
{
    struct disk_write *write =
        LIST_ITEM(uring->writes.next, struct disk_write, link);

    write->status = 0;
    if (result <= 0) {
        write->status =
            disk_files_error(&write->err, result == 0 ? EIO : -result, "write",
                             write->file->name);
    } else {
        uring->written += (size_t)result;
        if (uring->written < write->len) {
            write->status = submit_first(uring);
            if (write->status == 0) {
                return;
            }
        }
    }
    list_remove(&write->link);
    uring->written = 0;
    if (!list_empty(&uring->writes)) {
        struct disk_write *next =
            LIST_ITEM(uring->writes.next, struct disk_write, link);

        next->status = submit_first(uring);
        if (next->status != 0) {
            list_remove(&next->link);
            disk_write_tell(write);
            disk_write_tell(next);
            return;
        }
    }
    disk_write_tell(write);
}

#else

int disk_uring_try(int fd, bool direct, struct err *err)
{
    (void)fd;
    (void)direct;
    return err_set(err, QL_NOT_FOUND, "io_uring is not built in");
}

int disk_uring_start(struct disk_uring **ret_uring, uv_loop_t *loop,
                     struct err *err)
{
    (void)ret_uring;
    (void)loop;
    return err_set(err, QL_NOT_FOUND, "io_uring is not built in");
}

int disk_uring_write(struct disk_uring *uring, struct disk_write *write)
{
    (void)uring;
    (void)write;
    return QL_IO;
}

bool disk_uring_is_idle(const struct disk_uring *uring)
{
    (void)uring;
    return true;
}

void disk_uring_stop(struct disk_uring *uring, void (*cb)(void *data),
                     void *data)
{
    (void)uring;
    cb(data);
}

#endif
