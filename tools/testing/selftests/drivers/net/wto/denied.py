#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
NICs that lack something: each port from the third on was told to deny one capability (or
several), and is wired to its neighbour.  What depends on it is not offered and is refused with
a reason, everything else is there, and frames flow.

    lab run --ports N --port-arg 2:deny=rss --port-arg 3:deny=hsplit ...
"""

import functools
import re

from lib.py import CmdExitFailure, KsftSkipEx, WtoEnv, cmd, ip, ksft_eq, ksft_exit, ksft_gt, \
    ksft_in, ksft_not_in, ksft_run, ksft_true
from lib.py.ends import End, check_streams, ping_end

FIRST = 2
NETNS = "denied"
CHECKSUMS = ("tx-checksum-ip-generic", "tx-checksum-sctp")
SEGMENTATION = ("tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-tcp-ecn-segmentation")
FEATURES = (*CHECKSUMS, *SEGMENTATION, "tx-udp-segmentation", "receive-hashing", "loopback")


class Port(End):
    """One port of a pair, by number; @names is what it denies, stats() what the NIC counts."""

    def __init__(self, number, names, stats):
        super().__init__(f"nic{number}", NETNS if number % 2 else None,
                         {"4": f"198.18.{number // 2}.{number % 2 + 1}",
                          "6": f"2001:db8:{number // 2}::{number % 2 + 1}"})
        self.names = names
        self.stats = stats

    def refused(self, args, reason=""):
        """ethtool fails, and says why."""
        try:
            self.ethtool(args)
        except CmdExitFailure as error:
            ksft_true(re.search(reason or ".", error.cmd.stderr),
                      f"{self.names}: {args}: {error.cmd.stderr!r}")
        else:
            ksft_true(False, f"{self.names}: {args} is not refused")

    def shown(self):
        """All features as ethtool shows them."""
        return dict(re.findall(r"^\s*([a-z0-9-]+): (.*)$", self.ethtool("-k {}"), re.MULTILINE))

    def features(self):
        """Which features are on; and those that are fixed to be off."""
        shown = self.shown()
        return {name: shown[name] for name in FEATURES}


def check_rss(port):
    """Nothing of RSS can be shown or set."""
    for args in ("-x {}", "-X {} equal 2", "-X {} default", "-X {} hkey " + ":".join(["5a"] * 52),
                 "-n {} rx-flow-hash tcp4", "-K {} rxhash on"):
        port.refused(args)
    port.refused("-N {} rx-flow-hash udp4 sd", "does not let choose|not supported")


def check_hsplit(port):
    """Headers stay where they are."""
    ksft_true(re.search(r"TCP data split:\s*off", port.ethtool("-g {}")), "header split is off")
    port.refused("-G {} tcp-data-split on", "does not split headers")


def check_macfilter(port):
    """The address stays as it is while the port is up, and groups arrive by another way."""
    before = port.link()["address"]
    try:
        ip(f"link set dev {port.ifname} address 02:00:00:00:00:77", ns=port.netns)
    except CmdExitFailure:
        pass
    else:
        ksft_true(False, "a change of address is not refused")
    ksft_eq(port.link()["address"], before)


def check_loopback(port):
    """The self-test leaves its loopback part out; the others pass."""
    port.refused("-K {} loopback on")
    result = cmd(f"ethtool -t {port.ifname} offline", ns=port.netns, timeout=60).stdout
    ksft_in("result is PASS", result)
    ksft_not_in("loopback", result)


def check_link_speed(port):
    """The speed is not known, the link is."""
    shown = port.ethtool("{}")
    ksft_in("Speed: Unknown!", shown)
    ksft_in("Link detected: yes", shown)


def check_one_version(port, version):
    """Checksums of one IP version have a feature of their own, for packets of that version."""
    shown = port.shown()
    for each in ("4", "6"):
        ksft_eq(shown[f"tx-checksum-ipv{each}"], "on" if each == version else "off [fixed]",
                f"{port.names}: checksums of IPv{each}")


# What each denied capability takes off the features, and what else there is to see
CAPABILITIES = {
    "rss": (("receive-hashing",), check_rss),
    "hsplit": ((), check_hsplit),
    "csum": (CHECKSUMS + SEGMENTATION + ("tx-udp-segmentation",), None),
    "lso": (SEGMENTATION, None),
    "uso": (("tx-udp-segmentation",), None),
    "macfilter": ((), check_macfilter),
    "promisc": ((), None),
    "loopback": (("loopback",), check_loopback),
    "link-speed": ((), check_link_speed),
    "wb-on-itr": ((), None),
    "rx-flex": ((), None),
    "ptype": ((), None),
    "lan-regions": ((), None),
    # USO is both versions or none (USO-17); CWR is a matter of either TCP segmentation
    "tx-ipv4": ((*CHECKSUMS, "tx-tcp-segmentation", "tx-udp-segmentation"),
                functools.partial(check_one_version, version="6")),
    "tx-ipv6": ((*CHECKSUMS, "tx-tcp6-segmentation", "tx-udp-segmentation"),
                functools.partial(check_one_version, version="4")),
}


def check_features(port):
    """Features that depend on what is denied are off and fixed; all others can be had."""
    lost = {name for denied in port.names for name in CAPABILITIES[denied][0]}
    for name, state in port.features().items():
        if name in lost:
            ksft_eq(state, "off [fixed]", f"{port.names}: {name}")
        else:
            ksft_not_in("[fixed]", state, f"{port.names}: {name}")


def check_pings(ports):
    """Pings of any length, which need the neighbour's answer to a multicast first."""
    for port in ports[1::2]:
        ping_end(port)


def covered(ports):
    """There is a port for each capability that can be denied."""
    ksft_eq({name for port in ports for name in port.names}, set(CAPABILITIES))


def features(ports):
    """Offered is what the device can do, and nothing else."""
    for port in ports:
        check_features(port)


def interfaces(ports):
    """What depends on the capability is refused."""
    for port in ports:
        for name in port.names:
            if CAPABILITIES[name][1]:
                CAPABILITIES[name][1](port)


def traffic(ports):
    """Frames flow all the same."""
    check_pings(ports)
    for number in range(0, len(ports), 2):
        check_streams([ports[number:number + 2]])


def nothing_asked(ports):
    """Until now no packet has asked for what its NIC does not have; one version's work is done."""
    for port in ports:
        stats = port.stats()
        ksft_eq({name: count for name, count in stats["errors"].items()
                 if name.startswith("tx_") and count}, {}, f"{port.names}: errors of sending")
        if "tx-ipv4" in port.names or "tx-ipv6" in port.names:
            # acknowledgements; the stream itself is of the version that it lacks
            ksft_gt(sum(queue["csum"] for queue in stats["queues"]["tx"]), 0,
                    f"{port.names}: checksums of the other version")


def channels(ports):
    """One channel and several: settings change, and frames flow after it."""
    for port in ports:
        for count in (1, 2):
            port.ethtool(f"-L {{}} combined {count}")
            ksft_true(re.search(rf"Combined:\s*{count}\n*$", port.ethtool("-l {}")),
                      f"{port.names}: {count} channels")
    check_pings(ports)


def down_and_up(ports):
    """The same once the ports were down."""
    for port in ports:
        port.take_down()
        port.bring_up()
    wait_links(ports)
    features(ports)
    check_pings(ports)


def wait_links(ports):
    """Until all of them have a link."""
    for port in ports:
        port.wait_link()


def main() -> None:
    """Sets the ports up and runs the cases."""
    with WtoEnv(__file__) as cfg:
        cfg.require_driver("wto", "its features are others")
        cfg.require_nic()
        told = cfg.nic.command("ports")["ports"]
        ports = [Port(number, port["denied"],
                      functools.partial(cfg.nic.port_stats, port["name"]))
                 for number, port in enumerate(told)][FIRST:]
        if not ports or len(ports) % 2 or not all(port.names for port in ports):
            raise KsftSkipEx("needs pairs of ports that deny something, see the top of this file")
        ip(f"netns add {NETNS}")
        for port in ports:
            port.set_up()
        wait_links(ports)
        ksft_run([covered, features, interfaces, traffic, nothing_asked, channels, down_and_up],
                 args=(ports, ))
    ksft_exit()


if __name__ == "__main__":
    main()
