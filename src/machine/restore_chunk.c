/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The chunks of an image. */
#include <stdlib.h>
#include <string.h>

#include "machine/chunk_row.h"
#include "machine/image.h"
#include "machine/restore.h"
#include "util/mem.h"

static int read_sealed(struct restore *restore, struct log *log);
static int read_open(struct restore *restore, struct log *log, uint32_t len);
static int check_chunks(struct restore *restore, const struct log *log);
static bool follows(const struct log *log, uint64_t first, uint64_t time_ms);
static struct chunk *find_chunk(struct restore *restore,
                                const struct chunk_facts *facts);
static int compare_opened(const void *a, const void *b);

int restore_chunks(struct restore *restore, struct log *log, uint32_t sealed,
                   uint32_t open_len)
{
    uint32_t i;
    int rv;

    if (restore->part != MACHINE_LIVE && open_len > 0) {
        return restore_corrupt(restore, "a log that is not live is open");
    }
    for (i = 0; i < sealed; i++) {
        rv = read_sealed(restore, log);
        if (rv != 0) {
            return rv;
        }
    }
    if (open_len > 0) {
        rv = read_open(restore, log, open_len);
        if (rv != 0) {
            return rv;
        }
    }
    rv = check_chunks(restore, log);
    if (rv != 0) {
        return rv;
    }
    log_set_head(log, log->head);
    return 0;
}

int restore_open_order(struct restore *restore)
{
    struct logs *logs = &restore->state->logs;
    struct log **open = mem_must_array(logs->count, sizeof(*open));
    uint64_t opened = 0;
    bool fits = true;
    size_t count = 0;
    size_t i;

    for (i = 0; i < logs->count; i++) {
        if (logs->by_uid[i]->open != NULL) {
            open[count] = logs->by_uid[i];
            count++;
        }
    }
    if (count > 0) {
        qsort(open, count, sizeof(struct log *), compare_opened);
    }
    for (i = 0; i < count; i++) {
        fits = fits && open[i]->opened > opened;
        opened = open[i]->opened;
        if (fits) {
            logs_queue_open(logs, open[i]);
        }
    }
    free(open);
    if (!fits || opened > restore->opened_last) {
        return restore_corrupt(restore,
                               "the order of open chunks does not fit");
    }
    if (logs->open_bytes > logs->limits.open_bytes) {
        return restore_corrupt(restore, "it has too many open chunks");
    }
    logs->opened_last = restore->opened_last;
    return 0;
}

static int read_sealed(struct restore *restore, struct log *log)
{
    const uint8_t *row = cursor_bytes(&restore->rows, CHUNK_ROW_LEN);
    struct chunk_facts facts;
    struct chunk *chunk;

    if (row == NULL) {
        return restore_corrupt(restore, "a log's chunks are cut off");
    }
    if (!chunk_row_decode(row, log->uid, &facts)) {
        return restore_corrupt(restore, "a chunk's numbers make no sense");
    }
    if (!follows(log, facts.name.first, facts.last_time_ms)) {
        return restore_corrupt(restore, "a log's chunks are out of order");
    }
    chunk = find_chunk(restore, &facts);
    if (chunk == NULL) {
        return restore_corrupt(restore, "a chunk here has other numbers");
    }
    log_adopt_sealed(log, chunk);
    return 0;
}

/* Its bytes are here, so that their chain must lead to the log's. */
static int read_open(struct restore *restore, struct log *log, uint32_t len)
{
    struct bytes bytes = {cursor_bytes(&restore->open, len), len};
    uint8_t chain[HASH128_LEN];
    struct read_entry entry;
    struct chunk *chunk;
    size_t offset = 0;
    int rv;

    if (bytes.data == NULL) {
        return restore_corrupt(restore, "an open chunk is cut off");
    }
    if (len >= restore->state->logs.limits.chunk_bytes) {
        return restore_corrupt(restore, "an open chunk is too long");
    }
    memcpy(chain, log_chain(log, chunk_list_count(log->sealed)), sizeof(chain));
    rv = chunk_load(&chunk, log->uid, bytes, chain, restore->err);
    if (rv != 0) {
        return rv;
    }
    (void)chunk_next(chunk, &offset, &entry);
    if (!follows(log, entry.position, entry.time_ms)) {
        chunk_drop(chunk);
        return restore_corrupt(restore, "an open chunk is out of order");
    }
    log_adopt_open(log, chunk);
    if (memcmp(chain, log->digest, sizeof(chain)) != 0) {
        return restore_corrupt(restore, "an open chunk's chain does not fit");
    }
    return 0;
}

static int check_chunks(struct restore *restore, const struct log *log)
{
    size_t count = log_chunk_count(log);
    const uint8_t *chain = log_chain(log, chunk_list_count(log->sealed));

    if ((log->open != NULL) != (log->opened != 0)) {
        return restore_corrupt(restore,
                               "the order of open chunks does not fit");
    }
    if (log->open == NULL &&
        memcmp(chain, log->digest, sizeof(log->digest)) != 0) {
        return restore_corrupt(restore, "a log's chain does not fit");
    }
    if (count > 0 &&
        (log_chunk(log, 0)->name.last < log->head ||
         log_chunk(log, count - 1)->name.last >= log->tail ||
         log_chunk(log, count - 1)->last_time_ms > log->last_time_ms)) {
        return restore_corrupt(restore,
                               "a log's chunks do not fit its numbers");
    }
    return 0;
}

/* May a chunk with these at its front stand behind those that @log has? */
static bool follows(const struct log *log, uint64_t first, uint64_t time_ms)
{
    size_t count = chunk_list_count(log->sealed);
    const struct chunk *before;

    if (count == 0) {
        return true;
    }
    before = chunk_list_at(log->sealed, count - 1);
    return first > before->name.last && time_ms >= before->last_time_ms;
}

/* The chunk that is there already, in a part before or at the source's, or a
 * stub; NULL when they differ. */
static struct chunk *find_chunk(struct restore *restore,
                                const struct chunk_facts *facts)
{
    const struct chunk_source *source = restore->source;
    struct chunk *chunk = NULL;

    if (restore->part != MACHINE_LIVE) {
        chunk =
            state_find_named(restore->state, &facts->name, restore->part, NULL);
    }
    if (chunk != NULL) {
        (void)chunk_ref(chunk);
    } else if (source != NULL) {
        chunk = source->find(source->data, &facts->name);
    }
    if (chunk == NULL) {
        return chunk_stub(facts);
    }
    if (!chunk_has_facts(chunk, facts)) {
        chunk_drop(chunk);
        return NULL;
    }
    return chunk;
}

static int compare_opened(const void *a, const void *b)
{
    const struct log *const *left = a;
    const struct log *const *right = b;

    return ((*left)->opened > (*right)->opened) -
           ((*left)->opened < (*right)->opened);
}
