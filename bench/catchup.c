/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What it costs a leader that a follower was away for a long time: three nodes,
 * each a process, on loopback, with real directories. One is killed or frozen,
 * the other two go on until it is so many raft entries behind, then it comes
 * back while appends go on. Says how long it takes and how much memory the
 * leader takes for it, beside the same time without anybody to catch up.
 *
 *     bench/catchup [--dir DIR] [--entries N] [--value BYTES] [--retain N]
 *                   [--snapshot-entries N] [--snapshot-bytes N] [--frozen]
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catchup_node.h"

#include "util/file.h"
#include "util/mem.h"
#include "util/random.h"

#define NODES 3u
#define LOOK_US 5000u
#define FLOOR_SECONDS 5u
#define MEETING_SECONDS 1u /* after which the link has found its peers */
#define GIVE_UP_SECONDS 600u

struct setup {
    const char *dir;
    uint64_t entries;
    bool frozen;
    struct bench_node node; /* what all have in common */
};

struct cluster {
    struct bench_node nodes[NODES];
    struct bench_node *leader;
    struct bench_node *away;
};

struct memory {
    double rss; /* MiB */
    double peak;
};

static struct memory memory_of(pid_t pid)
{
    struct memory memory = {0};
    char path[64];
    char line[256];
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    file = fopen(path, "r");
    if (file == NULL) {
        bench_fail("a node has ended");
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            memory.rss = strtod(line + 6, NULL) / 1024;
        } else if (strncmp(line, "VmHWM:", 6) == 0) {
            memory.peak = strtod(line + 6, NULL) / 1024;
        }
    }
    (void)fclose(file);
    return memory;
}

static void forget_peak(pid_t pid)
{
    char path[64];
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/clear_refs", (int)pid);
    file = fopen(path, "w");
    if (file == NULL || fputs("5", file) < 0 || fclose(file) != 0) {
        bench_fail("the peak of memory cannot be reset");
    }
}

/* ---- The cluster ---- */

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        bench_fail("no port");
    }
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void cluster_open(struct cluster *cluster, const struct setup *setup)
{
    struct identity *first = &cluster->nodes[0].identity;
    char members[256] = "";
    size_t at = 0;

    for (unsigned i = 1; i <= NODES; i++) {
        at += (size_t)snprintf(members + at, sizeof members - at,
                               "%s%u=127.0.0.1:%u/127.0.0.1:%u",
                               i > 1 ? "," : "", i, free_port(), i);
    }
    random_uuid(first->cluster);
    random_bytes(first->secret, SECRET_LEN);
    if (members_parse(members, first->members, &first->members_count, NULL) !=
        0) {
        bench_fail("the member list is not understood");
    }
    for (unsigned i = 0; i < NODES; i++) {
        struct bench_node *node = &cluster->nodes[i];
        struct identity identity = *first;
        char name[16];

        *node = setup->node;
        node->identity = identity;
        node->identity.node = i + 1;
        random_uuid(node->identity.instance);
        (void)snprintf(name, sizeof name, "%u", i + 1);
        if (path_join(node->dir, sizeof node->dir, setup->dir, name, NULL) !=
                0 ||
            mkdir(node->dir, 0700) != 0) {
            bench_fail("a directory cannot be made");
        }
        bench_node_start(node);
    }
}

static struct bench_node *find_leader(struct cluster *cluster)
{
    for (unsigned turn = 0; turn < 3000; turn++) {
        for (unsigned i = 0; i < NODES; i++) {
            struct bench_answer answer;

            bench_node_ask(&cluster->nodes[i], BENCH_TELL, 0, &answer);
            if (answer.status.ready) {
                return &cluster->nodes[i];
            }
        }
        (void)usleep(10000);
    }
    bench_fail("nobody leads");
    return NULL;
}

/* ---- The parts ---- */

static void load(struct cluster *cluster, uint64_t entries)
{
    struct bench_answer answer;
    uint64_t begin = bench_now_ns();
    uint64_t target;

    bench_node_ask(cluster->leader, BENCH_TELL, 0, &answer);
    target = answer.status.last_index + entries;
    bench_node_ask(cluster->leader, BENCH_LOAD, target, &answer);
    while (answer.status.last_index < target) {
        (void)usleep(100000);
        bench_node_ask(cluster->leader, BENCH_TELL, 0, &answer);
    }
    printf("  %" PRIu64 " raft entries in %.1f s; %" PRIu64
           " appends refused or lost; last snapshot at %" PRIu64 " of %" PRIu64
           "\n",
           entries, (double)(bench_now_ns() - begin) / 1e9, answer.refusals,
           answer.status.snapshot_index, answer.status.last_index);
}

/* Waits until @away has applied what was committed at the call; NULL: just some
 * seconds. */
static void watch(struct cluster *cluster, struct bench_node *away,
                  const char *label)
{
    pid_t pid = cluster->leader->pid;
    struct bench_answer lead;
    struct bench_answer follow = {0};
    struct memory before;
    uint64_t limit = away == NULL ? FLOOR_SECONDS : GIVE_UP_SECONDS;
    uint64_t begin = bench_now_ns();
    uint64_t acked;
    uint64_t target;
    double seconds = 0;

    bench_node_ask(cluster->leader, BENCH_TELL, 0, &lead);
    acked = lead.acked;
    target = lead.status.commit_index;
    forget_peak(pid);
    before = memory_of(pid);
    while (seconds < (double)limit &&
           (away == NULL || follow.status.applied_index < target)) {
        (void)usleep(LOOK_US);
        if (away != NULL) {
            bench_node_ask(away, BENCH_TELL, 0, &follow);
        }
        seconds = (double)(bench_now_ns() - begin) / 1e9;
    }
    bench_node_ask(cluster->leader, BENCH_TELL, 0, &lead);
    printf("  %-22s %6.2f s  leader %7.1f MiB, peak +%.1f, after %+.1f; %.0f "
           "appends/s, slowest %.1f ms\n",
           label, seconds, before.rss, memory_of(pid).peak - before.rss,
           memory_of(pid).rss - before.rss,
           (double)(lead.acked - acked) / seconds, (double)lead.slowest / 1e6);
    if (away != NULL) {
        printf("  %s\n", follow.status.applied_index < target
                             ? "IT DID NOT CATCH UP"
                         : follow.status.snapshot_index == 0
                             ? "by entries alone"
                             : "by a snapshot and the entries behind it");
    }
}

static void bench_run(const struct setup *setup)
{
    struct cluster *cluster = mem_must_zalloc(sizeof *cluster);
    struct bench_answer answer;

    cluster_open(cluster, setup);
    (void)sleep(MEETING_SECONDS);
    cluster->leader = find_leader(cluster);
    cluster->away = cluster->leader == &cluster->nodes[0] ? &cluster->nodes[1]
                                                          : &cluster->nodes[0];
    bench_node_ask(cluster->leader, BENCH_CREATE, 0, &answer);
    load(cluster, 100);
    printf("a follower is %s\n", setup->frozen ? "frozen" : "killed");
    if (setup->frozen) {
        (void)kill(cluster->away->pid, SIGSTOP);
    } else {
        bench_node_kill(cluster->away);
    }
    load(cluster, setup->entries);
    bench_node_ask(cluster->leader, BENCH_TRICKLE, 0, &answer);
    watch(cluster, NULL, "while it is away");
    if (setup->frozen) {
        (void)kill(cluster->away->pid, SIGCONT);
    } else {
        bench_node_start(cluster->away);
    }
    watch(cluster, cluster->away, "until it has caught up");
    watch(cluster, NULL, "afterwards");
    for (unsigned i = 0; i < NODES; i++) {
        bench_node_kill(&cluster->nodes[i]);
    }
    free(cluster);
    printf("left behind: %s\n", setup->dir);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"dir", required_argument, NULL, 'd'},
        {"entries", required_argument, NULL, 'n'},
        {"value", required_argument, NULL, 'v'},
        {"retain", required_argument, NULL, 'r'},
        {"snapshot-entries", required_argument, NULL, 's'},
        {"snapshot-bytes", required_argument, NULL, 'b'},
        {"frozen", no_argument, NULL, 'f'},
        {NULL, 0, NULL, 0},
    };
    char made[PATH_LEN_MAX];
    struct setup setup = {.dir = ".", .entries = 1000000, .node.value_len = 16};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        uint64_t number = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;

        switch (option) {
        case 'd':
            setup.dir = optarg;
            break;
        case 'n':
            setup.entries = number;
            break;
        case 'v':
            setup.node.value_len = number;
            break;
        case 'r':
            setup.node.retain = number;
            break;
        case 's':
            setup.node.snapshot_entries = (uint32_t)number;
            break;
        case 'b':
            setup.node.snapshot_bytes = number;
            break;
        case 'f':
            setup.frozen = true;
            break;
        default:
            return 2;
        }
    }
    if (snprintf(made, sizeof made, "%s/catchup.XXXXXX", setup.dir) >=
            (int)sizeof made ||
        mkdtemp(made) == NULL) {
        bench_fail("the directory cannot be made");
    }
    setup.dir = made;
    bench_run(&setup);
    return 0;
}
