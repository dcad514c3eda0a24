/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/servers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scale_cluster.h"
#include "scale_process.h"

#define LAST_WORDS 2000

/* All different. */
static void find_ports(unsigned *ret_ports, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_taken;

        do {
            ret_ports[i] = scale_free_port();
            is_taken = false;
            for (size_t k = 0; k < i; k++) {
                is_taken = is_taken || ret_ports[k] == ret_ports[i];
            }
        } while (is_taken);
    }
}

void servers_place(struct server *servers, const char *dir)
{
    unsigned ports[PEER_SERVERS * SERVERS_PORTS_MAX];

    find_ports(ports, PEER_SERVERS * SERVERS_PORTS_MAX);
    for (unsigned i = 0; i < PEER_SERVERS; i++) {
        struct server *server = &servers[i];

        memcpy(server->ports, &ports[i * (size_t)SERVERS_PORTS_MAX],
               sizeof server->ports);
        (void)snprintf(server->name, sizeof server->name, "n%u", i + 1);
        (void)snprintf(server->dir, sizeof server->dir, "%s/n%u", dir, i + 1);
        (void)snprintf(server->output, sizeof server->output, "%s/n%u.log", dir,
                       i + 1);
        (void)snprintf(server->configuration, sizeof server->configuration,
                       "%s/n%u.conf", dir, i + 1);
        if (mkdir(server->dir, 0700) != 0) {
            scale_fail("%s cannot be made", server->dir);
        }
    }
}

size_t servers_find_leader(struct peer *peer, const struct server *servers,
                           bool (*leads)(unsigned port, char *ret_version))
{
    double until = scale_now() + SERVERS_START_SECONDS;

    while (scale_now() < until) {
        for (size_t i = 0; i < PEER_SERVERS; i++) {
            if (leads(servers[i].ports[0], peer->version)) {
                return i;
            }
            server_check(peer->pids[i], servers[i].output);
        }
        (void)usleep(SERVERS_LOOK_US);
    }
    scale_fail("no server of %s leads", peer->kind->name);
}

pid_t server_start(const char *const *words, const char *output)
{
    pid_t pid;

    (void)fflush(stdout);
    pid = fork();
    if (pid < 0) {
        scale_fail("no process");
    }
    if (pid == 0) {
        int out = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(out, STDOUT_FILENO);
        (void)dup2(out, STDERR_FILENO);
        (void)execv(words[0], (char *const *)words);
        _exit(127);
    }
    return pid;
}

static void say_last_words(const char *output)
{
    FILE *file = fopen(output, "r");
    char bytes[LAST_WORDS];
    size_t len;

    if (file == NULL) {
        return;
    }
    if (fseek(file, -(long)sizeof bytes, SEEK_END) != 0) {
        rewind(file);
    }
    len = fread(bytes, 1, sizeof bytes, file);
    (void)fwrite(bytes, 1, len, stderr);
    (void)fclose(file);
}

void server_check(pid_t pid, const char *output)
{
    if (waitpid(pid, NULL, WNOHANG) != 0) {
        say_last_words(output);
        scale_fail("a server has ended; its last words are in %s", output);
    }
}

void servers_kill(pid_t *pids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (pids[i] > 0) {
            (void)kill(pids[i], SIGKILL);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (pids[i] > 0) {
            (void)waitpid(pids[i], NULL, 0);
            pids[i] = 0;
        }
    }
}

void server_version(const char *program, const char *word, char *ret_line,
                    size_t room)
{
    int ends[2];
    FILE *file;
    pid_t pid;

    ret_line[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0) {
        scale_fail("no pipe");
    }
    pid = fork();
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)execl(program, program, word, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    file = fdopen(ends[0], "r");
    if (pid < 0 || file == NULL || fgets(ret_line, (int)room, file) == NULL) {
        scale_fail("%s %s says nothing", program, word);
    }
    (void)fclose(file);
    (void)waitpid(pid, NULL, 0);
    ret_line[strcspn(ret_line, "\n")] = '\0';
}
