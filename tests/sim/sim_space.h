/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How much room the simulated servers want to have. */
#pragma once

#include "sim/sim_store_internal.h"

#define SIM_LOW_BYTES (6u * SIM_SEGMENT_BYTES)
#define SIM_RESERVE_BYTES (2u * SIM_SEGMENT_BYTES)

/* After sim_machine_open(): from now on it looks and tells. */
void sim_space_boot(struct sim_node *node);
