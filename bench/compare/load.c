/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/load.h"

#include <stdlib.h>
#include <time.h>

#include "scale_process.h"
#include "util/random.h"

#define WAIT_MS 10
#define DRAIN_SECONDS 20
/* Payloads begin anywhere in this many random bytes, so that none is like the
 * one before and nobody can compress them. */
#define POOL_LEN (1024u * 1024u)
#define POOL_STEP 64u
/* Who refuses so many is not measured. */
#define REFUSED_MAX 10000u

struct load {
    const struct peer *peer; /* of the run that is under way */
    size_t size;
    size_t under_way;
    size_t at; /* of the next payload in pool */
    bool is_ending;
    bool is_measuring;
    uint64_t acknowledged;
    uint64_t refused;
    struct histogram latencies;
    uint64_t begun_ns[PEER_SLOTS_MAX];
    uint8_t pool[POOL_LEN + PEER_SIZE_MAX];
};

struct costs { /* so far, in seconds */
    double now;
    double client;
    double servers;
};

static uint64_t now_ns(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

struct load *load_new(void)
{
    struct load *load = calloc(1, sizeof *load);

    if (load == NULL) {
        scale_fail("out of memory");
    }
    random_bytes(load->pool, sizeof load->pool);
    return load;
}

void load_free(struct load *load)
{
    free(load);
}

static struct bytes next_value(struct load *load, size_t size)
{
    struct bytes value = {load->pool + load->at, size};

    load->at = (load->at + POOL_STEP) % POOL_LEN;
    return value;
}

static void submit(struct load *load, size_t slot, uint64_t now)
{
    struct bytes value = next_value(load, load->size);

    load->begun_ns[slot] = now;
    load->under_way++;
    load->peer->kind->submit(load->peer->self, slot, value);
}

void load_on_answer(struct load *load, size_t slot, const char *refusal)
{
    uint64_t now = now_ns();

    load->under_way--;
    if (refusal == NULL) {
        load->acknowledged++;
        if (load->is_measuring) {
            histogram_record(&load->latencies, now - load->begun_ns[slot]);
        }
    } else if (++load->refused > REFUSED_MAX && !load->is_ending) {
        scale_fail("%s refuses what it is sent: %s", load->peer->kind->name,
                   refusal);
    }
    if (!load->is_ending) {
        submit(load, slot, now);
    }
}

static struct costs look(const struct peer *peer)
{
    struct costs costs = {scale_now(), scale_cpu_own(), 0};

    for (size_t i = 0; i < PEER_SERVERS; i++) {
        costs.servers += scale_cpu_of(peer->pids[i]);
    }
    return costs;
}

static double memory_of(const struct peer *peer)
{
    double sum = 0;

    for (size_t i = 0; i < PEER_SERVERS; i++) {
        struct scale_memory memory;

        scale_memory_of(peer->pids[i], &memory);
        sum += memory.rss;
    }
    return sum;
}

static void wait_once(struct load *load)
{
    if (!load->peer->kind->wait(load->peer->self, WAIT_MS)) {
        scale_fail("a connection to %s is lost", load->peer->kind->name);
    }
}

static void go_on(struct load *load, double until)
{
    while (scale_now() < until) {
        wait_once(load);
    }
}

static void end(struct load *load)
{
    double until = scale_now() + DRAIN_SECONDS;

    load->is_ending = true;
    while (load->under_way > 0 && scale_now() < until) {
        wait_once(load);
    }
    if (load->under_way > 0) {
        scale_fail("%s leaves %zu appends without an answer for %d s",
                   load->peer->kind->name, load->under_way, DRAIN_SECONDS);
    }
}

static void conclude(const struct load *load, const struct costs *from,
                     const struct costs *to, struct load_result *ret_result)
{
    double count = (double)load->latencies.count;
    double seconds = to->now - from->now;
    const struct histogram *latencies = &load->latencies;

    if (load->latencies.count == 0) {
        scale_fail("%s acknowledged nothing", load->peer->kind->name);
    }
    *ret_result = (struct load_result){
        .rate = count / seconds,
        .p50_us = (double)histogram_percentile(latencies, 50) / 1e3,
        .p99_us = (double)histogram_percentile(latencies, 99) / 1e3,
        .client_us = (to->client - from->client) * 1e6 / count,
        .client_share = (to->client - from->client) / seconds,
        .server_us = (to->servers - from->servers) * 1e6 / count,
        .rss_mib = memory_of(load->peer),
    };
}

static void begin(struct load *load, struct peer *peer,
                  const struct load_plan *plan)
{
    load->peer = peer;
    load->size = plan->size;
    load->is_ending = false;
    histogram_init(&load->latencies);
    for (size_t i = 0; i < plan->outstanding; i++) {
        submit(load, i, now_ns());
    }
    go_on(load, scale_now() + plan->warm_seconds);
}

void load_warm(struct load *load, struct peer *peer,
               const struct load_plan *plan)
{
    begin(load, peer, plan);
    end(load);
}

void load_run(struct load *load, struct peer *peer,
              const struct load_plan *plan, struct load_result *ret_result)
{
    struct costs from;
    struct costs to;

    begin(load, peer, plan);
    from = look(peer);
    load->is_measuring = true;
    go_on(load, from.now + plan->seconds);
    load->is_measuring = false;
    to = look(peer);
    conclude(load, &from, &to, ret_result);
    end(load);
}

void load_send(struct load *load, const struct peer_kind *kind, void *self,
               size_t slot, size_t size)
{
    load->is_ending = true; /* none is sent on the answer */
    load->under_way++;
    kind->submit(self, slot, next_value(load, size));
}

uint64_t load_acknowledged(const struct load *load)
{
    return load->acknowledged;
}

uint64_t load_refused(const struct load *load)
{
    return load->refused;
}
