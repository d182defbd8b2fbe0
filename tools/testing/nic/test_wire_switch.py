# SPDX-License-Identifier: GPL-2.0-only
"""The learning switch: frames go where their destination was seen."""

import subprocess

import pytest

from niclib import frames
from niclib import virtchnl as vc
from niclib.nic import binary, environment
from niclib.virtchnl import Op

NIC_PORTS = ("", "", "", "")
NIC_ARGS = ("--wire", "switch:port0,port1,port2,port3")


@pytest.fixture(name="hosts")
def _hosts(make_vport):
    """Four vports on the switch; they take every frame, so that leaks are seen."""
    vports = [make_vport(index) for index in range(4)]
    for vport in vports:
        vport.call(Op.CONFIG_PROMISC, vc.PROMISC.pack(vport_id=vport.ident, flags=3))
    return vports


def arrivals(nic, hosts):
    """Return the numbers of the hosts at which a frame has arrived."""
    nic.control("stats")
    return [number for number, host in enumerate(hosts) if host.rxqs[0].poll() is not None]


def test_floods_and_learns(nic, hosts):
    """Unknown addresses are flooded, known ones are not; an address that moves is followed."""
    one, two = (bytes([2, 0x77, 0, 0, 0, number]) for number in (1, 2))
    hosts[0].send(frames.plain(100, dst=two, src=one))
    assert arrivals(nic, hosts) == [1, 2, 3]
    hosts[2].send(frames.plain(100, dst=one, src=two))
    assert arrivals(nic, hosts) == [0]
    hosts[0].send(frames.plain(100, dst=two, src=one))
    assert arrivals(nic, hosts) == [2]
    hosts[3].send(frames.plain(100, dst=one, src=two))
    assert arrivals(nic, hosts) == [0]
    hosts[0].send(frames.plain(100, dst=two, src=one))
    assert arrivals(nic, hosts) == [3]


def test_groups(nic, hosts):
    """Broadcast and multicast go to all others, a group's address is not learned."""
    group = b"\x01\x00\x5e\x01\x02\x03"
    hosts[1].send(frames.plain(60))
    assert arrivals(nic, hosts) == [0, 2, 3]
    hosts[1].send(frames.plain(60, dst=group, src=group))
    assert arrivals(nic, hosts) == [0, 2, 3]
    hosts[0].send(frames.plain(60, dst=group))
    assert arrivals(nic, hosts) == [1, 2, 3]


def test_same_port(nic, hosts):
    """A frame for an address behind the sender's own port goes nowhere."""
    near = bytes([2, 0x77, 0, 0, 1, 1])
    hosts[0].send(frames.plain(60, src=near))
    assert arrivals(nic, hosts) == [1, 2, 3]
    hosts[0].send(frames.plain(60, dst=near))
    assert not arrivals(nic, hosts)


def test_link(nic, hosts):
    """A cable that is pulled: its port alone is cut off, and its address forgotten."""
    far = bytes([2, 0x77, 0, 0, 2, 1])
    hosts[3].send(frames.plain(60, src=far))
    assert arrivals(nic, hosts) == [0, 1, 2]
    nic.control("link port3 down")
    try:
        links = [port["link"] for port in nic.control("ports")["ports"]]
        assert links == [True, True, True, False]
        hosts[0].send(frames.plain(60, dst=far))
        assert arrivals(nic, hosts) == [1, 2]
    finally:
        nic.control("link port3 up")


def test_many_addresses(nic, hosts):
    """More addresses than the table holds: the switch still works."""
    for number in range(4200):
        hosts[0].txqs[0].put_frame(frames.plain(60, src=b"\x02\x99" + number.to_bytes(4, "big"),
                                                seed=1))
        if number % 32 == 31:
            hosts[0].txqs[0].ring()
            hosts[0].complqs[0].take(32)
            for host in hosts:
                while host.rxqs[0].poll():
                    pass
    arrivals(nic, hosts)
    hosts[0].complqs[0].poll()
    hosts[1].send(frames.plain(100, dst=b"\x02\x99" + bytes(4)))
    assert arrivals(nic, hosts) == [0]


@pytest.mark.parametrize("spec", ["switch:port0", "switch:", "switch:port0,port9",
                                  "switch:port0,port0"])
def test_refused(spec, tmp_path):
    """Wrong ports."""
    result = subprocess.run(
        [binary(), "--port", f"socket={tmp_path}/a", "--port", f"socket={tmp_path}/b",
         "--wire", spec], env=environment(), capture_output=True, timeout=20, check=False)
    assert result.returncode == 2 and result.stderr
