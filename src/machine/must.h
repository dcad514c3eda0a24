/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Lower floors return QL_NO_MEMORY; from the machine up that ends the process,
 * because an outcome must not depend on the memory one node has. */
#pragma once

/* Passes @rv on unless it is QL_NO_MEMORY, which says so and exits. */
int must_have_memory(int rv);
