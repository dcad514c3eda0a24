/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One running node: data directory, consensus, service and server on one loop,
 * from start to an orderly end.
 *
 * SIGTERM and SIGINT hand leadership over, finish what is in flight and end
 * with status 0; a second one ends at once. SIGHUP reads the configuration
 * again and takes over log-level, max-connections and idle-timeout.
 */
#pragma once

#include "daemon/config.h"

struct daemon_watch {
    /* Where clients connect, when this node leads for the first time. */
    void (*on_leads)(void *data, const char *listen);
    /* The start has failed, and the process ends. */
    void (*on_failed)(void *data);
    void *data;
};

/* Runs until a signal. @argc and @argv are kept for SIGHUP. @watch may be NULL.
 * Returns the status to exit with; failures were already reported. */
int daemon_run(struct config *config, int argc, char **argv,
               const struct daemon_watch *watch);
