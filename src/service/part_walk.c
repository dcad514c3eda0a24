/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/part_walk.h"

#include <assert.h>
#include <string.h>

#include "service/service_parts.h"

/* What an entry costs beside its key and value, roughly. */
#define ENTRY_COST 64u

static void wait_for(struct part_walk *walk, struct chunk *chunk,
                     part_walk_cb cb, void *data);
static void on_loaded(struct chunk_load *load, int status);

void part_walk_init(struct part_walk *walk, struct service *service,
                    enum machine_part part, uint64_t uid, uint64_t from,
                    uint64_t to)
{
    memset(walk, 0, sizeof(*walk));
    walk->service = service;
    walk->part = part;
    walk->uid = uid;
    walk->at = from;
    walk->to = to;
}

int part_walk_open(struct part_walk *walk)
{
    const struct machine *machine = walk->service->machine;
    uint64_t head;
    int rv;

    assert(!walk->waits);
    walk->walked = 0;
    rv = machine_reader_open_part(&walk->reader, machine, walk->part, walk->uid,
                                  walk->at, walk->to, &head);
    if (rv == QL_TRIMMED) {
        walk->at = head;
        rv = machine_reader_open_part(&walk->reader, machine, walk->part,
                                      walk->uid, head, walk->to, &head);
    }
    return rv;
}

/* A turn that was long enough goes on with the same chunk once its load, which
 * finds the bytes in memory, is called back. An open chunk cannot be loaded, but
 * is small. */
enum part_walk_found part_walk_next(struct part_walk *walk,
                                    struct read_entry *ret, part_walk_cb cb,
                                    void *data)
{
    struct machine_reader *reader = &walk->reader;
    enum machine_read found;

    if (walk->walked >= PART_WALK_BYTES && reader->chunk != NULL &&
        reader->chunk->sealed) {
        wait_for(walk, reader->chunk, cb, data);
        return PART_WALK_WAIT;
    }
    found = machine_reader_next(reader, ret);
    if (found == MACHINE_READ_ABSENT) {
        struct chunk *ahead = machine_reader_ahead(reader);

        wait_for(walk, reader->absent, cb, data);
        if (ahead != NULL) {
            walk->service->loads->ahead(walk->service->chunks, ahead);
        }
        return PART_WALK_WAIT;
    }
    walk->at = reader->at;
    if (found == MACHINE_READ_END) {
        return PART_WALK_END;
    }
    walk->walked += ret->key.len + ret->value.len + ENTRY_COST;
    return PART_WALK_ENTRY;
}

void part_walk_stop(struct part_walk *walk)
{
    if (walk->service != NULL) {
        walk->service->loads->load_end(walk->service->chunks, &walk->load);
    }
    walk->waits = false;
}

int part_walk_refusal(const struct part_walk *walk, int status, struct err *err)
{
    if (status != QL_NOT_FOUND && status != QL_CORRUPT) {
        return err_set(err, status, "entries from %llu on cannot be read",
                       (unsigned long long)walk->at);
    }
    return err_set(err, QL_CORRUPT,
                   "entries from %llu on are damaged or missing here, and no "
                   "node that can be reached has them: start the nodes that "
                   "are down, then try again",
                   (unsigned long long)walk->at);
}

/* The bytes of the chunk before are let go: nobody walks over them now. */
static void wait_for(struct part_walk *walk, struct chunk *chunk,
                     part_walk_cb cb, void *data)
{
    struct service *service = walk->service;

    walk->cb = cb;
    walk->data = data;
    walk->waits = true;
    chunk_ref(chunk);
    service->loads->load_end(service->chunks, &walk->load);
    walk->load.data = walk;
    service->loads->load(service->chunks, &walk->load, chunk, on_loaded);
    chunk_drop(chunk);
}

static void on_loaded(struct chunk_load *load, int status)
{
    struct part_walk *walk = load->data;

    walk->waits = false;
    walk->cb(walk, status);
}
