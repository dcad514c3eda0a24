/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdlib.h>

#include "consensus/chunk_fetch_internal.h"
#include "machine/must.h"
#include "util/map.h"
#include "util/mem.h"

static struct want *want_of(struct chunk_fetch *fetch, struct chunk *chunk);
static void sweep(struct chunk_fetch *fetch, struct list *list);
static void hurry(struct want *want);
static void want_forget(struct want *want);

void fetch_wants_init(struct chunk_fetch *fetch)
{
    fetch->wants = map_new(0);
    (void)must_have_memory(fetch->wants == NULL ? QL_NO_MEMORY : 0);
    list_init(&fetch->hurried);
    list_init(&fetch->plain);
    list_init(&fetch->resting);
    list_init(&fetch->stored);
    fetch->install = 1;
}

void fetch_wants_close(struct chunk_fetch *fetch)
{
    struct map_item item;
    size_t at = 0;

    while (map_next(fetch->wants, &at, &item)) {
        want_drop(item.value);
    }
    map_free(fetch->wants);
}

/* ---- From outside ---- */

/* What an install lacks is told after it was marked, and is in no hurry; told
 * again, somebody waits for it. */
void chunk_fetch_missing(struct chunk_fetch *fetch, struct chunk *chunk)
{
    struct want *want = want_of(fetch, chunk);
    bool marked = want->install == fetch->install;
    bool is_first = !want->told;

    chunk_fetch_look_at_clock(fetch);
    want->told = true;
    if (!marked || !is_first) {
        hurry(want);
    }
}

static void hurry(struct want *want)
{
    struct chunk_fetch *fetch = want->fetch;
    uint64_t soon_ms = fetch->peers.now_ms + FETCH_RETRY_MIN_MS;
    bool again = want->hurried;

    want->hurried = true;
    if (want->state == WANT_WAITS && again) {
        want_wait_first(want);
    } else if (want->state == WANT_WAITS) {
        want_wait(want);
    } else if (want->state == WANT_RESTS && want->due_ms > soon_ms) {
        want->rounds = 0;
        want_rest(want, FETCH_RETRY_MIN_MS);
    }
}

void chunk_fetch_install_begin(struct chunk_fetch *fetch)
{
    fetch->install++;
    fetch->install_left = 0;
}

void chunk_fetch_install_want(struct chunk_fetch *fetch, struct chunk *chunk)
{
    struct want *want = want_of(fetch, chunk);

    if (want->install != fetch->install) {
        want->install = fetch->install;
        fetch->install_left++;
    }
}

/* Those that are being stored come anyway. */
void chunk_fetch_install_end(struct chunk_fetch *fetch)
{
    sweep(fetch, &fetch->plain);
    sweep(fetch, &fetch->resting);
    for (size_t i = 0; i < fetch->peers.count; i++) {
        sweep(fetch, &fetch->peers.peers[i].asked);
    }
}

static void sweep(struct chunk_fetch *fetch, struct list *list)
{
    struct list *at = list->next;

    while (at != list) {
        struct want *want = LIST_ITEM(at, struct want, link);

        at = at->next;
        if (!want->hurried && want->install != fetch->install) {
            want_drop(want);
        }
    }
}

size_t chunk_fetch_install_left(const struct chunk_fetch *fetch)
{
    return fetch->install_left;
}

/* Made, and waiting, when there is none. */
static struct want *want_of(struct chunk_fetch *fetch, struct chunk *chunk)
{
    struct want *want = map_get_u64(fetch->wants, (uintptr_t)chunk);

    if (want != NULL) {
        return want;
    }
    chunk_fetch_look_at_clock(fetch);
    want = mem_must_zalloc(sizeof *want);
    want->fetch = fetch;
    want->chunk = chunk_ref(chunk);
    want->since_ms = fetch->peers.now_ms;
    want->supply.data = want;
    list_init(&want->link);
    want_wait(want);
    (void)must_have_memory(
        map_set_u64(fetch->wants, (uintptr_t)chunk, want, NULL));
    return want;
}

/* ---- Order ---- */

static struct list *line_of(struct want *want)
{
    return want->hurried ? &want->fetch->hurried : &want->fetch->plain;
}

void want_wait(struct want *want)
{
    want->state = WANT_WAITS;
    list_remove(&want->link);
    list_push_back(line_of(want), &want->link);
}

void want_wait_first(struct want *want)
{
    want->state = WANT_WAITS;
    list_remove(&want->link);
    list_push_back(line_of(want)->next, &want->link);
}

void want_rest(struct want *want, uint64_t delay_ms)
{
    struct chunk_fetch *fetch = want->fetch;
    struct list *before;

    list_remove(&want->link);
    want->state = WANT_RESTS;
    want->due_ms = fetch->peers.now_ms + delay_ms;
    before = fetch->resting.prev;
    while (before != &fetch->resting &&
           LIST_ITEM(before, struct want, link)->due_ms > want->due_ms) {
        before = before->prev;
    }
    list_push_back(before->next, &want->link);
}

void fetch_wants_wake(struct chunk_fetch *fetch)
{
    while (!list_empty(&fetch->resting)) {
        struct want *want = LIST_ITEM(fetch->resting.next, struct want, link);

        if (want->due_ms > fetch->peers.now_ms) {
            return;
        }
        want_wait(want);
    }
}

/* ---- The end ---- */

void want_done(struct want *want)
{
    want_forget(want);
}

void want_drop(struct want *want)
{
    struct chunk_fetch *fetch = want->fetch;
    struct chunk *chunk = chunk_ref(want->chunk);

    want_forget(want);
    if (chunk->home == NULL) {
        fetch->options.give_up(fetch->options.data, chunk);
    }
    chunk_drop(chunk);
}

static void want_forget(struct want *want)
{
    struct chunk_fetch *fetch = want->fetch;

    if (want->state == WANT_ASKED) {
        want_unask(want, 0);
    } else if (want->state == WANT_STORED) {
        fetch->options.cancel(fetch->options.data, &want->supply);
        fetch->bytes -= want->chunk->len;
    }
    if (want->install == fetch->install) {
        fetch->install_left--;
    }
    list_remove(&want->link);
    (void)map_remove_u64(fetch->wants, (uintptr_t)want->chunk);
    chunk_drop(want->chunk);
    free(want);
}
