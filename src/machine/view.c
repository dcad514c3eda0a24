/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Frozen copies of the state. */
#include <assert.h>
#include <stdlib.h>

#include "machine/chunk_row.h"
#include "machine/image.h"
#include "util/mem.h"

/* Memory that so many steps later are about to need is asked for. */
#define AHEAD 16u

struct view {
    struct buf tables;
    struct chunk_set *chunks;
    struct chunk_share *open; /* by uid of the log */
    size_t open_count;
    uint64_t len;
};

/* What view_cursor.stage counts. */
enum view_stage {
    STAGE_TABLES,
    STAGE_ROWS,
    STAGE_OPEN,
};

static void share_open(struct view *view, const struct logs *logs);
static bool next_rows(const struct view *view, struct view_cursor *cursor,
                      struct bytes *ret_run);

struct view *machine_freeze(const struct machine *machine)
{
    const struct state *state = machine->state;
    struct view *view = mem_must_zalloc(sizeof(*view));

    image_write_tables(state, &view->tables);
    view->chunks = logs_chunks(&state->logs);
    share_open(view, &state->logs);
    view->len = view->tables.len + state->logs.chunks * CHUNK_ROW_LEN +
                state->logs.open_bytes;
    return view;
}

void view_free(struct view *view)
{
    size_t i;

    if (view == NULL) {
        return;
    }
    for (i = 0; i < view->open_count; i++) {
        if (i + AHEAD < view->open_count) {
            __builtin_prefetch(view->open[i + AHEAD].memory);
        }
        chunk_share_drop(&view->open[i]);
    }
    free(view->open);
    chunk_set_drop(view->chunks);
    buf_close(&view->tables);
    free(view);
}

uint64_t view_len(const struct view *view)
{
    return view->len;
}

struct chunk_set *view_take_chunks(const struct view *view)
{
    return chunk_set_ref(view->chunks);
}

void view_cursor_init(struct view_cursor *cursor)
{
    cursor->stage = STAGE_TABLES;
    cursor->at = 0;
    cursor->row = 0;
}

bool view_next(const struct view *view, struct view_cursor *cursor,
               struct bytes *ret_run)
{
    if (cursor->stage == STAGE_TABLES) {
        cursor->stage = STAGE_ROWS;
        *ret_run = (struct bytes){view->tables.data, view->tables.len};
        return true;
    }
    if (cursor->stage == STAGE_ROWS) {
        if (next_rows(view, cursor, ret_run)) {
            return true;
        }
        cursor->stage = STAGE_OPEN;
        cursor->at = 0;
    }
    if (cursor->at == view->open_count) {
        return false;
    }
    *ret_run = view->open[cursor->at].bytes;
    cursor->at++;
    return true;
}

static void share_open(struct view *view, const struct logs *logs)
{
    size_t i;

    view->open = mem_must_array(logs->count, sizeof(*view->open));
    for (i = 0; i < logs->count; i++) {
        if (i + AHEAD < logs->count && logs->by_uid[i + AHEAD]->open != NULL) {
            __builtin_prefetch(logs->by_uid[i + AHEAD]->open->memory);
        }
        if (logs->by_uid[i]->open != NULL) {
            view->open[view->open_count] = chunk_share(logs->by_uid[i]->open);
            view->open_count++;
        }
    }
}

/* As many rows as the cursor has room for; false when none is left. */
static bool next_rows(const struct view *view, struct view_cursor *cursor,
                      struct bytes *ret_run)
{
    const struct chunk_set *set = view->chunks;
    size_t len = 0;

    while (cursor->at < set->count && len < VIEW_RUN_BYTES) {
        const struct chunk_list *list = set->items[cursor->at].list;

        chunk_row_encode(chunk_list_at(list, cursor->row), cursor->rows + len);
        len += CHUNK_ROW_LEN;
        cursor->row++;
        if (cursor->row == chunk_list_count(list)) {
            cursor->at++;
            cursor->row = 0;
        }
    }
    *ret_run = (struct bytes){cursor->rows, len};
    return len > 0;
}
