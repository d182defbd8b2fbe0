# SPDX-License-Identifier: GPL-2.0-only
"""--deny, --grant and deny= of a port: each name takes its capabilities, and no others."""

import subprocess

import pytest

from niclib import frames
from niclib import virtchnl as vc
from niclib.driver import Port, bring_up
from niclib.nic import binary, environment
from niclib.virtchnl import Op, Status

EVERYTHING = {"csum_caps": 0xffffffff, "seg_caps": 0xffffffff, "hsplit_caps": 0xffffffff,
              "rsc_caps": 0xffffffff, "rss_caps": (1 << 64) - 1, "other_caps": (1 << 64) - 1}

# What each name stands for, as the standard numbers the bits
MEANING = {
    "rss": {"rss_caps": vc.RSS_L4_FLOWS},
    "hsplit": {"hsplit_caps": vc.HSPLIT_L4},
    "csum": {"csum_caps": None},
    "lso": {"seg_caps": None},
    "uso": {"seg_caps": None},
    "macfilter": {"other_caps": vc.CAP_MACFILTER},
    "promisc": {"other_caps": vc.CAP_PROMISC},
    "loopback": {"other_caps": vc.CAP_LOOPBACK},
    "link-speed": {"other_caps": vc.CAP_LINK_SPEED},
    "wb-on-itr": {"other_caps": vc.CAP_WB_ON_ITR},
    "rx-flex": {"other_caps": vc.CAP_RX_FLEX_DESC},
    "ptype": {"other_caps": vc.CAP_PTYPE},
    "lan-regions": {"other_caps": vc.CAP_LAN_REGIONS},
    "tx-ipv4": {"csum_caps": 0x0f, "seg_caps": 0x03},
    "tx-ipv6": {"csum_caps": 0x70, "seg_caps": 0x18},
}
# Parts of the send engines, which have names of their own
PARTS = ("tx-ipv4", "tx-ipv6")
NAMES = tuple(MEANING)
TWICE = len(NAMES) + 1
NO_FILTERS = TWICE + 2
NIC_PORTS = ("", *(f"deny={name}" for name in NAMES), "deny=rss+lso", "deny=lso+rss+lso",
             "deny=macfilter+promisc", "")


def all_caps(port):
    """Every capability that a port grants, by word."""
    port.start_mailbox()
    caps = port.get_caps(**EVERYTHING)
    return {word: getattr(caps, word) for word in EVERYTHING}


def missing(whole, part):
    """The capabilities of @whole that @part lacks; it must have no others."""
    assert all(not part[word] & ~whole[word] for word in EVERYTHING)
    return {word: whole[word] & ~part[word] for word in EVERYTHING if whole[word] != part[word]}


@pytest.fixture(name="whole")
def _whole(make_port):
    """What a port grants of which nothing is denied."""
    return all_caps(make_port(0))


def test_names():
    """--help lists the names that this test knows, and no others."""
    text = subprocess.run([binary(), "--help"], capture_output=True, text=True, timeout=20,
                          check=True, env=environment()).stdout
    line = next(line for line in text.splitlines() if line.startswith("Capabilities: "))
    assert sorted(line.split()[1:]) == sorted(NAMES)


def test_told(nic):
    """The control socket tells what is denied."""
    shown = [port["denied"] for port in nic.control("ports")["ports"]]
    assert shown[0] == []
    assert shown[1:len(NAMES) + 1] == [[name] for name in NAMES]
    assert shown[TWICE:] == [["rss", "lso"]] * 2 + [["macfilter", "promisc"], []]


@pytest.mark.parametrize("index, name", list(enumerate(NAMES, 1)), ids=NAMES)
def test_port_denies(make_port, whole, index, name):
    """A port denies what it was told to, and nothing else; its neighbours grant everything."""
    lost = missing(whole, all_caps(make_port(index)))
    assert lost.keys() == MEANING[name].keys()
    for word, bits in MEANING[name].items():
        assert lost[word] == bits if bits else lost[word]


def test_disjoint(make_port, whole):
    """No capability has two names, but for parts of engines."""
    seen = dict.fromkeys(EVERYTHING, 0)
    for index, name in enumerate(NAMES, 1):
        if name in PARTS:
            continue
        for word, bits in missing(whole, all_caps(make_port(index))).items():
            assert not seen[word] & bits, f"{name}: {word}"
            seen[word] |= bits


def test_several(make_port, whole):
    """Several names, in any order and more than once."""
    rss, lso = (missing(whole, all_caps(make_port(1 + NAMES.index(name))))
                for name in ("rss", "lso"))
    for index in (TWICE, TWICE + 1):
        assert missing(whole, all_caps(make_port(index))) == {**rss, **lso}


@pytest.mark.parametrize("args, port_args, lost", (
    (("--deny", "rss,lso"), "", {"rss_caps", "seg_caps"}),
    (("--deny", "rss", "--deny", "lso"), "", {"rss_caps", "seg_caps"}),
    (("--deny", "rss"), "deny=lso", {"rss_caps", "seg_caps"}),
    (("--deny", "rss,lso", "--grant", "rss"), "", {"seg_caps"}),
    (("--grant", "rss", "--deny", "rss"), "", set()),
    (("--grant", "rss"), "deny=rss", {"rss_caps"})), ids=str)
def test_all_ports(make_nic, whole, args, port_args, lost):
    """--deny and --grant are for all ports, --grant wins, and a port has the last word."""
    nic = make_nic(("", port_args), args)
    port = Port(nic, 1)
    port.ready()
    assert missing(whole, all_caps(port)).keys() == lost
    port.close()


REFUSED = {
    "macfilter": (Op.ADD_MAC_ADDR, Op.DEL_MAC_ADDR), "promisc": (Op.CONFIG_PROMISC,),
    "loopback": (Op.LOOPBACK,), "lan-regions": (Op.GET_LAN_MEMORY_REGIONS,),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(make_port, name):
    """The messages of a capability that was denied are refused, whatever they hold."""
    port = make_port(1 + NAMES.index(name))
    port.negotiate()
    for op in REFUSED[name]:
        with port.counted("cp_state"):
            port.mbx.refuse(op, Status.EPERM, bytes(64))


@pytest.mark.parametrize("index, all_groups", (
    (1 + NAMES.index("macfilter"), False), (1 + NAMES.index("promisc"), False),
    (NO_FILTERS, True), (NO_FILTERS + 1, False)), ids=str)
def test_groups(nic, index, all_groups):
    """Who can neither name groups nor ask for all of them gets all of them, and no strangers."""
    port, vport = bring_up(nic, index)
    other_port, other = bring_up(nic, index - 1 if index % 2 else index + 1)
    group, stranger = frames.plain(100, bytes.fromhex("333300000001")), frames.plain(
        101, bytes.fromhex("020000000099"))
    for frame in (group, stranger, frames.plain(60)):
        other.send(frame)
    expected = [group] if all_groups else []
    assert [packet.frame for packet in vport.recv(count=len(expected) + 1)] == [
        *expected, frames.plain(60)]
    port.close()
    other_port.close()


@pytest.mark.parametrize("index, speed", ((1 + NAMES.index("link-speed"), 0), (0, 100000)))
def test_link_speed(nic, index, speed):
    """The speed is told with the link, but where that is denied."""
    port, _ = bring_up(nic, index)
    event = vc.EVENT.unpack(port.mbx.event().data)
    assert (event.link_status, event.link_speed) == (1, speed)
    port.close()


@pytest.mark.parametrize("index", range(1, len(NAMES) + 1), ids=NAMES)
def test_frames_flow(nic, index):
    """A driver that takes what it is given can send and receive."""
    port, vport = bring_up(nic, index)
    peer = index - 1 if index % 2 else index + 1
    other_port, other = bring_up(nic, peer)
    for one, two in ((vport, other), (other, vport)):
        one.send(frames.plain(300, seed=index))
        assert two.recv()[0].frame == frames.plain(300, seed=index)
    port.close()
    other_port.close()
