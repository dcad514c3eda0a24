/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The digest of the whole state: of its own numbers and of two sums, one over the
 * digests of logs and one over those of producers. Only what was touched since the
 * last time is digested again.
 */
#include <string.h>

#include "machine/image.h"
#include "util/hash128.h"

static void count_logs(struct logs *logs, struct buf *scratch);
static void count_producers(struct producers *producers, struct buf *scratch);
static void add_logs(const struct logs *logs, struct buf *buf);
static void add_sections(struct state *state, struct buf *buf);
static void recount(struct tally *digests, bool *is_counted,
                    uint8_t counted[HASH128_LEN], const struct buf *now);
static void add_tally(struct buf *buf, const struct tally *tally);

void machine_digest(const struct machine *machine, uint8_t ret[16])
{
    struct state *state = machine->state;
    struct buf scratch = BUF_INIT;
    unsigned part;

    count_logs(&state->logs, &scratch);
    for (part = MACHINE_DRAFT; part < MACHINE_PARTS; part++) {
        if (state->kept[part] != NULL) {
            count_logs(&state->kept[part]->logs, &scratch);
        }
    }
    count_producers(&state->producers, &scratch);
    scratch.len = 0;
    image_add_u64(&scratch, state->age_suspended);
    image_add_u64(&scratch, state->space_low);
    image_add_u64(&scratch, state->time_ms);
    image_add_u64(&scratch, state->state_index);
    image_add_u64(&scratch, state->logs.uid_last);
    image_add_u64(&scratch, state->logs.opened_last);
    add_logs(&state->logs, &scratch);
    image_add_u64(&scratch, state->producers.mark);
    image_add_u64(&scratch, state->producers.use_last);
    image_add_u64(&scratch, state->producers.count);
    add_tally(&scratch, &state->producers.digests);
    image_add_u64(&scratch, state->standstill.frozen);
    image_write_standstill(&state->standstill, &scratch);
    add_sections(state, &scratch);
    hash128(scratch.data, scratch.len, ret);
    buf_close(&scratch);
}

/* What the header of their image says, and the logs. */
void machine_logs_digest(const struct machine *machine, uint8_t ret[16])
{
    struct state *state = machine->state;
    struct buf scratch = BUF_INIT;

    count_logs(&state->logs, &scratch);
    scratch.len = 0;
    image_add_u64(&scratch, state->time_ms);
    image_add_u64(&scratch, state->state_index);
    image_add_u64(&scratch, state->logs.uid_last);
    image_add_u64(&scratch, state->logs.opened_last);
    add_logs(&state->logs, &scratch);
    hash128(scratch.data, scratch.len, ret);
    buf_close(&scratch);
}

void state_logs_digest(struct logs *logs, uint8_t ret[HASH128_LEN])
{
    struct buf scratch = BUF_INIT;

    count_logs(logs, &scratch);
    scratch.len = 0;
    add_logs(logs, &scratch);
    hash128(scratch.data, scratch.len, ret);
    buf_close(&scratch);
}

/* Nothing for a state that has nothing but logs and producers. */
static void add_sections(struct state *state, struct buf *buf)
{
    uint32_t flags = image_sections(state);
    unsigned part;

    if (flags == 0) {
        return;
    }
    image_add_u32(buf, flags);
    image_write_backups(&state->backups, buf);
    image_write_settings(&state->settings, buf);
    image_write_recovery(state, buf);
    for (part = MACHINE_DRAFT; part < MACHINE_PARTS; part++) {
        if (state->kept[part] != NULL) {
            image_write_kept(state->kept[part], buf);
            add_logs(&state->kept[part]->logs, buf);
        }
    }
}

/* They were counted. */
static void add_logs(const struct logs *logs, struct buf *buf)
{
    image_add_u64(buf, logs->count);
    add_tally(buf, &logs->digests);
}

/* A log is its row in the image and the rows of its sealed chunks; the bytes of
 * the open one are in its chain. */
static void count_logs(struct logs *logs, struct buf *scratch)
{
    while (!list_empty(&logs->changed)) {
        struct log *log =
            LIST_ITEM(logs->changed.next, struct log, changed_link);

        scratch->len = 0;
        image_write_log(log, scratch);
        add_tally(scratch, &log->rows);
        recount(&logs->digests, &log->is_counted, log->counted, scratch);
        list_remove(&log->changed_link);
    }
}

static void count_producers(struct producers *producers, struct buf *scratch)
{
    while (!list_empty(&producers->changed)) {
        struct producer *producer =
            LIST_ITEM(producers->changed.next, struct producer, changed_link);

        scratch->len = 0;
        image_write_producer(producer, scratch);
        recount(&producers->digests, &producer->is_counted, producer->counted,
                scratch);
        list_remove(&producer->changed_link);
    }
}

static void recount(struct tally *digests, bool *is_counted,
                    uint8_t counted[HASH128_LEN], const struct buf *now)
{
    if (*is_counted) {
        tally_remove(digests, counted);
    }
    hash128(now->data, now->len, counted);
    tally_add(digests, counted);
    *is_counted = true;
}

static void add_tally(struct buf *buf, const struct tally *tally)
{
    image_add_u64(buf, tally->sums[0]);
    image_add_u64(buf, tally->sums[1]);
}
