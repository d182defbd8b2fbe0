# SPDX-License-Identifier: GPL-2.0-only
"""Walking the PCI configuration space."""

CAP_PM = 0x01
CAP_MSIX = 0x11
CAP_PCIE = 0x10

EXT_CAP_AER = 0x0001
EXT_CAP_SERIAL = 0x0003

COMMAND = 0x04
STATUS = 0x06
STATUS_CAP_LIST = 1 << 4
COMMAND_MEMORY = 1 << 1
COMMAND_MASTER = 1 << 2

PM_CTRL = 4
PCIE_DEVCAP = 4
PCIE_DEVCAP_FLR = 1 << 28
PCIE_DEVCTL = 8
PCIE_DEVCTL_FLR = 1 << 15
MSIX_CTRL = 2
MSIX_TABLE = 4
MSIX_PBA = 8
AER_UNC_STATUS = 0x04
AER_UNC_MASK = 0x08
AER_UNC_SEVERITY = 0x0c
AER_COR_STATUS = 0x10
AER_COR_MASK = 0x14
AER_HEADER_LOG = 0x1c


def capabilities(vfu):
    """Return {id: offset} of the list of capabilities, which must end."""
    found = {}
    offset = vfu.config(0x34, "B")
    while offset:
        assert offset % 4 == 0 and 0x40 <= offset < 0x100, f"capability at {offset:#x}"
        cap_id = vfu.config(offset, "B")
        assert cap_id not in found, f"capability {cap_id:#x} twice, or an endless list"
        found[cap_id] = offset
        offset = vfu.config(offset + 1, "B")
    return found


def extended_capabilities(vfu):
    """Return {id: offset} of the list of extended capabilities."""
    found = {}
    offset = 0x100
    while offset:
        assert offset % 4 == 0 and 0x100 <= offset < 0x1000, f"capability at {offset:#x}"
        head = vfu.config(offset, "I")
        if head == 0:
            break
        assert head & 0xffff not in found, "extended capability twice, or an endless list"
        found[head & 0xffff] = offset
        offset = head >> 20
    return found


def bars(vfu):
    """Return {index: (size, is 64-bit, is prefetchable)} by the sizing method."""
    found = {}
    index = 0
    while index < 6:
        offset = 0x10 + 4 * index
        old = vfu.config(offset, "I")
        vfu.set_config(offset, "I", 0xffffffff)
        mask = vfu.config(offset, "I")
        vfu.set_config(offset, "I", old)
        wide = mask & 6 == 4
        if wide:
            old_high = vfu.config(offset + 4, "I")
            vfu.set_config(offset + 4, "I", 0xffffffff)
            mask |= vfu.config(offset + 4, "I") << 32
            vfu.set_config(offset + 4, "I", old_high)
        elif mask:
            mask |= 0xffffffff << 32
        if mask:
            size = (~(mask & ~0xf) & 0xffffffffffffffff) + 1
            found[index] = (size, wide, bool(mask & 8))
        index += 2 if wide else 1
    return found
