/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Runs a fuzz target without a fuzzer: over the files given, or over its corpus
 * (srcdir/tests/fuzz/corpus/NAME for a program fuzz_NAME), each as it is and
 * with seeded random changes. QUORLOG_FUZZ_ROUNDS sets how many per file.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "util/buf.h"
#include "util/file.h"
#include "util/text.h"

#define ROUNDS 2000u
#define INPUT_MAX (1u * MIB)

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift
 * generators, scrambled", 2016): the same changes on each run. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

static size_t random_below(uint64_t *state, size_t bound)
{
    return bound == 0 ? 0 : (size_t)(next_random(state) % bound);
}

/* One change: a byte, a bit, a piece cut out, a piece repeated, a cut. */
static void change(struct buf *buf, uint64_t *state)
{
    size_t at = random_below(state, buf->len);
    size_t len = random_below(state, buf->len - at) % 16;

    if (buf->len == 0) {
        return;
    }
    switch (random_below(state, 5)) {
    case 0:
        buf->data[at] = (uint8_t)next_random(state);
        break;
    case 1:
        buf->data[at] ^= (uint8_t)(1u << random_below(state, 8));
        break;
    case 2:
        memmove(buf->data + at, buf->data + at + len, buf->len - at - len);
        buf->len -= len;
        break;
    case 3:
        if (buf_reserve(buf, len) != 0) {
            abort();
        }
        memmove(buf->data + at + len, buf->data + at, buf->len - at);
        buf->len += len;
        break;
    default:
        buf->len = at;
        break;
    }
}

/* The input is given in memory that ends where it ends. */
static void run(const struct buf *input)
{
    uint8_t *exact = malloc(input->len == 0 ? 1 : input->len);

    if (exact == NULL) {
        abort();
    }
    if (input->len > 0) {
        memcpy(exact, input->data, input->len);
    }
    LLVMFuzzerTestOneInput(exact, input->len);
    free(exact);
}

static int run_file(const char *path, uint64_t rounds)
{
    struct buf file = BUF_INIT;
    struct err err = {0};
    uint64_t state = 0x9e3779b97f4a7c15ull;
    uint64_t i;

    if (file_read(path, INPUT_MAX, &file, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    run(&file);
    for (i = 0; i < rounds; i++) {
        struct buf changed = BUF_INIT;
        size_t changes = 1 + random_below(&state, 4);

        if (buf_add(&changed, file.data, file.len) != 0) {
            abort();
        }
        while (changes > 0) {
            change(&changed, &state);
            changes--;
        }
        run(&changed);
        buf_close(&changed);
    }
    buf_close(&file);
    return 0;
}

static int run_corpus(const char *dir, uint64_t rounds)
{
    char path[PATH_LEN_MAX];
    DIR *stream = opendir(dir);
    struct dirent *item;
    size_t files = 0;
    int rv = 0;

    if (stream == NULL) {
        perror(dir);
        return 1;
    }
    while (rv == 0 && (item = readdir(stream)) != NULL) {
        if (item->d_name[0] == '.') {
            continue;
        }
        rv = path_join(path, sizeof(path), dir, item->d_name, NULL);
        if (rv == 0) {
            rv = run_file(path, rounds);
            files++;
        }
    }
    closedir(stream);
    printf("%zu inputs, %llu changes of each\n", files,
           (unsigned long long)rounds);
    return rv != 0 || files == 0;
}

int main(int argc, char **argv)
{
    const char *srcdir = getenv("srcdir");
    const char *rounds_text = getenv("QUORLOG_FUZZ_ROUNDS");
    const char *name = strrchr(argv[0], '/');
    char dir[PATH_LEN_MAX];
    uint64_t rounds = ROUNDS;
    int i;

    if (rounds_text != NULL &&
        text_u64(rounds_text, UINT32_MAX, &rounds, NULL) != 0) {
        fprintf(stderr, "QUORLOG_FUZZ_ROUNDS must be a number\n");
        return 2;
    }
    for (i = 1; i < argc; i++) {
        if (run_file(argv[i], rounds) != 0) {
            return 1;
        }
    }
    if (argc > 1) {
        return 0;
    }
    name = strstr(name == NULL ? argv[0] : name, "fuzz_");
    if (name == NULL) {
        fprintf(stderr, "usage: fuzz_NAME [FILE...]\n");
        return 2;
    }
    snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s",
             srcdir == NULL ? "." : srcdir, name + strlen("fuzz_"));
    return run_corpus(dir, rounds);
}
