# SPDX-License-Identifier: GPL-2.0-only
"""Packets and bytes of one port, as each level from the stack to the wire counts them."""

import functools
import re

from lib.py import CmdExitFailure, NetNSEnter, NetdevFamily, NlError, ethtool, ip

FIELDS = ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes")

# The in-tree idpf driver has no per-queue netlink statistics
_ETHTOOL_QUEUE = re.compile(r"([rt]x)_q-(\d+)_(pkts|bytes)$")


@functools.lru_cache(maxsize=None)
def netdev_family(netns=None):
    """The netdev netlink family, opened in a namespace (None: our own)."""
    if netns is None:
        return NetdevFamily()
    with NetNSEnter(netns):
        return NetdevFamily()


def ethtool_stats(ifname, netns=None):
    """ethtool -S as a dictionary; empty if there are none."""
    try:
        text = ethtool(f"-S {ifname}", ns=netns).stdout
    except CmdExitFailure:
        return {}
    pairs = (line.rpartition(":") for line in text.splitlines()[1:])
    return {name.strip(): int(value) for name, _, value in pairs if value.strip().isdigit()}


def _queues_by_netlink(ifindex, netns):
    """Per-queue statistics of the netdev family; None if the driver has none."""
    family = netdev_family(netns)
    try:
        rows = family.qstats_get({"ifindex": ifindex, "scope": "queue"}, dump=True)
    except NlError:
        return None
    queues = {"rx": {}, "tx": {}}
    for row in rows:
        kind = row["queue-type"]
        queues[kind][row["queue-id"]] = {"packets": row.get(f"{kind}-packets", 0),
                                         "bytes": row.get(f"{kind}-bytes", 0)}
    return queues if rows else None


def _queues_by_ethtool(ifname, netns):
    queues = {"rx": {}, "tx": {}}
    for name, value in ethtool_stats(ifname, netns).items():
        match = _ETHTOOL_QUEUE.match(name)
        if match:
            kind, number, what = match.groups()
            what = "packets" if what == "pkts" else what
            queues[kind].setdefault(int(number), {})[what] = value
    return queues if queues["rx"] else None


def driver_queues(ifname, ifindex, netns=None):
    """{"rx": {id: {"packets", "bytes"}}, "tx": ...} as the driver counts."""
    return _queues_by_netlink(ifindex, netns) or _queues_by_ethtool(ifname, netns)


def nic_queues(port):
    """The same from the NIC's statistics of a port."""
    return {kind: {q["id"]: {"packets": q["packets"], "bytes": q["bytes"]}
                   for q in port["queues"][kind]} for kind in ("rx", "tx")}


def queue_sum(queues):
    """Totals over all queues of both directions."""
    return {f"{kind}_{what}": sum(q[what] for q in queues[kind].values())
            for kind in ("rx", "tx") for what in ("packets", "bytes")}


def stack_totals(ifname, netns=None):
    """What ip -s link shows."""
    stats = ip(f"-s link show dev {ifname}", json=True, ns=netns)[0]["stats64"]
    return {f"{kind}_{what}": stats[kind][what]
            for kind in ("rx", "tx") for what in ("packets", "bytes")}


class Counters:
    """
    A snapshot of one port's counters at four levels.

    @levels: {"stack" | "driver" | "nic" | "wire": {field: value}}
    @dropped: {cause: frames} that came from the wire and went to no queue
    """

    def __init__(self, levels, dropped=None):
        self.levels = levels
        self.dropped = dropped or {}

    @classmethod
    def read(cls, ifname, ifindex, netns=None, nic_port=None):
        """Takes a snapshot; @nic_port: this port in the NIC's statistics, or None."""
        levels = {"stack": stack_totals(ifname, netns)}
        queues = driver_queues(ifname, ifindex, netns)
        if queues:
            levels["driver"] = queue_sum(queues)
        dropped = {}
        if nic_port:
            levels["nic"] = queue_sum(nic_queues(nic_port))
            levels["wire"] = {field: nic_port["wire"][field] for field in FIELDS}
            dropped = {name: count for name, count in nic_port["wire"].items()
                       if name.startswith("rx_dropped_")}
        return cls(levels, dropped)

    def __sub__(self, other):
        levels = {name: {field: values[field] - other.levels[name][field] for field in FIELDS}
                  for name, values in self.levels.items() if name in other.levels}
        dropped = {name: count - other.dropped.get(name, 0)
                   for name, count in self.dropped.items()}
        return Counters(levels, {name: count for name, count in dropped.items() if count})

    def differences(self):
        """Where two levels disagree, as text, one string each."""
        found = []
        names = list(self.levels)
        for field in FIELDS:
            for upper, lower in zip(names, names[1:]):
                above, below = self.levels[upper][field], self.levels[lower][field]
                if above != below and not self._explained(field, lower, below - above):
                    found.append(f"{field}: {upper} {above}, {lower} {below}")
        return found

    def _explained(self, field, lower, missing):
        """Frames that the NIC dropped on their way in were on the wire, and in no queue."""
        if lower != "wire" or not self.dropped or not field.startswith("rx_"):
            return False
        return missing == sum(self.dropped.values()) if field == "rx_packets" else missing > 0
