/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Frozen copies of the state. */
#include <assert.h>
#include <stdlib.h>

#include "machine/image.h"
#include "util/mem.h"

struct view {
    struct buf tables;        /* the first run */
    struct chunk_ref *chunks; /* the others */
    size_t count;
    uint64_t len; /* of all runs */
};

static size_t count_chunks(const struct logs *logs);
static void share_chunks(struct view *view, const struct logs *logs);

struct view *machine_freeze(const struct machine *machine)
{
    const struct state *state = machine->state;
    struct view *view = mem_must_zalloc(sizeof(*view));

    image_write_tables(state, &view->tables);
    view->len = view->tables.len;
    view->chunks =
        mem_must_array(count_chunks(&state->logs), sizeof(*view->chunks));
    share_chunks(view, &state->logs);
    return view;
}

void view_free(struct view *view)
{
    size_t i;

    if (view == NULL) {
        return;
    }
    for (i = 0; i < view->count; i++) {
        chunk_ref_drop(&view->chunks[i]);
    }
    free(view->chunks);
    buf_close(&view->tables);
    free(view);
}

size_t view_runs(const struct view *view)
{
    return 1 + view->count;
}

struct bytes view_run(const struct view *view, size_t index)
{
    assert(index < view_runs(view));
    if (index == 0) {
        return (struct bytes){view->tables.data, view->tables.len};
    }
    return (struct bytes){view->chunks[index - 1].bytes,
                          view->chunks[index - 1].len};
}

uint64_t view_len(const struct view *view)
{
    return view->len;
}

static size_t count_chunks(const struct logs *logs)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < logs->count; i++) {
        count += log_chunk_count(logs->by_uid[i]);
    }
    return count;
}

static void share_chunks(struct view *view, const struct logs *logs)
{
    size_t i;
    size_t j;

    for (i = 0; i < logs->count; i++) {
        for (j = 0; j < log_chunk_count(logs->by_uid[i]); j++) {
            view->chunks[view->count] =
                chunk_share(log_chunk(logs->by_uid[i], j));
            view->len += view->chunks[view->count].len;
            view->count++;
        }
    }
}
