# SPDX-License-Identifier: GPL-2.0-only
"""The PCI configuration space: identity, capabilities, BARs, what can be written."""

import struct

import pytest

from niclib import pci
from niclib import vfu as v
from niclib.regs import PfMap, VfMap

NIC_PORTS = ("id=pf", "id=vf", "id=class")
BAR0_SIZE = (PfMap.bar_size, VfMap.bar_size, PfMap.bar_size)


@pytest.fixture(name="index", params=[0, 1, 2], ids=["pf", "vf", "class"])
def _index(request):
    return request.param


@pytest.fixture(name="fun")
def _fun(nic, index):
    """A connection to each kind of function."""
    client = nic.connect(index)
    yield client
    client.close()


def test_identity(fun, index):
    """Vendor, device and class are those that drivers look for."""
    vendor, device = fun.config(0, "H"), fun.config(2, "H")
    class_code = fun.config(8, "I") >> 8
    if index == 2:
        assert device not in (PfMap.device, VfMap.device)
        assert class_code == 0x020001
    else:
        assert (vendor, device) == (0x8086, (PfMap.device, VfMap.device)[index])
        assert class_code >> 8 == 0x0200


def test_header(fun):
    """One function with an ordinary header, no INTx, no ROM needed."""
    assert fun.config(0x0e, "B") == 0
    assert fun.config(0x3d, "B") == 0, "interrupt pin"
    assert fun.config(pci.STATUS, "H") & pci.STATUS_CAP_LIST


def test_start_line(nic, fun, index):
    """The start line tells the identity."""
    line = nic.started[index]
    assert int(line["vendor"], 16) == fun.config(0, "H")
    assert int(line["device"], 16) == fun.config(2, "H")


def test_bars(fun, index):
    """BAR0 has the size of the register map, BAR4 holds MSI-X, both are memory."""
    bars = pci.bars(fun)
    assert bars[0][0] == BAR0_SIZE[index]
    assert bars[4][0] == 64 << 10
    assert set(bars) == {0, 4}
    for number, (size, _, _) in bars.items():
        assert fun.region_info(number)[4] == size


def test_capabilities(fun):
    """Power management, MSI-X and PCI Express."""
    found = pci.capabilities(fun)
    assert {pci.CAP_PM, pci.CAP_MSIX, pci.CAP_PCIE} <= set(found)
    pci.extended_capabilities(fun)


def test_msix(fun):
    """Table and pending bits lie in BAR4 without overlap, with room for all vectors."""
    offset = pci.capabilities(fun)[pci.CAP_MSIX]
    count = (fun.config(offset + pci.MSIX_CTRL, "H") & 0x7ff) + 1
    table, pba = fun.config(offset + pci.MSIX_TABLE, "I"), fun.config(offset + pci.MSIX_PBA, "I")
    assert table & 7 == 4 and pba & 7 == 4
    table, pba = table & ~7, pba & ~7
    assert table + 16 * count <= pba and pba + 8 * -(-count // 64) <= 64 << 10
    assert count >= 3


def test_express(fun):
    """A version 2 endpoint which offers a function level reset."""
    offset = pci.capabilities(fun)[pci.CAP_PCIE]
    flags = fun.config(offset + 2, "H")
    assert flags & 0xf == 2, "version"
    assert flags >> 4 & 0xf in (0, 9), "device type"
    assert fun.config(offset + pci.PCIE_DEVCAP, "I") & pci.PCIE_DEVCAP_FLR


# Table of the standard: bits that an endpoint without special features has, and those that
# are masked, or fatal, after a reset
AER_UNC, AER_UNC_MASKED, AER_UNC_FATAL = 0x0057f010, 0x00400000, 0x00462010
AER_COR, AER_COR_MASKED = 0x000071c1, 0x00006000


def aer_fields(fun, offset):
    """Masks and severities of error reporting."""
    return [fun.config(offset + field, "I")
            for field in (pci.AER_UNC_MASK, pci.AER_UNC_SEVERITY, pci.AER_COR_MASK)]


def test_error_reporting(fun):
    """Error masks and severities: defaults, what is stored, what survives which reset."""
    offset = pci.extended_capabilities(fun)[pci.EXT_CAP_AER]
    defaults = [AER_UNC_MASKED, AER_UNC_FATAL, AER_COR_MASKED]
    assert aer_fields(fun, offset) == defaults
    for field in (pci.AER_UNC_MASK, pci.AER_UNC_SEVERITY, pci.AER_COR_MASK):
        fun.set_config(offset + field, "I", 0xffffffff)
    assert aer_fields(fun, offset) == [AER_UNC, AER_UNC, AER_COR]
    fun.set_config(offset + pci.AER_COR_MASK, "I", 0x1040)
    devctl = pci.capabilities(fun)[pci.CAP_PCIE] + pci.PCIE_DEVCTL
    fun.set_config(devctl, "H", fun.config(devctl, "H") | pci.PCIE_DEVCTL_FLR)
    assert aer_fields(fun, offset) == [AER_UNC, AER_UNC, 0x1040], "function-level reset"
    fun.device_reset()
    assert aer_fields(fun, offset) == defaults, "reset of the device"


def test_no_errors_reported(fun):
    """The NIC reports no errors of the bus, and nobody can make it seem so."""
    offset = pci.extended_capabilities(fun)[pci.EXT_CAP_AER]
    for field in (pci.AER_UNC_STATUS, pci.AER_COR_STATUS,
                  *range(pci.AER_HEADER_LOG, pci.AER_HEADER_LOG + 16, 4)):
        fun.set_config(offset + field, "I", 0xffffffff)
        assert fun.config(offset + field, "I") == 0


def test_serial_number(fun, nic, index):
    """The serial number is the MAC address with ff:fe in its middle."""
    offset = pci.extended_capabilities(fun)[pci.EXT_CAP_SERIAL]
    mac = bytes.fromhex(nic.started[index]["mac"].replace(":", ""))
    wanted = mac[:3] + b"\xff\xfe" + mac[3:]
    assert struct.pack(">Q", fun.config(offset + 4, "I")
                       | fun.config(offset + 8, "I") << 32) == wanted


READ_ONLY = [(0, "I"), (8, "I"), (0x0e, "B"), (0x2c, "I"), (0x34, "B"), (0x3d, "B")]


@pytest.mark.parametrize("offset, fmt", READ_ONLY)
def test_read_only(fun, offset, fmt):
    """Identity cannot be changed."""
    before = fun.config(offset, fmt)
    for value in (0, (1 << 8 * struct.calcsize(fmt)) - 1):
        fun.set_config(offset, fmt, value)
        assert fun.config(offset, fmt) == before


def test_capability_heads_are_read_only(fun):
    """The list of capabilities survives writes all over it."""
    before = pci.capabilities(fun)
    constant = {cap: fun.config(offset + 2, "H") for cap, offset in before.items()
                if cap != pci.CAP_MSIX}
    for offset in before.values():
        fun.set_config(offset, "H", 0xffff)
        fun.set_config(offset, "H", 0)
    assert pci.capabilities(fun) == before
    for cap, value in constant.items():
        assert fun.config(before[cap] + 2, "H") == value


def test_command(fun):
    """Memory and bus master enable are stored; reserved bits are not."""
    for value in (0, pci.COMMAND_MEMORY, pci.COMMAND_MASTER,
                  pci.COMMAND_MEMORY | pci.COMMAND_MASTER):
        fun.set_config(pci.COMMAND, "H", value)
        assert fun.config(pci.COMMAND, "H") == value
    fun.set_config(pci.COMMAND, "H", 0xffff)
    assert fun.config(pci.COMMAND, "H") & 0xf800 == 0


def test_command_by_bytes(fun):
    """Byte writes change their byte only."""
    fun.set_config(pci.COMMAND, "H", 0)
    fun.set_config(pci.COMMAND, "B", 6)
    assert fun.config(pci.COMMAND, "H") == 6
    fun.set_config(pci.COMMAND + 1, "B", 4)
    assert fun.config(pci.COMMAND, "H") == 0x406
    fun.set_config(pci.COMMAND, "I", 0xffff0000)
    assert fun.config(pci.COMMAND, "H") == 0
    assert fun.config(pci.STATUS, "H") & pci.STATUS_CAP_LIST


def test_scratch_fields(fun):
    """Cache line size and interrupt line are for the system to use."""
    for offset in (0x0c, 0x3c):
        fun.set_config(offset, "B", 0x10)
        assert fun.config(offset, "B") == 0x10
        fun.set_config(offset, "B", 0)
        assert fun.config(offset, "B") == 0


def test_bar_keeps_its_address(fun):
    """A BAR keeps an aligned address, whole and in halves."""
    fun.set_config(0x10, "I", 0xe0000000)
    assert fun.config(0x10, "I") & ~0xf == 0xe0000000
    assert fun.config(0x13, "B") == 0xe0
    fun.set_config(0x10, "I", 0)
    assert fun.config(0x10, "I") & ~0xf == 0


def test_power_states(fun):
    """D0 and D3hot are stored and read back."""
    offset = pci.capabilities(fun)[pci.CAP_PM] + pci.PM_CTRL
    assert fun.config(offset, "H") & 3 == 0
    for state in (3, 0, 3, 0):
        fun.set_config(offset, "H", fun.config(offset, "H") & ~3 | state)
        assert fun.config(offset, "H") & 3 == state


def test_msix_enable(fun):
    """Enable and function mask are stored, the table size is not changed."""
    offset = pci.capabilities(fun)[pci.CAP_MSIX] + pci.MSIX_CTRL
    size = fun.config(offset, "H") & 0x7ff
    for bits in (0x8000, 0xc000, 0x4000, 0):
        fun.set_config(offset, "H", bits | 0x3f)
        assert fun.config(offset, "H") == bits | size


def test_flr_bit_reads_zero(fun):
    """The bit that starts a function level reset does not stay."""
    offset = pci.capabilities(fun)[pci.CAP_PCIE] + pci.PCIE_DEVCTL
    fun.set_config(offset, "H", fun.config(offset, "H") | pci.PCIE_DEVCTL_FLR)
    assert not fun.config(offset, "H") & pci.PCIE_DEVCTL_FLR


def test_every_write(fun):
    """All ones and zeros over all of it: identity and lists stay what they are."""
    identity = [fun.config(offset, fmt) for offset, fmt in READ_ONLY]
    before = pci.capabilities(fun)
    for value in (0xffffffff, 0, 0x5a5a5a5a):
        for offset in range(0, 4096, 4):
            fun.set_config(offset, "I", value)
    assert [fun.config(offset, fmt) for offset, fmt in READ_ONLY] == identity
    assert pci.capabilities(fun) == before


def test_start_of_qemu(fun):
    """What QEMU does at creation: ROM sizing, BARs, reset, BARs to zero."""
    fun.read(v.REGION_CONFIG, 0, 4096)
    fun.set_config(0x30, "I", 0xfffff800)
    assert fun.config(0x30, "I") == 0
    fun.set_config(0x30, "I", 0)
    fun.set_config(pci.COMMAND, "H", 0)
    fun.device_reset()
    for offset in range(0x10, 0x28, 4):
        fun.set_config(offset, "I", 0)
    assert fun.config(0, "H") != 0xffff
