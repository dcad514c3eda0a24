#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# Makes ./configure from configure.ac and Makefile.am. Needs autoconf, automake,
# libtool and pkg-config.
set -eu
cd "$(dirname "$0")"
mkdir -p build-aux
exec autoreconf -fi
