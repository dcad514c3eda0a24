/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/fake_node.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "consensus/metrics.h"
#include "support/fake_chunks.h"
#include "util/mem.h"

#define FAKE_TIME_MS 1700000000000ull

struct fake_command {
    struct list link;
    struct node_submit *submit;
    enum command_kind kind;
    struct buf params;
};

struct node {
    struct node_options options;
    struct machine *machine;
    struct metrics *metrics;
    struct chunk_store *chunks;
    struct disk disk; /* works only */
    struct list works;
    struct list commands; /* struct fake_command */
    struct list reads;    /* struct node_read */
    struct node_transfer *transfer;
    struct backup_store *backups;
    struct backup_intakes *intakes;
    struct node_backup_holder holders[MEMBERS_MAX];
    size_t holders_count;
    uv_idle_t idle; /* active while there is something to do */
    uint64_t leader;
    uint64_t term;
    uint64_t index;
    size_t submits;
    int transfer_status;
    bool held;
    bool full;
    bool stopping;
    void (*stopped)(void *data);
    void (*closed)(void *data);
    void *data; /* of whichever of the two comes next */
};

const struct machine_limits *fake_node_limits;

static int may_serve(const struct node *node);
static void wake(struct node *node);
static int begin_work(struct disk *disk, struct disk_work *work);
static void do_works(struct node *node);
static void step(uv_idle_t *idle);
static bool apply_commands(struct node *node);
static int apply(struct node *node, const struct command *command,
                 struct outcome *ret);
static void finish_commands(struct node *node, int status);
static void finish_reads(struct node *node, int status);
static void on_closed(uv_handle_t *handle);

static const struct disk_ops works_only = {.work = begin_work};

int node_start(struct node **ret_node, const struct node_options *options,
               struct err *err)
{
    struct node *node = mem_must_zalloc(sizeof(*node));

    (void)err;
    node->options = *options;
    node->machine = machine_new(fake_node_limits);
    node->metrics = metrics_new();
    node->chunks = fake_chunks_new(node->machine);
    node->disk.ops = &works_only;
    list_init(&node->works);
    node->leader = options->identity->node;
    node->term = 1;
    list_init(&node->commands);
    list_init(&node->reads);
    uv_idle_init(options->loop, &node->idle);
    node->idle.data = node;
    *ret_node = node;
    return 0;
}

struct machine *node_machine(struct node *node)
{
    return node->machine;
}

struct metrics *node_metrics(struct node *node)
{
    return node->metrics;
}

struct chunk_store *node_chunks(struct node *node)
{
    return node->chunks;
}

struct backup_store *node_backups(struct node *node)
{
    return node->backups;
}

struct backup_intakes *node_intakes(struct node *node)
{
    return node->intakes;
}

size_t node_backup_holders(const struct node *node, uint64_t id,
                           struct node_backup_holder ret[MEMBERS_MAX])
{
    (void)id;
    for (size_t i = 0; i < node->holders_count; i++) {
        ret[i] = node->holders[i];
    }
    return node->holders_count;
}

struct disk *node_backup_disk(struct node *node)
{
    return &node->disk;
}

int node_submit(struct node *node, struct node_submit *submit,
                enum command_kind kind, struct bytes params, node_submit_cb cb)
{
    struct fake_command *command;
    int rv = may_serve(node);

    if (rv != 0) {
        return rv;
    }
    command = mem_must_zalloc(sizeof(*command));
    command->submit = submit;
    command->kind = kind;
    buf_add(&command->params, params.data, params.len);
    submit->cb = cb;
    submit->sample = NULL;
    list_push_back(&node->commands, &command->link);
    node->submits++;
    wake(node);
    return 0;
}

int node_may_read(const struct node *node)
{
    (void)node;
    return 0;
}

int node_read(struct node *node, struct node_read *read, node_read_cb cb)
{
    int rv = may_serve(node);

    if (rv != 0) {
        return rv;
    }
    read->cb = cb;
    list_push_back(&node->reads, &read->link);
    wake(node);
    return 0;
}

int node_transfer(struct node *node, struct node_transfer *transfer,
                  uint64_t to, node_transfer_cb cb)
{
    int rv = may_serve(node);

    if (rv != 0) {
        return rv;
    }
    if (node->transfer != NULL) {
        return QL_BUSY;
    }
    if (to == node->options.identity->node ||
        (to != 0 && identity_member(node->options.identity, to) == NULL)) {
        return QL_INVALID;
    }
    transfer->cb = cb;
    node->transfer = transfer;
    wake(node);
    return 0;
}

/* Whoever asks is told that there is a new term, and stays the leader here until
 * fake_node_elect(). */
int node_step_down(struct node *node, struct node_transfer *transfer,
                   node_transfer_cb cb)
{
    return node_transfer(node, transfer, 0, cb);
}

bool node_will_freeze(const struct node *node)
{
    (void)node;
    return false;
}

void node_stop(struct node *node, void (*cb)(void *data), void *data)
{
    node->stopping = true;
    node->held = false;
    node->stopped = cb;
    node->data = data;
    wake(node);
}

void node_close(struct node *node, void (*cb)(void *data), void *data)
{
    node->closed = cb;
    node->data = data;
    do_works(node);
    uv_close((uv_handle_t *)&node->idle, on_closed);
}

void node_free(struct node *node)
{
    machine_free(node->machine);
    metrics_free(node->metrics);
    fake_chunks_free(node->chunks);
    free(node);
}

void node_status(const struct node *node, struct node_status *ret)
{
    *ret = (struct node_status){
        .role = NODE_FOLLOWER, .disk_writer = "memory", .integrity = "unknown"};
    if (node->leader == node->options.identity->node) {
        ret->role = NODE_LEADER;
        ret->ready = true;
    }
    ret->leader = node->leader;
    ret->term = node->term;
    ret->last_index = node->index;
    ret->commit_index = node->index;
    ret->applied_index = node->index;
}

void fake_node_elect(struct node *node, uint64_t id)
{
    node->leader = id;
    node->term++;
    finish_commands(node, QL_OUTCOME_UNKNOWN);
    finish_reads(node, QL_NOT_LEADER);
    if (node->options.on_state != NULL) {
        node->options.on_state(node->options.data);
    }
}

void fake_node_hold(struct node *node, bool held)
{
    node->held = held;
    wake(node);
}

void fake_node_fill(struct node *node, bool full)
{
    node->full = full;
}

void fake_node_transfer_status(struct node *node, int status)
{
    node->transfer_status = status;
}

void fake_node_set_backups(struct node *node, struct backup_store *store,
                           struct backup_intakes *intakes)
{
    node->backups = store;
    node->intakes = intakes;
}

void fake_node_set_holders(struct node *node,
                           const struct node_backup_holder *holders,
                           size_t count)
{
    assert(count <= MEMBERS_MAX);
    for (size_t i = 0; i < count; i++) {
        node->holders[i] = holders[i];
    }
    node->holders_count = count;
}

int fake_node_apply(struct node *node, enum command_kind kind,
                    struct bytes params)
{
    struct command command = {kind, params};
    struct outcome outcome;
    int code = apply(node, &command, &outcome);

    if (node->options.on_applied != NULL) {
        node->options.on_applied(node->options.data);
    }
    return code;
}

size_t fake_node_submits(const struct node *node)
{
    return node->submits;
}

bool fake_node_idle(const struct node *node)
{
    return list_empty(&node->commands) && list_empty(&node->reads) &&
           node->transfer == NULL && list_empty(&node->works);
}

static int may_serve(const struct node *node)
{
    if (node->stopping) {
        return QL_SHUTTING_DOWN;
    }
    if (node->leader != node->options.identity->node) {
        return QL_NOT_LEADER;
    }
    return node->full ? QL_BUSY : 0;
}

static void wake(struct node *node)
{
    uv_idle_start(&node->idle, step);
}

static int begin_work(struct disk *disk, struct disk_work *work)
{
    struct node *node = LIST_ITEM(disk, struct node, disk);

    list_push_back(&node->works, &work->link);
    wake(node);
    return 0;
}

static void do_works(struct node *node)
{
    while (!list_empty(&node->works)) {
        struct disk_work *work =
            LIST_ITEM(node->works.next, struct disk_work, link);

        list_remove(&work->link);
        work->cb(work, work->run(work));
    }
}

static void step(uv_idle_t *idle)
{
    struct node *node = idle->data;
    struct node_transfer *transfer = node->transfer;

    uv_idle_stop(idle);
    do_works(node);
    if (node->held) {
        return;
    }
    if (apply_commands(node) && node->options.on_applied != NULL) {
        node->options.on_applied(node->options.data);
    }
    finish_reads(node, 0);
    if (transfer != NULL) {
        node->transfer = NULL;
        transfer->cb(transfer, node->transfer_status);
    }
    if (node->stopping) {
        node->stopped(node->data);
    }
}

/* One batch, as it were: nothing looks at the machine in between. */
static bool apply_commands(struct node *node)
{
    bool any = false;

    while (!list_empty(&node->commands)) {
        struct fake_command *fake =
            LIST_ITEM(node->commands.next, struct fake_command, link);
        struct command command = {fake->kind,
                                  {fake->params.data, fake->params.len}};
        struct outcome outcome;

        list_remove(&fake->link);
        apply(node, &command, &outcome);
        fake->submit->cb(fake->submit, 0, &outcome);
        buf_close(&fake->params);
        free(fake);
        any = true;
    }
    return any;
}

static int apply(struct node *node, const struct command *command,
                 struct outcome *ret)
{
    node->index++;
    machine_begin(node->machine, node->index, FAKE_TIME_MS + node->index);
    machine_apply(node->machine, command, ret);
    return ret->code;
}

static void finish_commands(struct node *node, int status)
{
    while (!list_empty(&node->commands)) {
        struct fake_command *fake =
            LIST_ITEM(node->commands.next, struct fake_command, link);

        list_remove(&fake->link);
        fake->submit->cb(fake->submit, status, NULL);
        buf_close(&fake->params);
        free(fake);
    }
}

static void finish_reads(struct node *node, int status)
{
    while (!list_empty(&node->reads)) {
        struct node_read *read =
            LIST_ITEM(node->reads.next, struct node_read, link);

        list_remove(&read->link);
        read->cb(read, status);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct node *node = handle->data;

    node->closed(node->data);
}
