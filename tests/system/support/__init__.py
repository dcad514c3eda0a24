# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the system tests share."""
