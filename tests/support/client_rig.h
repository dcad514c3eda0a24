/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A client and two fake servers in one thread, and the outcomes of calls. */
#pragma once

#include "quorlog.h"
#include "support/cmocka.h"
#include "support/fake_server.h"
#include "wire/args_append.h"

#define RIG_SERVERS 2

/* What a call came to. */
struct outcome {
    int calls; /* of the callback; never more than one */
    int code;
    uint64_t position; /* first position, or error.position */
    uint64_t producer;
    uint64_t sequence;
    struct ql_error error;
};

#define RIG_OUTCOMES 80

struct client_rig {
    struct fake_server servers[RIG_SERVERS];
    struct ql_client *client;
    /* For calls that outlive the test: the teardown ends them. */
    struct outcome outcomes[RIG_OUTCOMES];
};

/* For cmocka: only servers[0] is among the endpoints; QL_*_OPTIONS otherwise
 * as by default. rig_use() makes a client with other options. */
int rig_setup(void **state);
int rig_teardown(void **state);
void rig_use(struct client_rig *rig, const struct ql_client_options *options);
/* One turn of everything; waits for something to happen, but not long. */
void rig_turn(struct client_rig *rig);
/* Turns until a request of that method is there. */
struct fake_request *rig_expect(struct client_rig *rig, size_t server,
                                const char *method);
/* Turns until @count of them are there. */
void rig_expect_count(struct client_rig *rig, size_t server, const char *method,
                      size_t count);
/* Turns until the callback has run. */
void rig_finish(struct client_rig *rig, const struct outcome *outcome);
/* Turns until @server has accepted @count connections. */
void rig_expect_accepted(struct client_rig *rig, size_t server, size_t count);
/* Turns for about @ms, in which nothing particular has to happen. */
void rig_pass(struct client_rig *rig, uint32_t ms);

/* Appends @value to "log" with @outcome as its callback's data. */
void rig_append(struct client_rig *rig, const char *value,
                struct outcome *outcome);
void rig_append_with(struct client_rig *rig, const char *value,
                     const struct ql_append_options *options,
                     struct outcome *outcome);
void rig_on_append(void *data, const struct ql_append_result *result,
                   const struct ql_error *error);
void rig_on_log(void *data, const struct ql_log_stat *stat,
                const struct ql_error *error);
/* Answers producer.open. */
void rig_open_producer(struct client_rig *rig, size_t server, uint64_t id);
/* What the append in the request carries: its one value and its numbers. */
void rig_check_append(const struct fake_request *request, const char *value,
                      uint64_t producer, uint64_t sequence);
void rig_answer_append(struct fake_server *server, struct fake_request *request,
                       uint64_t first);
void rig_answer_stat(struct fake_server *server, struct fake_request *request,
                     uint64_t tail, uint64_t epoch);
