/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/loop_works.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "util/mem.h"

struct work {
    uv_work_t uv;
    struct loop_works *works;
    struct raft_io_async_work *request;
    raft_io_async_work_cb cb;
    int status;
};

static void on_run(uv_work_t *uv);
static void on_done(uv_work_t *uv, int status);

void loop_works_run(struct loop_works *works,
                    struct raft_io_async_work *request,
                    raft_io_async_work_cb cb)
{
    struct work *work = mem_must_zalloc(sizeof *work);
    int rv;

    work->works = works;
    work->request = request;
    work->cb = cb;
    work->uv.data = work;
    works->open++;
    rv = uv_queue_work(works->loop, &work->uv, on_run, on_done);
    assert(rv == 0); /* It fails only without a function to run. */
}

/* On a thread. */
static void on_run(uv_work_t *uv)
{
    struct work *work = uv->data;

    work->status = work->request->work(work->request);
}

static void on_done(uv_work_t *uv, int status)
{
    struct work *work = uv->data;
    struct loop_works *works = work->works;
    uint64_t begun = uv_hrtime();

    assert(status == 0); /* Nobody cancels it. */
    works->open--;
    work->cb(work->request, work->status);
    works->on_time(works->data, uv_hrtime() - begun);
    free(work);
}
