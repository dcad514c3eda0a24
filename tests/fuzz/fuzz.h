/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A fuzz target is one function. Built with clang -fsanitize=fuzzer it searches
 * on its own; linked with fuzz_main.c it is an ordinary test.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
