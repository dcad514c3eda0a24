/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/fake_chunks.h"
#include "support/notation.h"

static void on_state(void *data);
static void on_applied(void *data);
static void on_stopped(void *data);
static void on_closed(void *data);

void rig_open(struct rig *rig)
{
    struct node_options node = {.loop = &rig->loop,
                                .identity = &rig->identity,
                                .dir = "",
                                .on_state = on_state,
                                .on_applied = on_applied,
                                .data = rig};
    struct service_options service = {.identity = &rig->identity,
                                      .loads = &fake_chunks_loads};
    struct err err;
    int i;

    /* As the daemon does: a client may go away while it is written to. */
    (void)signal(SIGPIPE, SIG_IGN);
    memset(rig, 0, sizeof(*rig));
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    rig->identity.node = 1;
    rig->identity.members_count = 3;
    strcpy(rig->identity.cluster, "00000000-0000-4000-8000-000000000001");
    for (i = 0; i < 3; i++) {
        struct member *member = &rig->identity.members[i];

        member->id = (uint64_t)i + 1;
        snprintf(member->peer_address, ADDRESS_MAX, "10.0.0.%d:7421", i + 1);
        snprintf(member->client_address, ADDRESS_MAX, "10.0.0.%d:7420", i + 1);
    }
    rig->service = service_new(&service);
    assert_int_equal(node_start(&rig->node, &node, &err), 0);
    service_set_node(rig->service, rig->node);
}

void rig_close(struct rig *rig)
{
    node_stop(rig->node, on_stopped, rig);
    assert_int_equal(uv_run(&rig->loop, UV_RUN_DEFAULT), 0);
    assert_null(rig->node);
    service_free(rig->service);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
}

void rig_settle(struct rig *rig)
{
    while (!fake_node_idle(rig->node)) {
        uv_run(&rig->loop, UV_RUN_NOWAIT);
    }
}

int rig_replicate(struct rig *rig, enum command_kind kind, const char *params)
{
    struct buf buf = BUF_INIT;
    int code;

    notation_pack(&buf, params);
    code = fake_node_apply(rig->node, kind, (struct bytes){buf.data, buf.len});
    buf_close(&buf);
    return code;
}

void rig_fill_log(struct rig *rig, int count)
{
    static char params[RIG_ENTRY_BYTES + 200];
    int len = snprintf(params, sizeof(params),
                       "{'appends': [{'log': 'orders', 'entries': [b'");

    memset(params + len, 'x', RIG_ENTRY_BYTES);
    strcpy(params + len + RIG_ENTRY_BYTES, "']}]}");
    while (count-- > 0) {
        assert_int_equal(rig_replicate(rig, COMMAND_LOG_APPEND, params), 0);
    }
}

void rig_restore(struct rig *rig)
{
    struct machine *machine = node_machine(rig->node);
    struct view *view = machine_freeze(machine);
    struct buf image = BUF_INIT;
    struct view_cursor cursor;
    struct bytes run;
    struct err err;

    view_cursor_init(&cursor);
    while (view_next(view, &cursor, &run)) {
        assert_int_equal(buf_add(&image, run.data, run.len), 0);
    }
    view_free(view);
    assert_int_equal(
        machine_restore(machine, image.data, image.len, NULL, &err), 0);
    buf_close(&image);
    service_on_applied(rig->service);
}

static void on_state(void *data)
{
    struct rig *rig = data;

    service_on_state(rig->service);
}

static void on_applied(void *data)
{
    struct rig *rig = data;

    service_on_applied(rig->service);
}

static void on_stopped(void *data)
{
    struct rig *rig = data;

    service_stop(rig->service);
    node_close(rig->node, on_closed, rig);
}

static void on_closed(void *data)
{
    struct rig *rig = data;

    node_free(rig->node);
    rig->node = NULL;
}
