# SPDX-License-Identifier: GPL-2.0-only
"""A small IDPF driver in Python which talks to idpf-nic over its vfio-user socket."""
