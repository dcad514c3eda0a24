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

static struct view *freeze(const struct state *state, struct buf *tables,
                           struct chunk_set *chunks, uint64_t rows);
static void share_open(struct view *view, const struct logs *logs);
static bool next_rows(const struct view *view, struct view_cursor *cursor,
                      struct bytes *ret_run);

struct view *machine_freeze(const struct machine *machine)
{
    const struct state *state = machine->state;
    struct buf tables = BUF_INIT;

    image_write_tables(state, &tables);
    return freeze(state, &tables, state_chunks(state), state_rows(state));
}

struct view *machine_freeze_logs(const struct machine *machine)
{
    const struct state *state = machine->state;
    struct buf tables = BUF_INIT;

    image_write_logs(state, &tables);
    return freeze(state, &tables, logs_chunks(&state->logs),
                  state->logs.chunks);
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

/* Takes @tables and @chunks. */
static struct view *freeze(const struct state *state, struct buf *tables,
                           struct chunk_set *chunks, uint64_t rows)
{
    struct view *view = mem_must_zalloc(sizeof(*view));

    view->tables = *tables;
    view->chunks = chunks;
    share_open(view, &state->logs);
    view->len = tables->len + rows * CHUNK_ROW_LEN + state->logs.open_bytes;
    return view;
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
    size_t at = cursor->at; /* counts the items of all sets */
    size_t len = 0;

    while (set != NULL && len < VIEW_RUN_BYTES) {
        const struct chunk_list *list;

        if (at >= set->count) {
            at -= set->count;
            set = set->next;
            continue;
        }
        list = set->items[at].list;
        chunk_row_encode(chunk_list_at(list, cursor->row), cursor->rows + len);
        len += CHUNK_ROW_LEN;
        cursor->row++;
        if (cursor->row == chunk_list_count(list)) {
            at++;
            cursor->at++;
            cursor->row = 0;
        }
    }
    *ret_run = (struct bytes){cursor->rows, len};
    return len > 0;
}
