/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The map that tells of a log, where it stands in others. Internal to the wire. */
#pragma once

#include "wire/fields.h"

extern const struct message log_stat_message; /* struct log_stat */
