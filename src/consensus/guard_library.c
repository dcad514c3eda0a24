/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Is this the libraft that the rules were written for? Version 0.15 has no call
 * that tells its version. What can be checked is: at compile time the size of
 * the structs in its header; at run time the name of the library that was
 * loaded, and that it lays struct raft out as we do: each setter must be seen
 * in the field that the header gives it, from the first part to the last.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "consensus/guard.h"

/* libraft 0.15.0. The fields are of the same size on all 64-bit systems. */
_Static_assert(sizeof(void *) != 8 || sizeof(struct raft) == 656,
               "struct raft is not that of libraft 0.15.0");
_Static_assert(sizeof(void *) != 8 || sizeof(struct raft_progress) == 56,
               "struct raft_progress is not that of libraft 0.15.0");
_Static_assert(sizeof(void *) != 8 || sizeof(struct raft_message) == 88,
               "struct raft_message is not that of libraft 0.15.0");
_Static_assert(sizeof(void *) != 8 || sizeof(struct raft_io) == 408,
               "struct raft_io is not that of libraft 0.15.0");

#define LIBRARY_SONAME "libraft.so.2"
#define GUARD_BYTES 256

static int probe_init(struct raft_io *io, raft_id id, const char *address)
{
    (void)io;
    (void)id;
    (void)address;
    return 0;
}

static void probe_close(struct raft_io *io, raft_io_close_cb cb)
{
    cb(io);
}

static bool has_its_defaults(const struct raft *raft)
{
    return raft->id == 7 && raft->state == RAFT_UNAVAILABLE &&
           raft->current_term == 0 && raft->log.size == 0 &&
           raft->configuration.n == 0 && raft->commit_index == 0 &&
           raft->election_timeout == 1000 && raft->heartbeat_timeout == 100 &&
           raft->install_snapshot_timeout == 30000 && raft->transfer == NULL &&
           raft->snapshot.threshold == 1024 && raft->snapshot.trailing == 2048;
}

static bool shows_what_is_set(struct raft *raft)
{
    raft_set_election_timeout(raft, 4321);
    raft_set_heartbeat_timeout(raft, 321);
    raft_set_snapshot_threshold(raft, 21);
    raft_set_snapshot_trailing(raft, 12);
    raft_set_pre_vote(raft, true);
    raft_set_max_catch_up_round_duration(raft, 1234);
    return raft->election_timeout == 4321 && raft->heartbeat_timeout == 321 &&
           raft->snapshot.threshold == 21 && raft->snapshot.trailing == 12 &&
           raft->pre_vote && raft->max_catch_up_round_duration == 1234;
}

/* raft_init() writes all of its struct: beyond ours, it is another one. */
static bool has_our_layout(void)
{
    static const uint8_t canary[GUARD_BYTES] = {0};
    struct {
        struct raft raft;
        uint8_t behind[GUARD_BYTES];
    } probe;
    struct raft_io io = {
        .version = 1, .init = probe_init, .close = probe_close};
    struct raft_fsm fsm = {.version = 1};
    bool same;

    memset(&probe, 0, sizeof probe);
    if (raft_init(&probe.raft, &io, &fsm, 7, "probe") != 0) {
        return false;
    }
    same = has_its_defaults(&probe.raft) && shows_what_is_set(&probe.raft) &&
           memcmp(probe.behind, canary, sizeof canary) == 0;
    raft_close(&probe.raft, NULL);
    return same;
}

int guard_check_library(struct err *err)
{
    static const char prefix[] = "libraft.so";
    const char *name;
    Dl_info info;
    /* A function pointer as an object pointer: POSIX, dlsym(). */
    int (*function)(struct raft *) = raft_start;
    void *address;

    memcpy(&address, &function, sizeof address);
    if (dladdr(address, &info) != 0 && info.dli_fname != NULL) {
        name = strrchr(info.dli_fname, '/');
        name = name == NULL ? info.dli_fname : name + 1;
        if (strncmp(name, prefix, sizeof prefix - 1) == 0 &&
            strncmp(name, LIBRARY_SONAME, sizeof LIBRARY_SONAME - 1) != 0) {
            return err_set(err, QL_INTERNAL,
                           "%s is loaded, but the guard is made for %s "
                           "(libraft 0.15)",
                           info.dli_fname, LIBRARY_SONAME);
        }
    }
    if (!has_our_layout()) {
        return err_set(err, QL_INTERNAL,
                       "the loaded libraft is not 0.15: it lays out its state "
                       "in another way");
    }
    return 0;
}
