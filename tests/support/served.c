/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/served.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/cmocka.h"

static void on_stopped(void *data)
{
    *(bool *)data = true;
}

int served_setup(void **state)
{
    static struct served served;
    void *dir;
    struct err err;

    memset(&served, 0, sizeof(served));
    assert_int_equal(tmpdir_setup(&dir), 0);
    served.dir = dir;
    rig_open(&served.rig);
    snprintf(served.unix_path, sizeof(served.unix_path), "%s/socket",
             served.dir->path);
    strcpy(served.listen.host, "127.0.0.1");
    served.options.loop = &served.rig.loop;
    served.options.service = served.rig.service;
    served.options.listen = &served.listen;
    served.options.listen_count = 1;
    served.options.unix_path = served.unix_path;
    served.options.connections_max = SERVED_CONNECTIONS_MAX;
    assert_int_equal(server_start(&served.server, &served.options, &err), 0);
    peer_client_open_tcp(&served.client, &served.rig.loop,
                         server_port(served.server, 0));
    *state = &served;
    return 0;
}

int served_teardown(void **state)
{
    struct served *served = *state;
    void *dir = served->dir;

    server_drain(served->server);
    served_stop(served, served->server);
    peer_client_close(&served->client);
    rig_close(&served->rig);
    assert_int_equal(access(served->unix_path, F_OK), -1);
    return tmpdir_teardown(&dir);
}

void served_stop(struct served *served, struct server *server)
{
    bool stopped = false;

    server_stop(server, on_stopped, &stopped);
    assert_false(stopped);
    while (!stopped) {
        uv_run(&served->rig.loop, UV_RUN_ONCE);
    }
    server_free(server);
}

void served_call(struct peer_client *client, const char *method,
                 const char *params)
{
    peer_client_request(client, 5, method, params);
    peer_client_result(client, 5);
}

void served_make_log(struct served *served)
{
    served_call(&served->client, "log.create", "{'log': 'orders'}");
}

void served_fill_log(struct served *served, int count)
{
    rig_fill_log(&served->rig, count);
}
