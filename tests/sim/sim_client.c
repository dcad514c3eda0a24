/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Clients with producers, each with one command under way, which it repeats at
 * whoever leads until it is answered.
 */
#include <stdio.h>
#include <string.h>

#include "sim/sim_client_internal.h"
#include "wire/args_writer.h"

#define EPOCH_MS 1000000000000u /* where the clock starts */
#define HOUR_MS 3600000u
#define VALUE_LEN_MAX 1000
#define BACKLOG_MS 20000u /* to carry over what is not committed */
#define BACKLOG_MIN 64u   /* entries */

struct said {
    struct client *client; /* NULL: nobody waits for it */
    uint64_t op;
    enum command_kind kind;
    struct sim_bytes params;
};

struct sim_batch {
    struct raft_apply apply;
    struct sim_node *node;
    uint64_t value;
    uint64_t hash;
    unsigned count;
    struct said said[SIM_BATCH_MAX];
};

static void begin(struct sim *sim, struct client *client);
static void on_answered(struct raft_apply *apply, int status, void *result);
static void answer(struct sim *sim, struct client *client,
                   const struct outcome *outcome);

void sim_client_start(struct sim *sim)
{
    sim->clients = sim_alloc(sim, sizeof *sim->clients);
    for (unsigned i = 0; i < CLIENTS; i++) {
        sim->clients->clients[i].id = i;
    }
    for (unsigned i = 0; i < LOGS; i++) {
        (void)snprintf(sim->clients->logs[i].name, NAME_LEN, "log%u", i);
        sim->clients->logs[i].next = 1;
    }
    sim_operator_start(sim);
}

/* ---- Batches ---- */

uint64_t sim_client_time(struct sim *sim)
{
    struct sim_client_state *state = sim->clients;

    if (sim_has(sim, SIM_CLOCK_JUMPS) && sim_random(sim, 50) == 0) {
        uint64_t span = sim_random(sim, 4) == 0 ? 60 * HOUR_MS : HOUR_MS;

        state->clock_ms = (int64_t)sim_random(sim, span) - (int64_t)(span / 2);
    }
    return (uint64_t)((int64_t)(EPOCH_MS + sim->now) + state->clock_ms);
}

/* A copy of what was said and answered long ago. */
static void gather_past(struct sim *sim, struct sim_batch *batch)
{
    const struct client *client =
        &sim->clients->clients[sim_random(sim, CLIENTS)];
    unsigned kept =
        client->past_count < PAST_MAX ? client->past_count : PAST_MAX;

    if (kept > 0) {
        batch->said[batch->count] =
            (struct said){.kind = COMMAND_LOG_APPEND,
                          .params = client->past[sim_random(sim, kept)]};
        batch->count++;
        sim->totals.repeats++;
    }
}

/* Those that have something to say, and those that have waited long enough. */
static void gather(struct sim *sim, struct sim_batch *batch)
{
    unsigned first = (unsigned)sim_random(sim, CLIENTS);
    uint64_t wanted = 1 + sim_random(sim, SIM_BATCH_MAX);

    for (unsigned i = 0; i < CLIENTS && batch->count < wanted; i++) {
        struct client *client = &sim->clients->clients[(first + i) % CLIENTS];

        if (client->op != 0 && sim->now < client->repeat_at) {
            continue;
        }
        if (client->op == 0) {
            begin(sim, client);
        } else {
            sim->totals.repeats++;
        }
        client->repeat_at = sim->now + 100 + sim_random(sim, 1500);
        batch->said[batch->count] =
            (struct said){client, client->op, client->kind, client->params};
        batch->count++;
    }
    if (batch->count < SIM_BATCH_MAX && sim_random(sim, 16) == 0) {
        gather_past(sim, batch);
    }
}

static struct raft_buffer encode(struct sim *sim, const struct sim_batch *batch)
{
    struct batch_writer writer;
    struct raft_buffer buffer;
    size_t len = 0;

    for (unsigned i = 0; i < batch->count; i++) {
        len += batch->said[i].params.len;
    }
    len = batch_len(batch->count == 0 ? 1 : batch->count, len);
    buffer.base = raft_malloc(len);
    memset(buffer.base, 0, len);
    batch_open(&writer, buffer.base, len, sim_client_time(sim));
    for (unsigned i = 0; i < batch->count; i++) {
        const struct said *said = &batch->said[i];

        batch_add(&writer, said->kind,
                  (struct bytes){said->params.base, said->params.len});
    }
    if (batch->count == 0) {
        batch_add(&writer, COMMAND_TICK, (struct bytes){NULL, 0});
    }
    buffer.len = batch_close(&writer);
    return buffer;
}

/* The daemon's leader has two batches under way at most. This one has many more,
 * which is harder, but no more than messages of one entry can carry over in the
 * time there is after healing. */
static bool is_backlogged(struct sim_node *node)
{
    const struct sim_knobs *k = &node->sim->knobs;
    uint64_t turn_ms = 2u * (k->latency_min_ms + k->latency_span_ms);
    uint64_t most = BACKLOG_MS / turn_ms * k->message_entries_max;

    return raft_last_index(&node->raft) >
           node->raft.commit_index + (most > BACKLOG_MIN ? most : BACKLOG_MIN);
}

void sim_client_submit(struct sim_node *node)
{
    struct sim *sim = node->sim;
    struct sim_batch *batch;
    struct raft_buffer buffer;

    if (is_backlogged(node)) {
        return;
    }
    batch = sim_alloc(sim, sizeof *batch);
    if (sim->next_value == SIM_VALUES_MAX) {
        sim_fail(sim, "HARNESS: too many commands");
        return;
    }
    batch->node = node;
    batch->apply.data = batch;
    batch->value = sim->next_value;
    sim->next_value++;
    gather(sim, batch);
    buffer = encode(sim, batch);
    batch->hash = sim_hash(buffer.base, buffer.len);
    if (sim->healed && sim->heal_index == 0) {
        sim->heal_value = batch->value;
    }
    if (raft_apply(&node->raft, &batch->apply, &buffer, 1, on_answered) != 0) {
        raft_free(buffer.base);
        return;
    }
    guard_after(node->guard);
}

/* Whoever does not hear says it again. */
static void on_answered(struct raft_apply *apply, int status, void *result)
{
    struct sim_batch *batch = apply->data;
    struct sim_node *node = batch->node;
    const struct sim_answers *answers;

    (void)result;
    if (status != 0 || node->ended) {
        return;
    }
    answers = &node->machine->answers;
    if (answers->index != apply->index ||
        answers->count != (batch->count == 0 ? 1 : batch->count)) {
        sim_fail(node->sim, "ANSWERS: %u at %llu to %u at %llu", answers->count,
                 answers->index, batch->count, apply->index);
        return;
    }
    sim_oracle_ack_bytes(node, apply->index, batch->value, batch->hash);
    if (node->machine->walked != node->raft.current_term) {
        node->machine->walked = node->raft.current_term;
        sim_client_walk(node, false);
        sim_recovery_walk(node, false);
    }
    for (unsigned i = 0; i < batch->count; i++) {
        const struct said *said = &batch->said[i];

        if (said->client != NULL && said->client->op == said->op) {
            answer(node->sim, said->client, &answers->outcomes[i]);
        }
    }
}

/* ---- Commands ---- */

static struct bytes log_name(const struct sim *sim, unsigned log)
{
    const char *name = sim->clients->logs[log].name;

    return (struct bytes){(const uint8_t *)name, strlen(name)};
}

/* The value says which command it is from. */
static int encode_append(struct sim *sim, const struct client *client,
                         struct buf *buf)
{
    struct sim_client_state *state = sim->clients;
    static uint8_t value[VALUE_LEN_MAX];
    size_t len =
        8 + (size_t)sim_random(sim, sim_random(sim, 40) == 0 ? VALUE_LEN_MAX - 8
                                                             : 60);
    struct append_entry entries[3];
    struct append_part_args parts[LOGS];
    struct append_args args = {.parts = parts,
                               .parts_count = sim_random(sim, 8) == 0 ? 2 : 1,
                               .producer = client->producer,
                               .sequence = client->sequence};

    put_u64(value, client->op);
    state->value_len[client->op] = (uint16_t)len;
    for (size_t i = 0; i < 3; i++) {
        entries[i] = (struct append_entry){{NULL, 0}, {value, len}};
    }
    for (unsigned i = 0; i < args.parts_count; i++) {
        unsigned log = (client->log + i) % LOGS;

        parts[i] = (struct append_part_args){
            .log = log_name(sim, log),
            .expect_position =
                sim_random(sim, 6) == 0 ? state->logs[log].next : 0,
            .epoch = client->epoch[log],
            .entries = entries,
            .entries_count = 1 + (size_t)sim_random(sim, 3)};
    }
    return append_args_encode(&args, buf);
}

static int encode_params(struct sim *sim, const struct client *client,
                         struct buf *buf)
{
    static const uint8_t name[] = "writer";
    struct log_config_args create = {
        .log = log_name(sim, client->log),
        .retention = {.entries = client->log == 0 ? 0 : 300,
                      .age_ms = client->log == 0 ? 0 : SIM_RETENTION_MS},
        .token = client->log + 1};
    struct writer_args writer = {.log = create.log,
                                 .name = {name, sizeof name - 1},
                                 .epoch = client->epoch[client->log]};
    uint64_t next = sim->clients->logs[client->log].next;
    struct log_trim_args trim = {create.log, 1 + sim_random(sim, next)};
    struct log_args remove = {create.log, false};
    struct producer_args producer = {.producer = client->producer};

    switch (client->kind) {
    case COMMAND_LOG_CONFIGURE:
        create.token = 0;
        create.retention.entries = 100 * sim_random(sim, 5);
        create.retention.age_ms = SIM_RETENTION_MS * sim_random(sim, 5);
        return log_config_args_encode(&create, buf);
    case COMMAND_LOG_CREATE:
        return log_config_args_encode(&create, buf);
    case COMMAND_LOG_DELETE:
        return log_args_encode(&remove, buf);
    case COMMAND_PRODUCER_CLOSE:
        return producer_args_encode(&producer, buf);
    case COMMAND_LOG_APPEND:
        return encode_append(sim, client, buf);
    case COMMAND_LOG_TRIM:
        return log_trim_args_encode(&trim, buf);
    case COMMAND_WRITER_ACQUIRE:
        return writer_acquire_args_encode(&writer, buf);
    case COMMAND_WRITER_RELEASE:
        return writer_release_args_encode(&writer, buf);
    default:
        return 0;
    }
}

static enum command_kind draw_kind(struct sim *sim, struct client *client)
{
    if (sim->clients->logs[client->log].uid == 0) {
        return COMMAND_LOG_CREATE;
    }
    if (client->producer == 0) {
        return COMMAND_PRODUCER_OPEN;
    }
    if (client->fenced) {
        client->fenced = false;
        return COMMAND_WRITER_ACQUIRE;
    }
    switch (sim_random(sim, 60)) {
    case 0:
        return COMMAND_WRITER_ACQUIRE;
    case 1:
    case 2:
        return client->epoch[client->log] != 0 ? COMMAND_WRITER_RELEASE
                                               : COMMAND_LOG_APPEND;
    case 3:
        return COMMAND_LOG_TRIM;
    case 4:
        return COMMAND_CONFIRM_CLOCK;
    case 5:
        return COMMAND_TICK;
    case 6:
        return COMMAND_LOG_CONFIGURE;
    case 7:
        return sim_random(sim, 3) == 0 ? COMMAND_LOG_DELETE
                                       : COMMAND_PRODUCER_CLOSE;
    default:
        return COMMAND_LOG_APPEND;
    }
}

static void begin(struct sim *sim, struct client *client)
{
    struct buf params = BUF_INIT;

    sim->clients->op_last++;
    client->op = sim->clients->op_last;
    if (!client->fenced) {
        client->log = (unsigned)sim_random(sim, LOGS);
    }
    client->kind = draw_kind(sim, client);
    if (client->op >= SIM_VALUES_MAX ||
        encode_params(sim, client, &params) != 0) {
        sim_fail(sim, "HARNESS: cannot encode command %llu",
                 (unsigned long long)client->op);
    }
    client->params = sim_copy(sim, params.data, params.len);
    buf_close(&params);
}

/* ---- Answers ---- */

static void answer_append(struct sim *sim, struct client *client,
                          const struct outcome *outcome)
{
    uint64_t place = sim->clients->position_of[client->op];

    switch (outcome->code) {
    case 0:
        if (place == REFUSED || place != outcome->append.places[0].first) {
            sim_fail(sim, "EXACTLY ONCE: append %llu is told to be elsewhere",
                     (unsigned long long)client->op);
        }
        sim_client_tell(sim, client, outcome);
        client->sequence++;
        break;
    case QL_FENCED:
        client->fenced = true;
        client->epoch[client->log] = 0;
        client->sequence++;
        break;
    case QL_CONDITION_FAILED:
    case QL_NO_SPACE:
    case QL_NOT_FOUND: /* the other log is not there yet */
        client->sequence++;
        break;
    case QL_PRODUCER_EXPIRED:
    case QL_RESTORED:
        client->producer = 0;
        break;
    default:
        sim_fail(sim, "ANSWER: append %llu: code %d",
                 (unsigned long long)client->op, outcome->code);
    }
}

static void answer(struct sim *sim, struct client *client,
                   const struct outcome *outcome)
{
    if (client->kind == COMMAND_LOG_APPEND) {
        client->past[client->past_count % PAST_MAX] = client->params;
        client->past_count++;
        answer_append(sim, client, outcome);
    } else if (client->kind == COMMAND_PRODUCER_OPEN && outcome->code == 0) {
        client->producer = outcome->producer;
        client->sequence = 1;
    } else if (client->kind == COMMAND_WRITER_ACQUIRE && outcome->code == 0) {
        client->epoch[client->log] = outcome->stat.writer_epoch;
    } else if (client->kind == COMMAND_PRODUCER_CLOSE) {
        client->producer = 0;
    } else if (client->kind == COMMAND_WRITER_RELEASE &&
               sim_random(sim, 4) != 0) {
        client->epoch[client->log] = 0; /* else it goes on as if it held it */
    }
    client->op = 0;
}
