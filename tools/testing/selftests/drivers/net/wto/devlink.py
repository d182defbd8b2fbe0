#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""devlink: what the function is, its ports, the health of its parts."""

import glob
import json
import os

from lib.py import EchoTraffic, WtoEnv, cmd, defer, ip, ksft_eq, ksft_exit, ksft_gt, \
    ksft_in, ksft_run, ksft_true, wait_for, wait_progress
from lib.py.attribute import read_attr, write_attr
from lib.py.env import nic_functions
from lib.py.kmsg import expect_trouble

REPORTERS = ("mailbox", "rx", "tx")
# More than all sockets of a test may have under way
QUEUE_BYTES = 4 << 20


def handle(cfg):
    """devlink's name of our function."""
    return "pci/" + os.path.basename(os.path.realpath(f"/sys/class/net/{cfg.ifname}/device"))


def devlink(args):
    """Runs devlink, returns what it prints as JSON."""
    out = cmd(f"devlink -j {args}").stdout
    return json.loads(out) if out.strip() else {}


def reporter(cfg, name):
    """State of one reporter."""
    answer = devlink(f"health show {handle(cfg)} reporter {name}")
    return answer["health"][handle(cfg)][0]


def error_count(cfg, name):
    """Faults that a reporter was told of."""
    return reporter(cfg, name).get("error", 0)


def cause_reset(cfg):
    """The NIC resets itself."""
    cfg.require_nic()
    cfg.nic.command(f"fault reset=50@{cfg.NIC_PORT}")


def devlink_info(cfg):
    """Driver, board and the version of the interface are told."""
    info = devlink(f"dev info {handle(cfg)}")["info"][handle(cfg)]
    ksft_eq(info["driver"], "wto")
    ksft_eq(info["versions"]["running"]["fw.mgmt.api"], "2.0")
    device = nic_functions()[0]
    ids = [read_attr(f"{device}/{name}")[2:] for name in ("vendor", "device")]
    ksft_eq(info["versions"]["fixed"]["board.id"], ":".join(ids))


def devlink_port(cfg):
    """Each netdev is known by its port, and the port by its netdev."""
    ports = devlink("port show")["port"]
    ours = [port for name, port in ports.items() if name.startswith(handle(cfg) + "/")]
    ksft_eq([port["netdev"] for port in ours], [cfg.ifname])
    ksft_eq(ours[0]["type"], "eth")
    ksft_in(ours[0]["flavour"], ("physical", "virtual"))


def health_reporters(cfg):
    """All reporters are there, well, and can be asked."""
    names = {r["reporter"] for r in devlink(f"health show {handle(cfg)}")["health"][handle(cfg)]}
    ksft_eq(names, set(REPORTERS))
    for name in REPORTERS:
        ksft_eq(reporter(cfg, name)["state"], "healthy")
        ksft_true(reporter(cfg, name)["auto_recover"], f"{name} recovers by itself")
        devlink(f"health diagnose {handle(cfg)} reporter {name}")


def health_diagnose(cfg):
    """A queue for each channel is shown, with the rings' true lengths; mailbox counts move."""
    rings = json.loads(cmd(f"ethtool --json -g {cfg.ifname}").stdout)[0]
    for name in ("rx", "tx"):
        vports = devlink(f"health diagnose {handle(cfg)} reporter {name}")["vports"]
        ksft_true(vports[0]["up"])
        queues = vports[0]["queues"]
        ksft_eq([q["queue"] for q in queues], list(range(cfg.channels()[0])))
        ksft_eq({q["descriptors"] for q in queues}, {rings[name]})
    ip(f"link set dev {cfg.ifname} down")
    vports = devlink(f"health diagnose {handle(cfg)} reporter tx")["vports"]
    ksft_true(not vports[0]["up"])
    ksft_eq(vports[0]["queues"], [])
    before = devlink(f"health diagnose {handle(cfg)} reporter mailbox")
    ip(f"link set dev {cfg.ifname} up")
    cfg.wait_carrier()
    cfg.restore_addresses()
    after = devlink(f"health diagnose {handle(cfg)} reporter mailbox")
    ksft_true(after["up"])
    ksft_gt(after["sent"], before["sent"])


def health_mailbox(cfg):
    """A reset of the NIC is reported, dumped and recovered from."""
    devlink(f"health dump clear {handle(cfg)} reporter mailbox")
    errors = error_count(cfg, "mailbox")
    recoveries = reporter(cfg, "mailbox").get("recover", 0)
    with EchoTraffic(cfg) as echo:
        cause_reset(cfg)
        wait_for(lambda: reporter(cfg, "mailbox").get("recover", 0) > recoveries,
                 "recovery", 20, 0.2)
        wait_progress([echo], "after recovery")
    ksft_eq(echo.errors, [])
    ksft_eq(error_count(cfg, "mailbox"), errors + 1)
    wait_for(lambda: reporter(cfg, "mailbox")["state"] == "healthy", "good health")
    dump = devlink(f"health dump show {handle(cfg)} reporter mailbox")
    ksft_in("to device", json.dumps(dump))
    devlink(f"health dump clear {handle(cfg)} reporter mailbox")


def health_by_hand(cfg):
    """Without automatic recovery nothing happens until the user says so."""
    path = f"{handle(cfg)} reporter mailbox"
    recoveries = devlink(f"health diagnose {path}")["recoveries"]
    defer(cmd, f"devlink health set {path} auto_recover true")
    cmd(f"devlink health set {path} auto_recover false")
    errors = error_count(cfg, "mailbox")
    cause_reset(cfg)
    wait_for(lambda: reporter(cfg, "mailbox")["state"] == "error", "the error", 20, 0.1)
    ksft_eq(error_count(cfg, "mailbox"), errors + 1)
    # The worker looks every second: it must have looked and left it alone
    sent = devlink(f"health diagnose {path}")
    ksft_eq(sent["recoveries"], recoveries)
    cmd(f"devlink health recover {path}", timeout=30)
    ksft_eq(devlink(f"health diagnose {path}")["recoveries"], recoveries + 1)
    ksft_eq(reporter(cfg, "mailbox")["state"], "healthy")
    cfg.wait_carrier()
    cfg.reachable()


def tx_gets_stuck(cfg, echo):
    """The NIC takes no more packets: that is reported, recovered from and dumped."""
    path = f"{handle(cfg)} reporter tx"
    devlink(f"health dump clear {path}")
    recoveries = reporter(cfg, "tx").get("recover", 0)
    wait_progress([echo], "at the start")
    defer(cfg.nic.command, f"fault tx-stuck=off@{cfg.NIC_PORT}")
    cfg.nic.command(f"fault tx-stuck@{cfg.NIC_PORT}")
    wait_for(lambda: reporter(cfg, "tx").get("recover", 0) > recoveries, "recovery", 40, 0.5)
    wait_progress([echo], "after recovery")
    ksft_in("next completion", json.dumps(devlink(f"health dump show {path}")))
    devlink(f"health dump clear {path}")


def health_rx(cfg):
    """A received descriptor of a wrong generation is reported, recovered from and dumped."""
    cfg.require_nic()
    path = f"{handle(cfg)} reporter rx"
    defer(cfg.nic.command, f"fault rx-corrupt=off@{cfg.NIC_PORT}")
    defer(cmd, f"devlink health set {path} auto_recover true")
    with EchoTraffic(cfg, repeats=True) as echo:
        for auto in ("true", "false"):
            cmd(f"devlink health set {path} auto_recover {auto}")
            devlink(f"health dump clear {path}")
            errors, recoveries = error_count(cfg, "rx"), reporter(cfg, "rx").get("recover", 0)
            wait_progress([echo], "before")
            cfg.nic.command(f"fault rx-corrupt=gen:count=1@{cfg.NIC_PORT}")
            wait_for(lambda e=errors: error_count(cfg, "rx") > e, "the report", 40, 0.2)
            if auto == "false":
                ksft_eq(reporter(cfg, "rx")["state"], "error")
                cmd(f"devlink health recover {path}", timeout=30)
            wait_for(lambda r=recoveries: reporter(cfg, "rx").get("recover", 0) > r,
                     "recovery", 40, 0.2)
            ksft_eq(reporter(cfg, "rx")["state"], "healthy")
            wait_progress([echo], "after recovery")
            ksft_in("free buffers", json.dumps(devlink(f"health dump show {path}")))
            devlink(f"health dump clear {path}")
    ksft_eq(echo.errors, [])


def health_tx_full(cfg):
    """A transmit queue that is stuck and full is the stack's watchdog's affair."""
    cfg.require_nic()
    with EchoTraffic(cfg) as echo, expect_trouble("NETDEV WATCHDOG"):
        echo.fill_queues()
        tx_gets_stuck(cfg, echo)
    ksft_eq(echo.errors, [])


def health_tx_room(cfg):
    """A stuck queue that has room for all that is sent is noticed as well, by the driver."""
    cfg.require_nic()
    # What sockets may have under way fits the ring; nor shall byte queue limits stop a queue
    for path in glob.glob(f"/sys/class/net/{cfg.ifname}/queues/tx-*/byte_queue_limits/limit_min"):
        defer(write_attr, path, read_attr(path))
        write_attr(path, QUEUE_BYTES)
    barks = cmd("dmesg").stdout.count("NETDEV WATCHDOG")
    with EchoTraffic(cfg) as echo:
        tx_gets_stuck(cfg, echo)
    ksft_eq(echo.errors, [])
    ksft_eq(cmd("dmesg").stdout.count("NETDEV WATCHDOG"), barks)


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        cfg.require_driver("wto", "it has no devlink instance")
        ksft_run([devlink_info, devlink_port, health_reporters, health_diagnose, health_mailbox,
                  health_by_hand, health_rx, health_tx_full, health_tx_room], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
