/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Does one small piece of work so many times and nothing else, for
 * bench/micro-count, which counts the instructions. What is counted is what is done
 * below micro_measured(); making the input is not.
 *
 *     micro                what there is: name, times, description
 *     micro --build        what it was built with
 *     micro NAME [TIMES]   does it
 */
#include "micro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

static const struct micro_group *const groups[] = {
    &micro_wire,
    &micro_machine,
    &micro_disk,
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static volatile uint64_t kept;

void micro_must(int rv)
{
    if (rv != 0) {
        fprintf(stderr, "bench/micro: code %d\n", rv);
        exit(1);
    }
}

void micro_keep(uint64_t value)
{
    kept = value;
}

static void list_cases(void)
{
    for (size_t i = 0; i < GROUPS; i++) {
        for (size_t j = 0; j < groups[i]->count; j++) {
            const struct micro_case *one = &groups[i]->cases[j];

            printf("%s\t%u\t%s\n", one->name, one->times, one->what);
        }
    }
}

/* Two builds whose lines are equal can be compared. */
static void tell_build(void)
{
#ifdef __clang__
    const char *compiler = "clang";
#else
    const char *compiler = "gcc";
#endif
#if defined(__SANITIZE_ADDRESS__)
    const char *kind = "sanitized";
#elif defined(__OPTIMIZE__)
    const char *kind = "optimized";
#else
    const char *kind = "not optimized";
#endif
#ifdef __x86_64__
    const char *processor = "x86_64";
#else
    const char *processor = "other processor";
#endif

    printf("%s %s, %s, %s\n", compiler, __VERSION__, kind, processor);
}

static const struct micro_case *find(const char *name,
                                     const struct micro_group **ret_group)
{
    for (size_t i = 0; i < GROUPS; i++) {
        for (size_t j = 0; j < groups[i]->count; j++) {
            if (strcmp(groups[i]->cases[j].name, name) == 0) {
                *ret_group = groups[i];
                return &groups[i]->cases[j];
            }
        }
    }
    return NULL;
}

/* The name that bench/micro-count asks callgrind for. */
__attribute__((noinline)) static void micro_measured(
    const struct micro_case *one, void *data, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        one->run(data);
    }
}

int main(int argc, char **argv)
{
    const struct micro_group *group;
    const struct micro_case *one;
    uint64_t times;
    void *data;

    if (argc == 1) {
        list_cases();
        return 0;
    }
    if (strcmp(argv[1], "--build") == 0) {
        tell_build();
        return 0;
    }
    one = find(argv[1], &group);
    if (one == NULL || argc > 3) {
        fprintf(stderr, "usage: micro [--build | NAME [TIMES]]\n");
        return 2;
    }
    times = one->times;
    if (argc == 3 && text_u64(argv[2], UINT32_MAX, &times, NULL) != 0) {
        fprintf(stderr, "bench/micro: %s is no number of times\n", argv[2]);
        return 2;
    }
    data = group->open((uint32_t)times);
    micro_measured(one, data, (uint32_t)times);
    group->close(data);
    return 0;
}
