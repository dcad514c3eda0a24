/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/install_reading.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/link_message.h"
#include "store/snapshot.h"
#include "util/mem.h"

static int reading_run(struct disk_work *work);
static void reading_on_done(struct disk_work *work, int status);

void install_subject_fill(struct install_subject *ret,
                          const struct raft_install_snapshot *snapshot)
{
    size_t len = snapshot->data.len;

    *ret = (struct install_subject){.index = snapshot->last_index,
                                    .term = snapshot->last_term};
    memcpy(ret->head, snapshot->data.base,
           len < INSTALL_HEAD_LEN ? len : INSTALL_HEAD_LEN);
}

bool install_subject_equal(const struct install_subject *a,
                           const struct install_subject *b)
{
    return a->index == b->index && a->term == b->term &&
           memcmp(a->head, b->head, INSTALL_HEAD_LEN) == 0;
}

struct install_reading *install_reading_begin(
    struct disk *disk, const struct raft_message *message,
    const struct machine_limits *limits, install_reading_cb cb, void *data)
{
    struct install_reading *reading = mem_must_zalloc(sizeof *reading);

    list_init(&reading->link);
    install_subject_fill(&reading->subject, &message->install_snapshot);
    reading->message = *message;
    reading->limits = limits;
    reading->cb = cb;
    reading->data = data;
    reading->is_wanted = true;
    reading->work.run = reading_run;
    reading->work.cb = reading_on_done;
    reading->work.data = reading;
    if (disk->ops->work(disk, &reading->work) != 0) {
        install_reading_free(reading);
        return NULL;
    }
    return reading;
}

void install_reading_free(struct install_reading *reading)
{
    list_remove(&reading->link);
    machine_free(reading->machine);
    if (reading->message.type == RAFT_IO_INSTALL_SNAPSHOT) {
        link_message_free(&reading->message);
    }
    free(reading);
}

/* On a thread. */
static int reading_run(struct disk_work *work)
{
    struct install_reading *reading = work->data;
    const struct raft_buffer *data = &reading->message.install_snapshot.data;
    struct buf image = BUF_INIT;
    uint64_t index = 0;
    int rv =
        snapshot_unpack(data->base, data->len, &image, &index, &reading->err);

    if (rv == 0 && index != reading->subject.index) {
        rv = err_set(&reading->err, QL_CORRUPT,
                     "it says that it is of raft index %" PRIu64, index);
    }
    if (rv == 0) {
        reading->machine = machine_new(reading->limits);
        rv = machine_restore(reading->machine, image.data, image.len, NULL,
                             &reading->err);
    }
    buf_close(&image);
    return rv;
}

static void reading_on_done(struct disk_work *work, int status)
{
    struct install_reading *reading = work->data;

    reading->cb(reading, status);
}
