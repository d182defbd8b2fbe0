# SPDX-License-Identifier: GPL-2.0-only
"""Memory is the driver's again once it was told so, whatever comes from the wire."""

import pytest

from niclib import frames, pci
from niclib import virtchnl as vc
from niclib.driver import Setup, Vport
from niclib.virtchnl import Op

NIC_PORTS = ("", "", "id=vf", "id=vf")
# frames in flight when the driver says stop, and after the answer
BEFORE = 200
AFTER = 300
MEM_SIZE = 4 << 20


def reset(vport):
    """Reset the function by register, or by message where there is none."""
    vport.port.reset()


def reset_function_level(vport):
    """Reset the function as the guest's kernel does."""
    offset = pci.capabilities(vport.port.vfu)[pci.CAP_PCIE] + pci.PCIE_DEVCTL
    vport.port.vfu.set_config(offset, "H", pci.PCIE_DEVCTL_FLR)


def reset_device(vport):
    """Reset the function as the VMM does."""
    vport.port.vfu.device_reset()


def master_off(vport):
    """Take the right to master the bus."""
    vport.port.vfu.set_config(pci.COMMAND, "H", pci.COMMAND_MEMORY)


def sleep(vport):
    """Put the function into D3hot."""
    offset = pci.capabilities(vport.port.vfu)[pci.CAP_PM] + pci.PM_CTRL
    vport.port.vfu.set_config(offset, "H", 3)


# What is not asked for stays enabled: queues of a vport that is not, and the other way round
WAYS = (Vport.disable_queues, Vport.disable, Vport.delete_queues, Vport.destroy, reset,
        reset_function_level, reset_device, master_off, sleep)


@pytest.fixture(name="link", params=[0, 2], ids=["pf", "vf"])
def _link(request, make_port):
    """Two vports with little memory and many buffers, so that all of it can be compared."""
    vports = []
    for index in (request.param, request.param + 1):
        port = make_port(index, mem_size=MEM_SIZE)
        port.negotiate()
        port.alloc_vectors()
        vports.append(Vport(port, Setup(tx_len=1024, compl_len=2048, rx_len=2048, buf_len=1024,
                                        buf_sizes=(256, 256))).start())
    return vports


def put(vport, frame, number):
    """Ring for @number frames of the same memory."""
    addr = vport.port.mem.put(frame, 1)
    for tag in range(number):
        vport.txqs[0].put(addr, len(frame), tag)
    vport.txqs[0].ring()


def passed(port, number, stats):
    """Tell whether @number frames more than in @stats have left a port, for good or not."""
    def total(wire):
        return wire["tx_packets"] + wire["tx_dropped"]

    return total(port["wire"]) - total(stats["wire"]) >= number


@pytest.mark.parametrize("way", WAYS)
def test_memory_is_left_alone(link, nic, way):
    """After the answer no byte of guest memory changes, with frames coming all the time."""
    one, two = link
    for vport, peer in ((one, two), (two, one)):
        put(vport, frames.plain(200, peer.mac), BEFORE)
    assert one.recv(count=1)
    before = two.port.stats()
    way(one)
    memory = one.port.mem.map[:]
    put(two, frames.plain(200, one.mac), AFTER)
    nic.settled(lambda ports: passed(ports[two.port.index], AFTER, before), "frames on the wire")
    assert one.port.mem.map[:] == memory
    # nor by the mailbox, which waits behind the frames
    two.call(Op.GET_STATS, vc.vport(two.ident))
    assert one.port.mem.map[:] == memory
