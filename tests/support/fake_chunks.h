/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A chunk store without a disk, for tests of the service: it loads from bytes that
 * it keeps itself. The bytes of sealed chunks leave the machine when the test says
 * so; what is to be loaded waits until the test ends it, in any order.
 */
#pragma once

#include "service/service.h"

/* For service_options. */
extern const struct service_loads fake_chunks_loads;

/* Keeps what @machine seals from now on. */
struct chunk_store *fake_chunks_new(struct machine *machine);
/* After the machine. */
void fake_chunks_free(struct chunk_store *store);

/* The bytes of all sealed chunks leave the machine. */
void fake_chunks_put_away(struct chunk_store *store);
/* Those of the chunk with @position come back, as into a cache. */
void fake_chunks_bring(struct chunk_store *store, uint64_t position);
/* Loads that wait, the oldest first. */
size_t fake_chunks_waiting(const struct chunk_store *store);
/* The first position of the chunk that the load at @index wants. */
uint64_t fake_chunks_wanted(const struct chunk_store *store, size_t index);
/* Ends the load at @index; it must wait. */
void fake_chunks_finish(struct chunk_store *store, size_t index, int status);
/* Loads that were called back and not ended by whoever asked. */
size_t fake_chunks_held(const struct chunk_store *store);

/* The first position of the chunk that was used last; 0 when there is none. */
uint64_t fake_chunks_used(const struct chunk_store *store);
/* The first position of a chunk that was read ahead, the last one first, and
 * forgets it; 0 when there is none. */
uint64_t fake_chunks_ahead(struct chunk_store *store);
