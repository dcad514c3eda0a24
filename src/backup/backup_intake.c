/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "backup/backup_intake_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define TOKEN_LETTERS                                                          \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"

static int check_options(const struct backup_intake_options *options,
                         struct err *err);
static int make_room(struct backup_intakes *intakes, struct err *err);
static struct backup_intake *intake_new(struct backup_intakes *intakes,
                                        const char *token);
static void intake_forget(struct backup_intake *intake);
static void intake_free(struct backup_intake *intake);
static void intake_reset(struct backup_intake *intake);
static void intake_options(struct backup_intake *intake,
                           const struct backup_intake_options *options);
static void intake_used(struct backup_intake *intake);
static int run_work(struct disk_work *work);
static void on_work(struct disk_work *work, int status);
static void on_bytes(struct backup_intake *intake, enum intake_work_kind kind);

struct backup_intakes *backup_intakes_new(
    const struct backup_intakes_options *options)
{
    struct backup_intakes *intakes = mem_must_zalloc(sizeof(*intakes));

    intakes->options = *options;
    list_init(&intakes->items);
    return intakes;
}

void backup_intakes_stop(struct backup_intakes *intakes)
{
    intakes->stopped = true;
    for (struct list *at = intakes->items.next; at != &intakes->items;
         at = at->next) {
        struct backup_intake *intake =
            LIST_ITEM(at, struct backup_intake, link);

        /* The store stops, too, and may never come to it. */
        if (intake->work.kind == INTAKE_ADOPT) {
            backup_store_adopt_cancel(&intake->adopt);
            intake->work.kind = INTAKE_NO_WORK;
        }
    }
}

bool backup_intakes_is_busy(const struct backup_intakes *intakes)
{
    if (intakes->sweep.busy) {
        return true;
    }
    for (const struct list *at = intakes->items.next; at != &intakes->items;
         at = at->next) {
        if (intake_is_busy(LIST_ITEM(at, struct backup_intake, link))) {
            return true;
        }
    }
    return false;
}

void backup_intakes_free(struct backup_intakes *intakes)
{
    if (intakes == NULL) {
        return;
    }
    while (!list_empty(&intakes->items)) {
        intake_free(LIST_ITEM(intakes->items.next, struct backup_intake, link));
    }
    free(intakes);
}

void backup_intakes_tick(struct backup_intakes *intakes, uint64_t now_ms)
{
    struct backup_store *store = intakes->options.store;

    intakes->now_ms = now_ms;
    intake_sweep_tick(intakes);
    if (backup_store_lacks_room(store) && backup_intakes_relieve(intakes)) {
        backup_store_try_again(store);
    }
    for (struct list *at = intakes->items.next; at != &intakes->items;
         at = at->next) {
        struct backup_intake *intake =
            LIST_ITEM(at, struct backup_intake, link);

        if (intake->used_ms == 0) {
            intake->used_ms = now_ms;
        }
        if (intake->drop || (now_ms - intake->used_ms >= INTAKE_IDLE_MS &&
                             intake->on_end == NULL)) {
            backup_intake_leave(intake, true);
        }
    }
}

bool backup_intakes_relieve(struct backup_intakes *intakes)
{
    struct list *next;
    bool any = false;

    for (struct list *at = intakes->items.next; at != &intakes->items;
         at = next) {
        struct backup_intake *intake =
            LIST_ITEM(at, struct backup_intake, link);

        next = at->next;
        if (intake->lacks_room && !intake->drop && intake->on_end == NULL &&
            !intake_is_busy(intake)) {
            backup_intake_leave(intake, true);
            any = true;
        }
    }
    return any;
}

/* ---- Beginning and ending ---- */

int backup_intake_begin(struct backup_intakes *intakes,
                        const struct backup_intake_options *options,
                        struct backup_intake **ret_intake, struct err *err)
{
    struct backup_intake *intake = backup_intake_find(intakes, options->token);
    int rv = check_options(options, err);

    if (rv == 0 && intakes->stopped) {
        rv = err_set(err, QL_SHUTTING_DOWN, "the node stops");
    }
    if (rv == 0 && intakes->sweep.busy) {
        rv = err_set(err, QL_BUSY, "the backup directory is being tidied");
    }
    if (rv != 0) {
        return rv;
    }
    if (intake != NULL && !intake->drop && intake->total == options->total &&
        intake->state != INTAKE_FAILED) {
        intake_options(intake, options);
        intake_used(intake);
        *ret_intake = intake;
        return 0;
    }
    if (intake != NULL && intake_is_busy(intake)) {
        return err_set(err, QL_BUSY, "what came before is being put away");
    }
    if (intake == NULL) {
        rv = make_room(intakes, err);
        if (rv != 0) {
            return rv;
        }
        intake = intake_new(intakes, options->token);
    } else {
        intake_reset(intake);
        intake->work.fresh = true;
    }
    intake->total = options->total;
    intake_options(intake, options);
    intake_used(intake);
    rv = intake_begin_work(intake, INTAKE_RESUME);
    if (rv != 0) {
        intake->drop = true;
        return err_set(err, rv, "the backup directory cannot be used now");
    }
    *ret_intake = intake;
    return 0;
}

static int check_options(const struct backup_intake_options *options,
                         struct err *err)
{
    size_t len = strlen(options->token);

    if (len == 0 || len > INTAKE_TOKEN_MAX ||
        strspn(options->token, TOKEN_LETTERS) != len) {
        return err_set(err, QL_INVALID, "this is no name of an upload");
    }
    if (options->total <= BACKUP_FRONT_HEADER_LEN ||
        options->total > INT64_MAX / 2) { /* it takes its room twice */
        return err_set(err, QL_INVALID, "no backup has %llu bytes",
                       (unsigned long long)options->total);
    }
    return 0;
}

/* The one that was not used for the longest time goes, if nobody waits for it. */
static int make_room(struct backup_intakes *intakes, struct err *err)
{
    if (intakes->count < INTAKES_MAX) {
        return 0;
    }
    for (struct list *at = intakes->items.next; at != &intakes->items;
         at = at->next) {
        struct backup_intake *intake =
            LIST_ITEM(at, struct backup_intake, link);

        if (intake->on_end == NULL && !intake_is_busy(intake) &&
            (intake->state != INTAKE_RECEIVING ||
             intakes->now_ms - intake->used_ms >= INTAKE_PATIENCE_MS)) {
            backup_intake_leave(intake, true);
            break;
        }
    }
    return err_set(err, QL_BUSY, "%u backups are coming in already",
                   INTAKES_MAX);
}

struct backup_intake *backup_intake_find(struct backup_intakes *intakes,
                                         const char *token)
{
    for (struct list *at = intakes->items.next; at != &intakes->items;
         at = at->next) {
        struct backup_intake *intake =
            LIST_ITEM(at, struct backup_intake, link);

        if (strcmp(intake->token, token) == 0) {
            return intake;
        }
    }
    return NULL;
}

/* What cannot be removed now the next tick tries again. */
void backup_intake_leave(struct backup_intake *intake, bool drop)
{
    if (intake == NULL) {
        return;
    }
    intake->on_end = NULL;
    if (!drop) {
        return;
    }
    intake->drop = true;
    if (intake->piece != NULL) {
        backup_piece_cancel(intake->piece);
    }
    if (!intake_is_busy(intake)) {
        (void)intake_begin_work(intake, INTAKE_REMOVE);
    }
}

static struct backup_intake *intake_new(struct backup_intakes *intakes,
                                        const char *token)
{
    struct backup_intake *intake = mem_must_zalloc(sizeof(*intake));

    intake->intakes = intakes;
    (void)snprintf(intake->token, sizeof(intake->token), "%s", token);
    (void)snprintf(intake->name, sizeof(intake->name),
                   INTAKE_FILE_PREFIX "%s" INTAKE_FILE_SUFFIX, token);
    list_push_back(&intakes->items, &intake->link);
    intakes->count++;
    return intake;
}

/* All that was in memory of the stream. */
static void intake_forget(struct backup_intake *intake)
{
    if (intake->proving) {
        backup_proof_close(&intake->proof);
        intake->proving = false;
    }
    buf_close(&intake->front);
    buf_close(&intake->piece_bytes);
    buf_close(&intake->work.front);
    intake->has_front = false;
}

static void intake_free(struct backup_intake *intake)
{
    intake_forget(intake);
    list_remove(&intake->link);
    intake->intakes->count--;
    free(intake);
}

static void intake_reset(struct backup_intake *intake)
{
    intake_forget(intake);
    intake->state = INTAKE_RECEIVING;
    intake->has_header = false;
    intake->work.has_header = false;
    intake->work.has_front = false;
    intake->work.taken = 0;
    intake->lacks_room = false;
    intake->next = 0;
    intake->checked = 0;
    intake->at_row = 0;
    intake->drop = false;
}

static void intake_options(struct backup_intake *intake,
                           const struct backup_intake_options *options)
{
    intake->has_expected = options->expected != NULL;
    if (intake->has_expected) {
        intake->expected = *options->expected;
    }
    intake->foreign_is_fine = options->foreign;
    intake->skips = options->skips;
    intake->on_end = options->on_end;
    intake->data = options->data;
}

static void intake_used(struct backup_intake *intake)
{
    intake->used_ms = intake->intakes->now_ms;
    list_remove(&intake->link);
    list_push_back(&intake->intakes->items, &intake->link);
}

void intake_fail(struct backup_intake *intake, const struct err *err)
{
    void (*on_end)(void *, struct backup_intake *) = intake->on_end;

    intake->state = INTAKE_FAILED;
    intake->err = *err;
    intake_forget(intake);
    intake->on_end = NULL;
    (void)intake_begin_work(intake, INTAKE_REMOVE);
    intake_end_piece(intake, err->code);
    if (on_end != NULL) {
        on_end(intake->data, intake);
    }
}

/* ---- Works ---- */

bool intake_is_busy(const struct backup_intake *intake)
{
    return intake->work.kind != INTAKE_NO_WORK;
}

int intake_begin_work(struct backup_intake *intake, enum intake_work_kind kind)
{
    struct disk *disk = intake->intakes->options.disk;
    int rv;

    assert(!intake_is_busy(intake));
    if (intake->intakes->stopped) {
        return QL_SHUTTING_DOWN;
    }
    intake->work.kind = kind;
    intake->work.work =
        (struct disk_work){.run = run_work, .cb = on_work, .data = intake};
    rv = disk->ops->work(disk, &intake->work.work);
    if (rv != 0) {
        intake->work.kind = INTAKE_NO_WORK;
    }
    return rv;
}

/* Off the loop. */
static int run_work(struct disk_work *work)
{
    struct backup_intake *intake = work->data;
    struct err *err = &intake->work.err;

    switch (intake->work.kind) {
    case INTAKE_RESUME:
        return intake_file_resume(intake, err);
    case INTAKE_WRITE:
        return intake_file_write(intake, err);
    case INTAKE_CHECK:
        return intake_check_run(intake, err);
    case INTAKE_REMOVE:
        return intake_file_remove(intake, err);
    case INTAKE_NO_WORK:
    case INTAKE_ADOPT:
        break;
    }
    return err_set(err, QL_INTERNAL, "there is nothing to do");
}

static void on_work(struct disk_work *work, int status)
{
    struct backup_intake *intake = work->data;
    enum intake_work_kind kind = intake->work.kind;

    intake->work.kind = INTAKE_NO_WORK;
    intake->lacks_room = kind == INTAKE_WRITE && status == QL_NO_SPACE;
    if (kind == INTAKE_REMOVE) {
        if (intake->drop) {
            intake_free(intake);
        }
    } else if (intake->drop) {
        backup_intake_leave(intake, true);
    } else if (kind == INTAKE_WRITE &&
               (status == QL_NO_SPACE || status == QL_OUT_OF_ORDER)) {
        intake_end_piece(intake, status);
    } else if (status != 0) {
        intake_fail(intake, &intake->work.err);
    } else if (kind == INTAKE_CHECK) {
        intake_check_done(intake);
    } else {
        on_bytes(intake, kind);
    }
}

/* There are more of the stream than before. */
static void on_bytes(struct backup_intake *intake, enum intake_work_kind kind)
{
    struct err err;
    int rv = intake_take_front(intake, &err);

    if (rv == 0 && intake->next == intake->total) {
        rv = intake_check_step(intake);
        if (rv != 0) {
            (void)err_set(&err, rv, "the backup directory cannot be used now");
        }
    }
    if (rv != 0) {
        intake_fail(intake, &err);
    } else if (kind == INTAKE_WRITE) {
        intake_end_piece(intake, 0);
    } else if (intake->has_piece) {
        intake_write_piece(intake);
    }
}
