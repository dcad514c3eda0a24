/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale_floor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <lz4frame.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scale_data.h"
#include "scale_process.h"

#include "util/limits.h"
#include "util/mem.h"

#define DISK_BYTES (512u * MIB)
#define SYNC_BYTES (4u * MIB)
#define LOOPBACK_BYTES (2048ull * MIB)
#define TRANSFER_BYTES (256u * KIB)
#define SAMPLE_BYTES (64u * MIB)
#define ENTRY_BYTES 1024u
#define CPU_ROUNDS 4u

static uint8_t *make_sample(size_t len)
{
    struct scale_data data = {.random = 1};
    uint8_t *sample = mem_must_zalloc(len);

    for (size_t at = 0; at < len; at += ENTRY_BYTES) {
        scale_data_fill(&data, sample + at, ENTRY_BYTES);
    }
    return sample;
}

double scale_floor_disk(const char *dir)
{
    uint8_t *bytes = make_sample(SYNC_BYTES);
    char path[PATH_LEN_MAX];
    double begun;
    int fd;

    (void)snprintf(path, sizeof path, "%s/floor", dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    begun = scale_now();
    for (size_t at = 0; at < DISK_BYTES; at += SYNC_BYTES) {
        if (write(fd, bytes, SYNC_BYTES) != (ssize_t)SYNC_BYTES ||
            fdatasync(fd) != 0) {
            scale_fail("%s cannot be written", path);
        }
    }
    begun = scale_now() - begun;
    (void)close(fd);
    (void)unlink(path);
    free(bytes);
    return (double)DISK_BYTES / MIB / begun;
}

static void send_all(int fd)
{
    uint8_t *bytes = make_sample(TRANSFER_BYTES);

    for (uint64_t at = 0; at < LOOPBACK_BYTES;) {
        ssize_t sent = send(fd, bytes, TRANSFER_BYTES, MSG_NOSIGNAL);

        if (sent <= 0) {
            _exit(1);
        }
        at += (uint64_t)sent;
    }
    _exit(0);
}

double scale_floor_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint8_t *bytes = mem_must_zalloc(TRANSFER_BYTES);
    double begun;
    ssize_t got;
    pid_t pid;
    int fd;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(door, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(door, 1) != 0 ||
        getsockname(door, (struct sockaddr *)&address, &len) != 0) {
        scale_fail("no connection on loopback");
    }
    pid = fork();
    if (pid == 0) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
            _exit(1);
        }
        send_all(fd);
    }
    fd = accept(door, NULL, NULL);
    begun = scale_now();
    do {
        got = recv(fd, bytes, TRANSFER_BYTES, 0);
    } while (got > 0);
    begun = scale_now() - begun;
    (void)waitpid(pid, NULL, 0);
    (void)close(fd);
    (void)close(door);
    free(bytes);
    return (double)LOOPBACK_BYTES / MIB / begun;
}

double scale_floor_copy(void)
{
    uint8_t *from = make_sample(SAMPLE_BYTES);
    uint8_t *to = make_sample(SAMPLE_BYTES);
    double begun = scale_cpu_own();

    for (unsigned i = 0; i < CPU_ROUNDS; i++) {
        memcpy(to, from, SAMPLE_BYTES);
        from[i] = to[i + 1]; /* so that each round counts */
    }
    begun = scale_cpu_own() - begun;
    free(from);
    free(to);
    return (double)CPU_ROUNDS * SAMPLE_BYTES / MIB / begun;
}

double scale_floor_decompress(double *ret_ratio)
{
    const LZ4F_preferences_t preferences = {
        .frameInfo = {.blockSizeID = LZ4F_max64KB,
                      .blockMode = LZ4F_blockIndependent,
                      .contentChecksumFlag = LZ4F_contentChecksumEnabled}};
    size_t room = LZ4F_compressFrameBound(SAMPLE_BYTES, &preferences);
    uint8_t *sample = make_sample(SAMPLE_BYTES);
    uint8_t *frame = mem_must_zalloc(room);
    size_t len =
        LZ4F_compressFrame(frame, room, sample, SAMPLE_BYTES, &preferences);
    LZ4F_dctx *context;
    double begun;

    if (LZ4F_isError(len) ||
        LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) {
        scale_fail("LZ4 does not work");
    }
    begun = scale_cpu_own();
    for (unsigned i = 0; i < CPU_ROUNDS; i++) {
        size_t out = SAMPLE_BYTES;
        size_t in = len;

        if (LZ4F_decompress(context, sample, &out, frame, &in, NULL) != 0) {
            scale_fail("LZ4 does not work");
        }
    }
    begun = scale_cpu_own() - begun;
    (void)LZ4F_freeDecompressionContext(context);
    free(sample);
    free(frame);
    *ret_ratio = (double)SAMPLE_BYTES / (double)len;
    return (double)CPU_ROUNDS * SAMPLE_BYTES / MIB / begun;
}
