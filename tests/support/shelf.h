/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where a test keeps the bytes of sealed chunks by name. It listens to a machine
 * and checks of every chunk that was sealed or merged that its bytes prove
 * themselves.
 */
#pragma once

#include "machine/machine.h"

struct shelf;

struct shelf *shelf_new(void);
void shelf_free(struct shelf *shelf);
/* Listens to @machine from now on. */
void shelf_attach(struct shelf *shelf, struct machine *machine);
/* Gives @chunk, whose bytes are absent, its bytes. It must have been kept. */
void shelf_load(const struct shelf *shelf, struct chunk *chunk);
/* The bytes of all sealed chunks leave @machine. */
void shelf_put_away(const struct shelf *shelf, struct machine *machine);
size_t shelf_count(const struct shelf *shelf); /* sealed or merged so far */
