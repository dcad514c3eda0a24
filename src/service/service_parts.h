/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the files of this floor share: the service itself, and the function that
 * begins each method. */
#pragma once

#include "consensus/node.h"
#include "service/call.h"
#include "service/recovery_job.h"
#include "service/service.h"
#include "service/watch.h"
#include "store/chunk_store.h"

struct service {
    struct service_options options;
    const struct identity *identity;
    struct node *node;       /* NULL until service_set_node() */
    struct machine *machine; /* the node's */
    uint64_t started_ms;     /* monotonic */
    size_t calls_count;      /* open calls, also of connections that are gone */
    struct watches watches;
    struct chunk_store *chunks; /* the node's */
    const struct service_loads *loads;
    struct list waits; /* struct chunk_wait, the oldest first */
    struct list spare; /* struct call, ended: SERVICE_CALLS_SPARE at most */
    size_t spare_count;
    struct buf message; /* memory for the next; see message.h */
    size_t turn_bytes;  /* sent in this turn of the loop */
    bool has_turns;     /* it is told of them */
    uint64_t ticks;     /* of service_tick() */
    struct recovery recovery;
    size_t recovery_calls; /* that look through what is staged */
};

/* The leader's client address as far as this node knows another one that leads;
 * len 0 otherwise. */
struct bytes service_leader_address(const struct service *service);

/* The client address of a member; len 0 when there is none. */
struct bytes service_member_address(const struct service *service, uint64_t id);
bool service_leads(const struct service *service);
/* QL_NOT_FOUND with a sentence, or 0; as machine_log_stat(). */
int service_find_log(const struct service *service, struct bytes log,
                     struct log_stat *ret, struct err *err);

/* @reader has given entries, and is where it is left. */
void service_has_read(struct service *service,
                      const struct machine_reader *reader);
/* Somebody who reads on is where @reader is, which gave @found last: what comes
 * next is loaded before it is asked for. */
void service_read_ahead(struct service *service,
                        const struct machine_reader *reader,
                        enum machine_read found);

/* Says in @row whose backup it is, when it is this cluster's own. */
void service_backup_fill(const struct service *service, struct backup_row *row);
/* The answer of cluster.settings. */
void service_settings_encode(const struct service *service,
                             struct buf *message);

/* backup.verify of the backup called @name, as below, by walking every entry. */
int service_backup_verify_deep(struct call *call, const char *name,
                               struct err *err);

/* Each begins one method: returns 0 when the call has been or will be answered,
 * or the code that the caller answers with @err's text. */
int service_hello(struct call *call, struct bytes params, struct err *err);
int service_ping(struct call *call, struct bytes params, struct err *err);
int service_server_metrics(struct call *call, struct bytes params,
                           struct err *err);
int service_log_create(struct call *call, struct bytes params, struct err *err);
int service_log_configure(struct call *call, struct bytes params,
                          struct err *err);
int service_log_delete(struct call *call, struct bytes params, struct err *err);
int service_log_trim(struct call *call, struct bytes params, struct err *err);
int service_log_list(struct call *call, struct bytes params, struct err *err);
int service_log_stat(struct call *call, struct bytes params, struct err *err);
int service_log_append(struct call *call, struct bytes params, struct err *err);
int service_log_read(struct call *call, struct bytes params, struct err *err);
int service_log_follow(struct call *call, struct bytes params, struct err *err);
int service_log_credit(struct call *call, struct bytes params, struct err *err);
int service_log_unfollow(struct call *call, struct bytes params,
                         struct err *err);
int service_producer_open(struct call *call, struct bytes params,
                          struct err *err);
int service_producer_close(struct call *call, struct bytes params,
                           struct err *err);
int service_append_status(struct call *call, struct bytes params,
                          struct err *err);
int service_writer_acquire(struct call *call, struct bytes params,
                           struct err *err);
int service_writer_release(struct call *call, struct bytes params,
                           struct err *err);
int service_cluster_status(struct call *call, struct bytes params,
                           struct err *err);
int service_cluster_transfer(struct call *call, struct bytes params,
                             struct err *err);
int service_cluster_confirm_clock(struct call *call, struct bytes params,
                                  struct err *err);
int service_cluster_freeze(struct call *call, struct bytes params,
                           struct err *err);
int service_cluster_thaw(struct call *call, struct bytes params,
                         struct err *err);
int service_cluster_settings(struct call *call, struct bytes params,
                             struct err *err);
int service_backup_create(struct call *call, struct bytes params,
                          struct err *err);
int service_backup_list(struct call *call, struct bytes params,
                        struct err *err);
int service_backup_show(struct call *call, struct bytes params,
                        struct err *err);
int service_backup_verify(struct call *call, struct bytes params,
                          struct err *err);
int service_backup_delete(struct call *call, struct bytes params,
                          struct err *err);
int service_backup_export(struct call *call, struct bytes params,
                          struct err *err);
int service_backup_import(struct call *call, struct bytes params,
                          struct err *err);
int service_recovery_stage(struct call *call, struct bytes params,
                           struct err *err);
int service_recovery_unload(struct call *call, struct bytes params,
                            struct err *err);
int service_recovery_status(struct call *call, struct bytes params,
                            struct err *err);
int service_recovery_print(struct call *call, struct bytes params,
                           struct err *err);
int service_recovery_diff(struct call *call, struct bytes params,
                          struct err *err);
int service_recovery_delete(struct call *call, struct bytes params,
                            struct err *err);
int service_recovery_commit(struct call *call, struct bytes params,
                            struct err *err);
int service_recovery_undo(struct call *call, struct bytes params,
                          struct err *err);
