/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A file that comes piece by piece and is there only when it is whole. Until then
 * its bytes are in FILE.TAG.part beside it, where TAG says of which content they
 * are: a later run goes on with those of the same tag and leaves others alone.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

#define PART_TAG_LEN 16

struct part_file {
    char *path;      /* what it becomes */
    char *part_path; /* what it is */
    int fd;          /* -1: not open */
    uint64_t len;    /* bytes that are there */
};

/* QL_EXISTS when there is a file @path already. */
int part_file_check(const char *path, struct err *err);
/* Opens what is there, or makes it. One of more than @total bytes
 * begins anew. QL_BUSY:
 * another process writes it. Nothing is open when it fails. */
int part_file_open(struct part_file *ret_part, const char *path,
                   const unsigned char tag[PART_TAG_LEN], uint64_t total,
                   struct err *err);
int part_file_add(struct part_file *part, const void *bytes, size_t len,
                  struct err *err);
/* It is whole: makes it durable under its name. */
int part_file_finish(struct part_file *part, struct err *err);
/* Leaves what is there for a later run. */
void part_file_close(struct part_file *part);
