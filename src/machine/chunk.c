/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/chunk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define ENTRY_HEADER_LEN 24u
#define ROOM_FIRST 256u /* most logs are small; a chunk doubles from here */

struct chunk_memory {
    size_t refs;
    size_t room;
    uint8_t bytes[];
};

static void memory_drop(struct chunk_memory *memory);
static void set_room(struct chunk *chunk, size_t room);
static void make_room(struct chunk *chunk, size_t more);
static void count_entry(struct chunk *chunk, const struct read_entry *entry);
static size_t entry_len(const uint8_t *at);
static void entry_view(const uint8_t *at, struct read_entry *ret);
static int check_entry(const struct chunk *chunk, const uint8_t *at,
                       size_t left, struct err *err);

void chunk_init(struct chunk *chunk, uint64_t first)
{
    assert(first >= 1);
    memset(chunk, 0, sizeof(*chunk));
    chunk->first = first;
    chunk->last = first - 1;
}

void chunk_close(struct chunk *chunk)
{
    memory_drop(chunk->memory);
    chunk->memory = NULL;
    chunk->len = 0;
}

void chunk_add(struct chunk *chunk, const struct read_entry *entry)
{
    size_t key_len = entry->key.data == NULL ? 0 : entry->key.len;
    size_t len = ENTRY_HEADER_LEN + key_len + entry->value.len;
    uint8_t *at;

    assert(!chunk->sealed);
    assert(entry->position > chunk->last);
    assert(entry->time_ms >= chunk->last_time_ms);
    make_room(chunk, len);
    at = chunk->memory->bytes + chunk->len;
    put_u64(at, entry->position);
    put_u64(at + 8, entry->time_ms);
    put_u32(at + 16,
            entry->key.data == NULL ? CHUNK_NO_KEY : (uint32_t)key_len);
    put_u32(at + 20, (uint32_t)entry->value.len);
    if (key_len > 0) {
        memcpy(at + ENTRY_HEADER_LEN, entry->key.data, key_len);
    }
    if (entry->value.len > 0) {
        memcpy(at + ENTRY_HEADER_LEN + key_len, entry->value.data,
               entry->value.len);
    }
    chunk->len += len;
    count_entry(chunk, entry);
}

void chunk_seal(struct chunk *chunk)
{
    assert(!chunk->sealed);
    if (chunk->memory != NULL && chunk->memory->room > chunk->len) {
        set_room(chunk, chunk->len);
    }
    chunk->sealed = true;
}

const uint8_t *chunk_bytes(const struct chunk *chunk)
{
    return chunk->memory == NULL ? NULL : chunk->memory->bytes;
}

int chunk_load(struct chunk *ret, const uint8_t *bytes, size_t len, bool sealed,
               struct err *err)
{
    struct chunk chunk;
    struct read_entry entry;
    size_t offset = 0;
    int rv;

    if (len < ENTRY_HEADER_LEN) {
        return err_set(err, QL_CORRUPT, "chunk of %zu bytes has no entry", len);
    }
    chunk_init(&chunk, 1);
    while (offset < len) {
        rv = check_entry(&chunk, bytes + offset, len - offset, err);
        if (rv != 0) {
            return rv;
        }
        entry_view(bytes + offset, &entry);
        offset += entry_len(bytes + offset);
        count_entry(&chunk, &entry);
    }
    set_room(&chunk, len);
    memcpy(chunk.memory->bytes, bytes, len);
    chunk.len = len;
    chunk.sealed = sealed;
    *ret = chunk;
    return 0;
}

bool chunk_next(const struct chunk *chunk, size_t *offset,
                struct read_entry *ret)
{
    const uint8_t *at;

    if (*offset >= chunk->len) {
        return false;
    }
    at = chunk->memory->bytes + *offset;
    assert(chunk->len - *offset >= ENTRY_HEADER_LEN);
    assert(entry_len(at) <= chunk->len - *offset);
    entry_view(at, ret);
    *offset += entry_len(at);
    return true;
}

size_t chunk_find(const struct chunk *chunk, uint64_t position)
{
    size_t offset = 0;

    if (position > chunk->last) {
        return chunk->len;
    }
    while (offset < chunk->len) {
        const uint8_t *at = chunk->memory->bytes + offset;

        if (get_u64(at) >= position) {
            break;
        }
        offset += entry_len(at);
    }
    return offset;
}

struct chunk_ref chunk_share(const struct chunk *chunk)
{
    struct chunk_ref ref = {chunk->memory, chunk_bytes(chunk), chunk->len};

    if (ref.memory != NULL) {
        ref.memory->refs++;
    }
    return ref;
}

void chunk_ref_drop(struct chunk_ref *ref)
{
    memory_drop(ref->memory);
    ref->memory = NULL;
    ref->bytes = NULL;
    ref->len = 0;
}

static void memory_drop(struct chunk_memory *memory)
{
    if (memory == NULL) {
        return;
    }
    assert(memory->refs > 0);
    memory->refs--;
    if (memory->refs == 0) {
        free(memory);
    }
}

/* Moves the bytes to memory of @room, leaving the old to whoever shares it. */
static void set_room(struct chunk *chunk, size_t room)
{
    struct chunk_memory *memory;

    assert(room >= chunk->len);
    if (chunk->memory != NULL && chunk->memory->refs == 1) {
        memory = mem_must_resize(chunk->memory, sizeof(*memory) + room);
    } else {
        memory = mem_must_alloc(sizeof(*memory) + room);
        memory->refs = 1;
        if (chunk->len > 0) {
            memcpy(memory->bytes, chunk->memory->bytes, chunk->len);
        }
        memory_drop(chunk->memory);
    }
    memory->room = room;
    chunk->memory = memory;
}

static void make_room(struct chunk *chunk, size_t more)
{
    size_t room = chunk->memory == NULL ? 0 : chunk->memory->room;
    size_t needed = chunk->len + more;

    if (needed <= room) {
        return;
    }
    room = room == 0 ? ROOM_FIRST : room * 2;
    if (room > CHUNK_BYTES) {
        room = CHUNK_BYTES;
    }
    set_room(chunk, room > needed ? room : needed);
}

static void count_entry(struct chunk *chunk, const struct read_entry *entry)
{
    if (chunk->entries == 0) {
        chunk->first = entry->position;
    }
    chunk->last = entry->position;
    chunk->last_time_ms = entry->time_ms;
    chunk->entries++;
    chunk->payload += entry->value.len;
    if (entry->key.data != NULL) {
        chunk->payload += entry->key.len;
    }
}

static size_t entry_len(const uint8_t *at)
{
    uint32_t key_len = get_u32(at + 16);
    size_t len = ENTRY_HEADER_LEN + (size_t)get_u32(at + 20);

    return key_len == CHUNK_NO_KEY ? len : len + key_len;
}

static void entry_view(const uint8_t *at, struct read_entry *ret)
{
    uint32_t key_len = get_u32(at + 16);

    ret->position = get_u64(at);
    ret->time_ms = get_u64(at + 8);
    ret->key = (struct bytes){NULL, 0};
    if (key_len != CHUNK_NO_KEY) {
        ret->key = (struct bytes){at + ENTRY_HEADER_LEN, key_len};
    }
    ret->value.data = at + ENTRY_HEADER_LEN + ret->key.len;
    ret->value.len = get_u32(at + 20);
}

/* Is there a whole entry at @at that may follow what @chunk counts so far? */
static int check_entry(const struct chunk *chunk, const uint8_t *at,
                       size_t left, struct err *err)
{
    if (left < ENTRY_HEADER_LEN) {
        return err_set(err, QL_CORRUPT, "entry header is cut off");
    }
    if (get_u32(at + 16) != CHUNK_NO_KEY && get_u32(at + 16) > ENTRY_KEY_MAX) {
        return err_set(err, QL_CORRUPT, "entry key is too long");
    }
    if (get_u32(at + 20) > ENTRY_VALUE_MAX) {
        return err_set(err, QL_CORRUPT, "entry value is too long");
    }
    if (entry_len(at) > left) {
        return err_set(err, QL_CORRUPT, "entry is cut off");
    }
    if (get_u64(at) <= chunk->last) {
        return err_set(err, QL_CORRUPT, "positions do not rise");
    }
    if (get_u64(at + 8) < chunk->last_time_ms) {
        return err_set(err, QL_CORRUPT, "times fall");
    }
    return 0;
}
