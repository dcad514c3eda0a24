/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The leader's job that fills a draft, record by record, several batches at a time.
 * After a refusal it waits until nothing is under way and goes on from what the
 * machine has.
 */
#include <string.h>

#include "sim/sim_feed.h"

#define WINDOW 4u   /* batches under way */
#define REFS_RUN 6u /* chunks in one record, at most */

void sim_operation_add(struct operation *operation, enum command_kind kind,
                       struct sim_bytes params)
{
    operation->commands[operation->count] =
        (struct command){kind, {params.base, params.len}};
    operation->count++;
}

struct sim_bytes sim_take_buf(struct sim *sim, struct buf *buf)
{
    struct sim_bytes bytes = sim_copy(sim, buf->data, buf->len);

    buf_close(buf);
    return bytes;
}

/* Where the machine is; false: there is nothing to fill. */
static bool sync(struct sim_node *node, struct feed *feed)
{
    struct sim_recovery *recovery = node->sim->clients->recovery;
    const struct machine *machine = node->machine->machine;
    struct machine_part_info info;
    const struct plan *plan;
    size_t count;

    if (!machine_part_info(machine, MACHINE_DRAFT, &info)) {
        return false;
    }
    feed->job = &recovery->jobs[info.total_bytes - 1];
    plan = feed->job->plan;
    feed->draft = info.id;
    feed->seq = info.next_seq;
    feed->chunk = 0;
    feed->begun = info.log_uid != 0;
    feed->ended = false;
    feed->synced = true;
    if (feed->job->backup == NULL) {
        feed->log = info.log_uid == 0 && info.next_seq > 0 ? 1 : 0;
    } else {
        feed->log = (unsigned)info.logs - (info.log_uid != 0 ? 1 : 0);
    }
    if (feed->begun) {
        (void)machine_part_chunks(machine, MACHINE_DRAFT, info.log_uid, &count);
        feed->chunk = (unsigned)count - plan->logs[feed->log].row.keep;
    }
    return true;
}

/* Mostly what is there is only named; now and then in vain. */
static int encode_chunks(struct sim_node *node, struct feed *feed,
                         const struct plan_log *log, struct buf *record)
{
    struct sim *sim = node->sim;
    const struct plan_chunk *chunk = &log->chunks[feed->chunk];
    uint8_t rows[REFS_RUN * CHUNK_ROW_LEN];
    uint32_t most = 1 + (uint32_t)sim_recovery_draw(sim, REFS_RUN);
    bool as_rows = sim_recovery_draw(sim, 16) == 0;
    uint32_t count = 0;

    if (sim_recovery_draw(sim, 8) != 0) {
        while (count < most && feed->chunk + count < log->count &&
               (as_rows || machine_has_chunk(node->machine->machine,
                                             &chunk[count].facts))) {
            memcpy(rows + count * CHUNK_ROW_LEN, chunk[count].row,
                   CHUNK_ROW_LEN);
            count++;
        }
    }
    feed->chunk += count > 0 ? count : 1;
    if (count > 0) {
        return load_refs_encode(rows, count, record);
    }
    return load_bytes_encode((struct bytes){chunk->raw.base, chunk->raw.len},
                             record);
}

static int encode_record(struct sim_node *node, struct feed *feed,
                         struct buf *record)
{
    const struct plan *plan = feed->job->plan;
    const struct plan_log *log = &plan->logs[feed->log];

    if (plan->drop_uid != 0) {
        feed->log++;
        return load_drop_encode(plan->drop_uid, record);
    }
    if (!feed->begun) {
        feed->begun = true;
        feed->chunk = 0;
        return load_log_encode(&log->row, record);
    }
    if (feed->chunk < log->count) {
        return encode_chunks(node, feed, log, record);
    }
    feed->begun = false;
    feed->log++;
    return load_done_encode(log->digest, record);
}

static void add_record(struct sim_node *node, struct feed *feed,
                       struct operation *operation)
{
    struct sim *sim = node->sim;
    const struct plan *plan = feed->job->plan;
    struct recovery_load_args load = {.draft = feed->draft, .seq = feed->seq};
    struct recovery_end_args end = {feed->draft, feed->seq, plan->deleted};
    unsigned logs = plan->drop_uid != 0 ? 1 : plan->count;
    struct buf record = BUF_INIT;
    struct buf params = BUF_INIT;
    int rv;

    feed->seq++;
    if (feed->log == logs) {
        feed->ended = true;
        rv = recovery_end_args_encode(&end, &params);
        sim_operation_add(operation, COMMAND_RECOVERY_END,
                          sim_take_buf(sim, &params));
    } else {
        rv = encode_record(node, feed, &record);
        load.record = (struct bytes){record.data, record.len};
        rv = rv == 0 ? recovery_load_args_encode(&load, &params) : rv;
        sim_operation_add(operation, COMMAND_RECOVERY_LOAD,
                          sim_take_buf(sim, &params));
        buf_close(&record);
    }
    if (rv != 0) {
        sim_fail(sim, "HARNESS: cannot encode a record");
    }
}

bool sim_feed(struct sim_node *node, struct feed *feed,
              struct operation *operation)
{
    if (!feed->synced && feed->under_way > 0) {
        return true;
    }
    if ((!feed->synced || (feed->ended && feed->under_way == 0)) &&
        !sync(node, feed)) {
        return false;
    }
    operation->feeds = true;
    while (feed->under_way < WINDOW && !feed->ended &&
           operation->count < SIM_BATCH_MAX) {
        add_record(node, feed, operation);
    }
    return true;
}
