/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Somebody who adds, promotes, demotes and removes servers all the time, within
 * the numbers of voters that the seed has drawn. Removed servers go on running
 * and may be added again only as new ones.
 */
#include "consensus/guard_view.h"
#include "sim/sim.h"

struct sim_change {
    struct raft_change change;
    struct sim *sim;
    bool healed; /* begun after healing */
};

static void on_change(struct sim *sim, struct sim_node *node, void *data);
static void change(struct sim *sim, struct sim_node *leader);
static void change_once_more(struct sim *sim, struct sim_node *leader);

void sim_start_changes(struct sim *sim)
{
    on_change(sim, NULL, NULL);
}

static void on_change(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    node = sim_some_leader(sim);
    if (node != NULL && !node->doomed && !node->restarting &&
        guard_may_change(node->guard)) {
        if (!sim->healed) {
            change(sim, node);
        } else if (!sim->heal_changed) {
            change_once_more(sim, node);
        }
    }
    sim_at(sim, sim->now + 1 + sim_random(sim, sim->knobs.change_every_ms),
           NULL, on_change, NULL);
}

/* ---- Single changes ---- */

static void on_changed(struct raft_change *request, int status)
{
    const struct sim_change *change = request->data;
    struct sim *sim = change->sim;

    sim_trace(sim, "a change ends: %d", status);
    if (status == 0) {
        sim->totals.changes++;
        sim->heal_changed = sim->heal_changed || change->healed;
    }
}

static struct raft_change *new_request(struct sim *sim)
{
    struct sim_change *change = sim_alloc(sim, sizeof *change);

    change->change.data = change;
    change->sim = sim;
    change->healed = sim->healed;
    return &change->change;
}

static void conclude(struct sim_node *leader, const char *what, raft_id id,
                     int rv)
{
    sim_trace(leader->sim, "%llu is told to %s %llu: %d", leader->id, what, id,
              rv);
    if (rv == 0) {
        guard_after(leader->guard);
    }
}

static void add(struct sim_node *leader)
{
    struct sim *sim = leader->sim;
    raft_id id = sim->node_count + 1;
    char address[8];
    int rv;

    sim_node_address(address, id);
    rv = raft_add(&leader->raft, new_request(sim), id, address, on_changed);
    if (rv == 0) {
        sim_node_join(sim);
    }
    conclude(leader, "add", id, rv);
}

static void assign(struct sim_node *leader, raft_id id, int role)
{
    int rv = raft_assign(&leader->raft, new_request(leader->sim), id, role,
                         on_changed);

    conclude(leader,
             role == RAFT_VOTER     ? "promote"
             : role == RAFT_STANDBY ? "demote to standby"
                                    : "demote to spare",
             id, rv);
}

static void take_away(struct sim_node *leader, raft_id id)
{
    int rv =
        raft_remove(&leader->raft, new_request(leader->sim), id, on_changed);

    conclude(leader, "remove", id, rv);
}

/* ---- Which ---- */

struct seats {
    raft_id voters[SIM_NODES_MAX];
    raft_id others[SIM_NODES_MAX];
    unsigned voter_count, other_count;
};

static struct seats seats_of(const struct raft *raft)
{
    struct seats seats = {.voter_count = 0, .other_count = 0};

    for (unsigned i = 0; i < raft->configuration.n; i++) {
        const struct raft_server *server = &raft->configuration.servers[i];

        if (server->role == RAFT_VOTER) {
            seats.voters[seats.voter_count] = server->id;
            seats.voter_count++;
        } else {
            seats.others[seats.other_count] = server->id;
            seats.other_count++;
        }
    }
    return seats;
}

static int other_idle_role(const struct sim_node *leader, raft_id id)
{
    return view_server(&leader->raft, id)->role == RAFT_STANDBY ? RAFT_SPARE
                                                                : RAFT_STANDBY;
}

static void lower_voter(struct sim_node *leader, raft_id id)
{
    struct sim *sim = leader->sim;

    if (guard_must_hand_over(leader->guard, id)) {
        sim_node_transfer(leader, 0);
    } else if (sim_random(sim, 3) != 0) {
        take_away(leader, id);
    } else {
        assign(leader, id, sim_random(sim, 2) == 0 ? RAFT_STANDBY : RAFT_SPARE);
    }
}

static void change(struct sim *sim, struct sim_node *leader)
{
    const struct sim_knobs *knobs = &sim->knobs;
    struct seats seats = seats_of(&leader->raft);
    uint64_t choice = sim_random(sim, 10);

    if (seats.other_count > 0 &&
        (choice < 6 || seats.voter_count <= knobs->voters_min)) {
        raft_id id = seats.others[sim_random(sim, seats.other_count)];
        bool promotes =
            seats.voter_count < knobs->voters_max && sim_random(sim, 4) != 0;

        assign(leader, id, promotes ? RAFT_VOTER : other_idle_role(leader, id));
    } else if (seats.other_count > 0 && choice < 7) {
        take_away(leader, seats.others[sim_random(sim, seats.other_count)]);
    } else if (seats.voter_count < knobs->voters_max && seats.other_count < 2 &&
               choice < 8 && sim->node_count < SIM_NODES_MAX - 1) {
        add(leader);
    } else if (seats.voter_count > knobs->voters_min) {
        raft_id id = seats.voters[sim_random(sim, seats.voter_count)];

        lower_voter(leader, sim_random(sim, 3) == 0 ? leader->id : id);
    }
}

/* After healing one more change must get through. */
static void change_once_more(struct sim *sim, struct sim_node *leader)
{
    struct seats seats = seats_of(&leader->raft);

    if (seats.other_count > 0) {
        raft_id id = seats.others[0];

        assign(leader, id, other_idle_role(leader, id));
    } else if (sim->node_count < SIM_NODES_MAX) {
        add(leader);
    } else {
        sim->heal_changed = true; /* no seat is left to try it with */
    }
}
