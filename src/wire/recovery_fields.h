/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The map of the last recovery, by itself and in others. Internal to the wire. */
#pragma once

#include "wire/fields.h"

extern const struct message recovery_last_message; /* struct recovery_last */
