#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The configuration changed under traffic: every number of queue pairs, every size of the
rings, receive modes and VLANs.  TCP streams both ways go on with every byte right, and no
counter goes back.
"""

from lib.py import CmdExitFailure, EchoTraffic, TcpStream, WtoEnv, defer, ethtool, ip, ksft_eq, \
    ksft_exit, ksft_ge, ksft_pr, ksft_raises, ksft_run, nic_queues, wait_progress
from lib.py.counters import queue_sum
from lib.py.thorough import FULL

COUNTERS = ("rx-packets", "rx-bytes", "tx-packets", "tx-bytes")
# What the driver can do with a NIC that has more
MOST_QUEUES = 16
MOST_DESCRIPTORS = 4096


class Totals:
    """The port's totals in the netdev family, which never go back."""

    def __init__(self, cfg):
        self.cfg = cfg
        self.last = self._read()
        cfg.quiesce()
        self.first = (self._read(), nic_packets(cfg))

    def _read(self):
        row = self.cfg.netdev().qstats_get({"ifindex": self.cfg.ifindex}, dump=True)[0]
        return {name: row[name] for name in COUNTERS}

    def check(self, channels, what):
        """Compares with the last time; the queues that have rows are those in use."""
        now = self._read()
        for name in COUNTERS:
            ksft_ge(now[name], self.last[name], f"{what}: {name}")
        self.last = now
        rows = self.cfg.netdev().qstats_get({"ifindex": self.cfg.ifindex, "scope": "queue"},
                                            dump=True)
        for kind in ("rx", "tx"):
            ids = sorted(row["queue-id"] for row in rows if row["queue-type"] == kind)
            ksft_eq(ids, list(range(channels)), f"{what}: {kind} queues")

    def check_nic(self):
        """Over all that happened the NIC has counted the same packets."""
        now, nic = self._read(), nic_packets(self.cfg)
        for name, count in nic.items():
            ksft_eq(now[name] - self.first[0][name], count - self.first[1][name],
                    f"{name} of driver and NIC")


def nic_packets(cfg):
    """Packets of our port as its queues in the NIC count; what is not sent was taken, too."""
    cfg.require_nic()
    port = cfg.nic.port_stats(cfg.NIC_PORT)
    queues = queue_sum(nic_queues(port))
    return {"rx-packets": queues["rx_packets"],
            "tx-packets": queues["tx_packets"] + port["vports"][0]["tx_discards"]}


def under_traffic(cfg, steps):
    """
    Carries out each of @steps, (what, action), under traffic; the streams must get on after
    each of them.
    """
    cfg.require_driver("wto", "counts the port's totals in another way")
    totals = Totals(cfg)
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back, EchoTraffic(cfg) as echo:
        wait_progress((out, back, echo), "at the start")
        for what, action in steps:
            action()
            wait_progress((out, back, echo), f"with {what}")
            totals.check(cfg.channels()[0], what)
    ksft_pr(f"{len(steps)} steps, {out.received >> 10} and {back.received >> 10} KiB, "
            f"{echo.received} echoes")
    ksft_eq(out.errors + back.errors + echo.errors, [])
    cfg.wait_quiet()
    totals.check_nic()


def granted_queues(cfg):
    """Queue pairs of our port as the NIC was told."""
    return next(port["queues"] for port in cfg.nic.command("ports")["ports"]
                if port["name"] == cfg.NIC_PORT)


def reconfig_channels(cfg):
    """Every number of queue pairs, up, and in large steps down; some of them if not thorough."""
    cfg.require_nic()
    cfg.require_driver("wto", "has limits of its own")
    present, most = cfg.channels()
    ksft_eq(most, min(MOST_QUEUES, granted_queues(cfg)), "queue pairs at most")
    defer(cfg.set_channels, present)
    counts = [*range(1, most + 1), *range(most - 3, 0, -4)] if FULL else \
        [n for n in (1, 2, 3, 5, 8, 13, 16, 4) if n <= most]

    def change(count):
        cfg.set_channels(count)
        ksft_eq(cfg.channels()[0], count)

    under_traffic(cfg, [(f"{count} queue pairs", lambda c=count: change(c)) for count in counts])


def ring_sizes(cfg):
    """Powers of 2 from the smallest that is accepted to the largest."""
    most = ethtool(f"-g {cfg.ifname}", json=True)[0]["rx-max"]
    return [1 << n for n in range(6, most.bit_length())]


def reconfig_rings(cfg):
    """Every size of rings; others are refused and change nothing."""
    cfg.require_driver("wto", "has limits of its own")
    before = ethtool(f"-g {cfg.ifname}", json=True)[0]
    # The NIC takes rings of up to 8160 descriptors
    ksft_eq((before["rx-max"], before["tx-max"]), (MOST_DESCRIPTORS, ) * 2, "longest rings")
    defer(ethtool, f"-G {cfg.ifname} rx {before['rx']} tx {before['tx']}")
    sizes = ring_sizes(cfg)

    def change(rx, tx):
        if (rx, tx) != rings(cfg):
            ethtool(f"-G {cfg.ifname} rx {rx} tx {tx}")
        ksft_eq(rings(cfg), (rx, tx))

    pairs = [*zip(sizes, sizes), *zip(sizes, reversed(sizes))] if FULL else \
        [*zip(sizes, reversed(sizes)), (sizes[0], sizes[0])]
    under_traffic(cfg, [(f"rings of {rx} and {tx}", lambda p=(rx, tx): change(*p))
                        for rx, tx in pairs])
    for bad in (sizes[0] // 2, sizes[0] + 1, 2 * sizes[-1]):
        with ksft_raises(CmdExitFailure):
            ethtool(f"-G {cfg.ifname} rx {bad}")
        ksft_eq(rings(cfg), pairs[-1])


def rings(cfg):
    """(rx, tx) sizes as shown."""
    now = ethtool(f"-g {cfg.ifname}", json=True)[0]
    return now["rx"], now["tx"]


def reconfig_receive_modes(cfg):
    """Promiscuous mode, all groups, single groups and VLAN devices come and go."""
    def vlan(number):
        ip(f"link add link {cfg.ifname} name v{number} type vlan id {number}")
        ip(f"link set dev v{number} up")
        ip(f"link del v{number}")

    groups = [f"01:00:5e:02:02:{number:02x}" for number in range(4)]
    steps = [(f"{mode} {state}", lambda m=mode, s=state: ip(f"link set dev {cfg.ifname} {m} {s}"))
             for mode in ("promisc", "allmulticast") for state in ("on", "off")]
    steps += [(f"group {group} {verb}", lambda g=group, v=verb: ip(f"maddr {v} {g} dev "
                                                                   f"{cfg.ifname}"))
              for group in groups for verb in ("add", "del")]
    steps += [(f"VLAN {number}", lambda n=number: vlan(n)) for number in (2, 4094)]
    under_traffic(cfg, steps)


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([reconfig_channels, reconfig_rings, reconfig_receive_modes], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
