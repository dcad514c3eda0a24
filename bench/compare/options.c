/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scale_process.h"
#include "util/text.h"

#define POINT_TOLD 256u
#define OPTION_TOLD 64u
#define SECONDS_MAX 3600.0

static const struct peer_kind *const kinds[] = {
    &peer_quorlog,     &peer_etcd,      &peer_nats,
    &peer_nats_synced, &peer_zookeeper, NULL};

#define PEERS_DEFAULT 4u /* the first of them */

static const char usage[] =
    "usage: compare [OPTION]...\n"
    "Appends to quorlog and to other products, three servers each, in turns.\n"
    "  --peers LIST        of quorlog, etcd, nats, nats-synced, zookeeper (all "
    "but the last)\n"
    "  --outstanding LIST  appends under way at once (1,16,256,1024)\n"
    "  --size BYTES        of a payload (128)\n"
    "  --turns N           of each product (5)\n"
    "  --seconds S         measured at each number under way (2.5)\n"
    "  --warm S            before that (0.5)\n"
    "  --quick             2 turns of 1 s\n"
    "  --failover N        then kill a leader so often of each (0)\n"
    "  --connections N     of each client but quorlog's, which has one (1)\n"
    "  --dir DIR           where data directories are made, and removed (.)\n"
    "  --cache DIR         where fetched servers stay (DIR/compare-cache)\n"
    "  --daemon PATH       quorlogd (the one built with this program)\n"
    "  --offline           fetch nothing: a server that is not there is left "
    "out\n"
    "  --json              for machines\n"
    "  --keep              leave the data directories\n";

static const struct option letters[] = {
    {"peers", required_argument, NULL, 'p'},
    {"outstanding", required_argument, NULL, 'o'},
    {"size", required_argument, NULL, 'b'},
    {"turns", required_argument, NULL, 't'},
    {"seconds", required_argument, NULL, 's'},
    {"warm", required_argument, NULL, 'w'},
    {"quick", no_argument, NULL, 'q'},
    {"failover", required_argument, NULL, 'f'},
    {"connections", required_argument, NULL, 'c'},
    {"dir", required_argument, NULL, 'd'},
    {"cache", required_argument, NULL, 'C'},
    {"daemon", required_argument, NULL, 'D'},
    {"offline", no_argument, NULL, 'O'},
    {"json", no_argument, NULL, 'j'},
    {"keep", no_argument, NULL, 'k'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0}};

static bool take_number(const char *text, size_t max, size_t *ret)
{
    uint64_t value;

    if (text_u64(text, max, &value, NULL) != 0 || value == 0) {
        return false;
    }
    *ret = (size_t)value;
    return true;
}

static bool take_seconds(const char *text, double *ret)
{
    char *end;

    *ret = strtod(text, &end);
    return *end == '\0' && end != text && *ret > 0 && *ret <= SECONDS_MAX;
}

static bool take_path(const char *text, char *ret)
{
    return (size_t)snprintf(ret, PATH_LEN_MAX, "%s", text) < PATH_LEN_MAX;
}

static bool take_points(struct options *options, char *text)
{
    char *rest = NULL;

    options->points = 0;
    for (const char *word = strtok_r(text, ",", &rest); word != NULL;
         word = strtok_r(NULL, ",", &rest)) {
        if (options->points == OPTIONS_POINTS_MAX ||
            !take_number(word, PEER_SLOTS_MAX,
                         &options->outstanding[options->points++])) {
            return false;
        }
    }
    return options->points > 0;
}

static bool take_peers(struct options *options, char *text)
{
    char *rest = NULL;

    options->peers_count = 0;
    for (const char *word = strtok_r(text, ",", &rest); word != NULL;
         word = strtok_r(NULL, ",", &rest)) {
        size_t i = 0;

        while (kinds[i] != NULL && strcmp(kinds[i]->name, word) != 0) {
            i++;
        }
        if (kinds[i] == NULL || options->peers_count == OPTIONS_PEERS_MAX) {
            return false;
        }
        options->peers[options->peers_count++] = kinds[i];
    }
    return options->peers_count > 0;
}

static bool take_flag(struct options *options, int letter)
{
    switch (letter) {
    case 'q':
        options->turns = 2;
        options->seconds = 1;
        options->warm_seconds = 0.3;
        return true;
    case 'O':
        options->is_offline = true;
        return true;
    case 'j':
        options->is_json = true;
        return true;
    case 'k':
        options->keeps = true;
        return true;
    case 'h':
        (void)fputs(usage, stdout);
        exit(0);
    default:
        return false;
    }
}

static bool take_option(struct options *options, int letter, char *text)
{
    size_t number;

    switch (letter) {
    case 'p':
        return take_peers(options, text);
    case 'o':
        return take_points(options, text);
    case 'b':
        return take_number(text, PEER_SIZE_MAX, &options->size);
    case 't':
        if (!take_number(text, OPTIONS_TURNS_MAX, &number)) {
            return false;
        }
        options->turns = (unsigned)number;
        return true;
    case 'f':
        if (!take_number(text, OPTIONS_TURNS_MAX, &number)) {
            return false;
        }
        options->failovers = (unsigned)number;
        return true;
    case 's':
        return take_seconds(text, &options->seconds);
    case 'w':
        return take_seconds(text, &options->warm_seconds);
    case 'c':
        return take_number(text, PEER_CONNECTIONS_MAX, &options->connections);
    case 'd':
        return take_path(text, options->dir);
    case 'C':
        return take_path(text, options->cache);
    case 'D':
        return take_path(text, options->daemon);
    default:
        return take_flag(options, letter);
    }
}

/* Where the build has it, seen from this program. */
static void find_daemon(struct options *options)
{
    static const char beside[] = "quorlogd";
    ssize_t len = readlink("/proc/self/exe", options->daemon,
                           sizeof options->daemon - sizeof beside);
    char *at;

    options->daemon[len < 0 ? 0 : len] = '\0';
    at = strstr(options->daemon, "bench/compare/");
    if (at == NULL) {
        scale_fail("where is quorlogd? --daemon says it");
    }
    (void)strcpy(at, beside);
}

/* Absolute, as programs are started from elsewhere. */
static bool settle_paths(struct options *options)
{
    char *dir = realpath(options->dir, NULL);

    if (dir == NULL || !take_path(dir, options->dir)) {
        (void)fprintf(stderr, "compare: there is no directory %s\n",
                      options->dir);
        free(dir);
        return false;
    }
    free(dir);
    if (options->cache[0] == '\0' &&
        (size_t)snprintf(options->cache, PATH_LEN_MAX, "%s/compare-cache",
                         options->dir) >= PATH_LEN_MAX) {
        return false;
    }
    if (options->daemon[0] == '\0') {
        find_daemon(options);
    }
    return true;
}

bool options_take(struct options *options, int argc, char **argv)
{
    char given[OPTION_TOLD] = "";
    int at = 0;
    int letter;

    *options = (struct options){
        .dir = ".",
        .outstanding = {1, 16, 256, 1024},
        .points = 4,
        .size = 128,
        .warm_seconds = 0.5,
        .seconds = 2.5,
        .turns = 5,
    };
    for (size_t i = 0; i < PEERS_DEFAULT; i++) {
        options->peers[options->peers_count++] = kinds[i];
    }
    while ((letter = getopt_long(argc, argv, "", letters, &at)) != -1) {
        if (letter == '?') { /* it was told */
            return false;
        }
        /* Lists are cut where they are read. */
        (void)snprintf(given, sizeof given, "%s", optarg != NULL ? optarg : "");
        if (!take_option(options, letter, optarg)) {
            (void)fprintf(stderr, "compare: --%s cannot be '%s'; see --help\n",
                          letters[at].name, given);
            return false;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr,
                      "compare: '%s' is one word too many; see --help\n",
                      argv[optind]);
        return false;
    }
    return settle_paths(options);
}

size_t options_point_told(const struct options *options)
{
    size_t at = 0;

    while (at + 1 < options->points && options->outstanding[at] != POINT_TOLD) {
        at++;
    }
    return at;
}

size_t options_connections(const struct options *options,
                           const struct peer_kind *kind)
{
    if (kind->connections == 0 || options->connections == 0) {
        return kind->connections;
    }
    return options->connections;
}
