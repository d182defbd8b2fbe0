#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The cable pulled and plugged at the NIC: carrier follows, traffic comes back."""

from lib.py import TcpStream, WtoEnv, cmd, defer, ethtool, ip, ksft_disruptive, ksft_eq, \
    ksft_exit, ksft_gt, ksft_in, ksft_run, ksft_true, wait_for, wait_progress
from lib.py.attribute import carrier_count

FLAPS = 10


def pull_cable(cfg):
    """Takes the link away for the time of a case."""
    cfg.require_nic()
    defer(cfg.wait_carrier)
    defer(cfg.nic.set_link, cfg.NIC_PORT, True)
    cfg.nic.set_link(cfg.NIC_PORT, False)


def link_down_up(cfg):
    """Carrier, operational state and ethtool follow; each change is counted once."""
    cfg.require_nic()
    downs, ups = (carrier_count(cfg.ifname, way) for way in ("down", "up"))
    pull_cable(cfg)
    cfg.wait_carrier(up=False)
    ksft_in("Link detected: no", ethtool(cfg.ifname).stdout)
    ksft_eq(ip(f"link show dev {cfg.ifname}", json=True)[0]["operstate"], "DOWN")
    ping = cmd(f"ping -c 1 -W 1 {cfg.remote_addr_v['4']}", fail=False)
    ksft_true(ping.ret != 0, "nothing passes without a cable")
    cfg.nic.set_link(cfg.NIC_PORT, True)
    cfg.wait_carrier()
    text = ethtool(cfg.ifname).stdout
    ksft_in("Link detected: yes", text)
    ksft_in("Mb/s", text)
    cfg.reachable()
    ksft_eq(carrier_count(cfg.ifname, "down") - downs, 1)
    ksft_eq(carrier_count(cfg.ifname, "up") - ups, 1)


@ksft_disruptive
def link_change_while_down(cfg):
    """A cable pulled while the port was down is missing when it comes up."""
    cfg.require_nic()
    defer(cfg.restore_addresses)
    defer(ip, f"link set dev {cfg.ifname} up")
    ip(f"link set dev {cfg.ifname} down")
    pull_cable(cfg)
    ip(f"link set dev {cfg.ifname} up")
    wait_for(lambda: "NO-CARRIER" in ip(f"link show dev {cfg.ifname}", json=True)[0]["flags"],
             "NO-CARRIER", 10)
    cfg.nic.set_link(cfg.NIC_PORT, True)
    cfg.wait_carrier()
    cfg.restore_addresses()
    cfg.reachable()


def link_flaps_under_traffic(cfg):
    """TCP streams both ways outlive a cable that is loose."""
    cfg.require_nic()
    defer(cfg.wait_carrier)
    defer(cfg.nic.set_link, cfg.NIC_PORT, True)
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        for _ in range(FLAPS):
            cfg.nic.set_link(cfg.NIC_PORT, False)
            cfg.wait_carrier(up=False)
            cfg.nic.set_link(cfg.NIC_PORT, True)
            cfg.wait_carrier()
        wait_progress((out, back), "with the cable in")
    for flow in (out, back):
        ksft_eq(flow.errors, [])
        ksft_gt(flow.received, 0)


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([link_down_up, link_change_while_down, link_flaps_under_traffic], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
