/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The map of one message as a table: which keys it has, what each may hold, and
 * where it lives in a C struct. Decoding, checking and encoding follow the same
 * table; decoding reads the encoded bytes where they are and allocates nothing.
 * Internal to the wire.
 */
#pragma once

#include <stdbool.h>

#include "util/buf.h"
#include "util/err.h"
#include "wire/value.h"

enum field_kind {
    FIELD_U64,     /* uint64_t in min..max */
    FIELD_U32,     /* uint32_t in min..max */
    FIELD_CLAMPED, /* uint32_t brought into min..max; absent: @absent */
    FIELD_BOOL,    /* bool; absent: false */
    FIELD_BYTES,   /* struct bytes of min..max bytes; str or bin */
    FIELD_BIN,     /* the same, written as bin */
    FIELD_LOG,     /* struct bytes: a log name; str or bin */
    FIELD_NAME,    /* struct bytes: min..max bytes of printable UTF-8 */
    FIELD_BACKUP,  /* char[BACKUP_NAME_MAX + 1]: a backup's name; "": absent */
    FIELD_WORD,    /* uint32_t: an index into @words; a word on the wire */
    FIELD_DIGEST,  /* uint8_t[16]; bin */
    FIELD_MAP,     /* a struct described by @inner */
    FIELD_ARRAY,   /* struct items, none when absent; only decoded */
    FIELD_VALUE,   /* struct bytes: the encoded value; only decoded */
};

#define FIELD_DIGEST_LEN 16u
#define FIELD_KEY_MAX 31u /* what the head of a short string can say */

struct message;

struct words {
    const char *const *words;
    uint32_t count;
    const char *refusal; /* "must be this or that" */
};

struct field {
    /* Zeros behind it, so that it is compared and copied by whole words. */
    char key[FIELD_KEY_MAX + 1];
    size_t key_len;
    enum field_kind kind;
    bool required; /* must be there, and is always written; others are written
                      unless they are 0, false or empty */
    size_t offset; /* in the struct */
    size_t has;    /* offset of a bool that tells whether it is there, also when
                      it is 0 or empty; 0: there is no such bool */
    uint64_t min;
    uint64_t max;                /* 0: no other bound than the type's */
    uint32_t absent;             /* FIELD_CLAMPED: stands for absent */
    const struct message *inner; /* FIELD_MAP */
    const struct words *words;   /* FIELD_WORD */
};

/* The key and its length in a row of a table. */
#define FIELD_KEY(text) .key = text, .key_len = sizeof(text) - 1

/* A number that is left out while it is 0, under the name of its member. */
#define FIELD_NUMBER(type, name)                                               \
    {                                                                          \
        FIELD_KEY(#name), .kind = FIELD_U64,                                   \
                          .offset = offsetof(struct type, name)                \
    }

#define MESSAGE_FIELDS_MAX 64u

struct message {
    const char *name; /* stands in front of what is wrong: "log.append" */
    const struct field *fields;
    size_t count; /* at most MESSAGE_FIELDS_MAX */
};

#define FIELD_MESSAGE(text, rows)                                              \
    {                                                                          \
        .name = (text), .fields = (rows),                                      \
        .count = sizeof(rows) / sizeof((rows)[0])                              \
    }

/* Decodes @encoded, exactly one map, into the zeroed struct @target. Views of
 * bytes, items and values point into @encoded. On error @target is in no useful
 * state. Who gets items or values must look at all of them, and give what it is
 * going to refuse to fields_refuse(): they may hold bytes that are no message. */
int fields_decode(const struct message *message, struct bytes encoded,
                  void *target, struct err *err);
/* Returns @rv, which is not 0; or the reason, if there is one, why @encoded is not
 * sound, which comes before what else is wrong with it. */
int fields_refuse(const struct message *message, struct bytes encoded, int rv,
                  struct err *err);
/* What to refuse then, when a walk found out. */
int fields_unsound(struct err *err);
/* Likewise, but @ret need not be zeroed, and its @size bytes, at most
 * FIELDS_STRUCT_MAX, are written only on success. */
#define FIELDS_STRUCT_MAX 1024u
int fields_decode_to(const struct message *message, struct bytes encoded,
                     void *ret, size_t size, struct err *err);
/* A map inside a message that was decoded. */
int fields_read(const struct message *message, struct bytes map, void *target,
                struct err *err);
/* And the next one of an array of maps. */
int fields_read_next(const struct message *message, struct items *maps,
                     void *target, struct err *err);

/* Appends the map. Returns 0, or QL_NO_MEMORY with @buf as it was. */
int fields_encode(const struct message *message, const void *source,
                  struct buf *buf);
/* Appends a map of the fields and @more pairs, which the caller adds. */
int fields_pack(const struct message *message, const void *source,
                uint32_t more, struct buf *buf);
