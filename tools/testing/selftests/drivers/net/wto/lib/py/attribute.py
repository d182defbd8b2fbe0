# SPDX-License-Identifier: GPL-2.0-only
"""Attributes: small files of sysfs, procfs or configfs."""

import os


def read_attr(path):
    """What the file says, without the newline at its end."""
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def write_attr(path, value):
    """Writes a text or a number, in one piece and once, also if it is refused (OSError)."""
    with open(path, "wb", buffering=0) as file:
        file.write(str(value).encode())


def carrier_count(ifname, direction):
    """How often the kernel saw the link go "up" or "down"."""
    return int(read_attr(f"/sys/class/net/{ifname}/carrier_{direction}_count"))


def rebind(driver, attribute, function):
    """Has a PCI driver "bind" or "unbind" the function at the path @function."""
    write_attr(f"/sys/bus/pci/drivers/{driver}/{attribute}", os.path.basename(function))
