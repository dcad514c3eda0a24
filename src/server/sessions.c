/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "server/sessions.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/session.h"
#include "util/diag.h"

#define COMPLAINT_MAX 1024
#define COMPLAINT_INTERVAL_MS 1000u

static void run_turns_once(struct sessions *sessions);
static void sessions_evict(struct sessions *sessions);

void sessions_init(struct sessions *sessions)
{
    memset(sessions, 0, sizeof(*sessions));
    list_init(&sessions->open);
    list_init(&sessions->turns);
    output_pool_init(&sessions->outputs);
}

void sessions_close(struct sessions *sessions)
{
    output_pool_close(&sessions->outputs);
}

bool sessions_run_turns(struct sessions *sessions)
{
    service_begin_turn(sessions->service);
    do {
        run_turns_once(sessions);
    } while (!list_empty(&sessions->turns) &&
             service_may_send(sessions->service));
    while (sessions->bytes > SESSIONS_BYTES_MAX) {
        sessions_evict(sessions);
    }
    return !list_empty(&sessions->turns);
}

/* Whoever is touched meanwhile has another turn after all of these; but those come
 * first for whom nothing was left of this turn of the loop: otherwise the same ones
 * would take all of the next. */
static void run_turns_once(struct sessions *sessions)
{
    struct list turns;
    struct list late;

    list_init(&turns);
    list_init(&late);
    list_move_all(&turns, &sessions->turns);
    while (!list_empty(&turns)) {
        struct session *session = LIST_ITEM(turns.next, struct session, turn);
        bool may_send = service_may_send(sessions->service);

        list_remove(&session->turn);
        session_turn(session);
        if (!may_send && !list_empty(&session->turn)) {
            list_remove(&session->turn);
            list_push_back(&late, &session->turn);
        }
    }
    list_move_all(&late, &sessions->turns);
    list_move_all(&sessions->turns, &late);
}

void sessions_tick(struct sessions *sessions)
{
    struct list *link = sessions->open.next;

    while (link != &sessions->open) {
        struct session *session = LIST_ITEM(link, struct session, link);

        link = link->next;
        session_tick(session, uv_now(sessions->loop));
    }
}

void sessions_close_all(struct sessions *sessions)
{
    struct session *session;

    while (!list_empty(&sessions->open)) {
        session = LIST_ITEM(sessions->open.next, struct session, link);
        session_close(session);
    }
}

void sessions_complain(struct sessions *sessions, const char *format, ...)
{
    uint64_t now = uv_now(sessions->loop);
    char text[COMPLAINT_MAX];
    va_list args;

    if (sessions->complained_ms != 0 &&
        now - sessions->complained_ms < COMPLAINT_INTERVAL_MS) {
        sessions->complaints_held++;
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (sessions->complaints_held > 0) {
        diag_info("%s (and %llu such lines before)", text,
                  (unsigned long long)sessions->complaints_held);
    } else {
        diag_info("%s", text);
    }
    sessions->complained_ms = now;
    sessions->complaints_held = 0;
}

/* Whoever holds most has the slowest reader or the largest unfinished request;
 * the others go on undisturbed. */
static void sessions_evict(struct sessions *sessions)
{
    struct session *largest = NULL;
    struct list *link;

    for (link = sessions->open.next; link != &sessions->open;
         link = link->next) {
        struct session *session = LIST_ITEM(link, struct session, link);

        if (largest == NULL || session->counted > largest->counted) {
            largest = session;
        }
    }
    if (largest != NULL) {
        session_fail(largest, "the connections hold too much memory");
    }
}
