/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/failover.h"

#include <signal.h>
#include <unistd.h>

#include "compare/load.h"
#include "scale_process.h"

#define GIVE_UP_SECONDS 60
/* A server that has not answered for so long is asked once more: some drop what
 * they get while nobody leads. */
#define AGAIN_SECONDS 0.1
#define WAIT_MS 1
#define LOOK_US 1000u

/* Appending through one of the servers. */
struct attempt {
    const struct peer_kind *kind;
    struct load *load; /* of it alone */
    void *client;      /* NULL: not connected */
    unsigned port;     /* 0: the client finds a server itself */
    uint64_t refused;  /* seen so far */
    double sent;
    size_t slot;
};

static void send_one(struct attempt *attempt, size_t size)
{
    attempt->slot = (attempt->slot + 1) % PEER_SLOTS_MAX;
    attempt->sent = scale_now();
    attempt->refused = load_refused(attempt->load);
    load_send(attempt->load, attempt->kind, attempt->client, attempt->slot,
              size);
}

/* Goes on with it. True: an append was acknowledged. */
static bool go_on(struct attempt *attempt, size_t size)
{
    uint64_t acknowledged = load_acknowledged(attempt->load);

    if (attempt->client == NULL) {
        attempt->client = attempt->kind->connect(attempt->port, attempt->load);
        if (attempt->client == NULL) {
            (void)usleep(LOOK_US);
            return false;
        }
        send_one(attempt, size);
    }
    if (!attempt->kind->wait(attempt->client, WAIT_MS)) {
        attempt->kind->disconnect(attempt->client);
        attempt->client = NULL;
        (void)usleep(LOOK_US);
        return load_acknowledged(attempt->load) > acknowledged;
    }
    if (load_acknowledged(attempt->load) > acknowledged) {
        return true;
    }
    if (load_refused(attempt->load) > attempt->refused ||
        (attempt->port != 0 && scale_now() > attempt->sent + AGAIN_SECONDS)) {
        send_one(attempt, size);
    }
    return false;
}

double failover_run(const struct options *options, struct peer *peer,
                    struct load *load)
{
    struct attempt attempts[PEER_SERVERS] = {{0}};
    bool is_by_itself = peer->kind->connect == NULL;
    double begun = scale_now();

    (void)kill(peer->pids[peer->leader], SIGKILL);
    for (size_t i = 0; i < PEER_SERVERS; i++) {
        attempts[i].kind = peer->kind;
        attempts[i].port = is_by_itself ? 0 : peer->ports[i];
        attempts[i].load = is_by_itself ? load : load_new();
    }
    if (is_by_itself) {
        attempts[0].client = peer->self;
        send_one(&attempts[0], options->size);
    }
    while (scale_now() < begun + GIVE_UP_SECONDS) {
        for (size_t i = 0; i < (is_by_itself ? 1 : PEER_SERVERS); i++) {
            if (i == peer->leader && !is_by_itself) {
                continue;
            }
            if (go_on(&attempts[i], options->size)) {
                return scale_now() - begun;
            }
        }
    }
    scale_fail("%s acknowledges nothing for %d s after its leader is gone",
               peer->kind->name, GIVE_UP_SECONDS);
}
