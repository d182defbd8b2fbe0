#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Queue pairs: each of them carries traffic, their counters add up, their NAPIs are known."""

from lib.py import CmdExitFailure, EchoTraffic, KsftSkipEx, NlError, TcpStream, WtoEnv, \
    defer, driver_queues, ethtool, ksft_eq, ksft_exit, ksft_ge, ksft_gt, ksft_pr, ksft_raises, \
    ksft_run, ksft_variants, nic_queues, wait_for, wait_progress
from lib.py.bursts import Burst
from lib.py.counters import queue_sum, stack_totals
from lib.py.thorough import most_telling

# The in-tree driver refreshes ip -s link every 10 s only
STACK_LAG_S = 25
# So many flows that a queue without any of them is one case in a million
FLOWS_PER_QUEUE = 16


def require_channels(cfg, count):
    """Skips unless the device has that many; restores the present number afterwards."""
    present, most = cfg.channels()
    if most < count:
        raise KsftSkipEx(f"the device has {most} queue pairs at most")
    defer(cfg.set_channels, present)


def delta(after, before):
    """Per-queue differences."""
    return {kind: {number: {what: row[what] - before[kind].get(number, {}).get(what, 0)
                            for what in ("packets", "bytes")}
                   for number, row in after[kind].items()} for kind in ("rx", "tx")}


def snapshot(cfg):
    """Counters per queue: the driver's, the NIC's (None if it cannot be asked), the stack's."""
    nic = nic_queues(cfg.nic.port_stats(cfg.NIC_PORT)) if cfg.nic else None
    return (driver_queues(cfg.ifname, cfg.ifindex), nic, stack_totals(cfg.ifname))


def check_each_busy(queues, count, what):
    """Every queue must have had packets."""
    for kind in ("rx", "tx"):
        busy = [number for number, row in queues[kind].items() if row["packets"]]
        ksft_eq(sorted(busy), list(range(count)), f"{what}: {kind} queues with traffic")


@ksft_variants(most_telling([str(n) for n in range(1, 17)], "1", "3", "16"))
def queues_carry_traffic(cfg, count):
    """All queues are used both ways, and counters agree between the levels queue by queue."""
    count = int(count)
    require_channels(cfg, count)
    cfg.set_channels(count)
    cfg.reachable()
    cfg.quiesce()
    before = snapshot(cfg)
    if not before[0]:
        raise KsftSkipEx("the driver has no counters per queue")
    flows = max(64, count * FLOWS_PER_QUEUE)
    with Burst(cfg, flows) as out, Burst(cfg, flows, from_peer=True) as back:
        for burst in (out, back):
            sent, good = burst.run()
            ksft_eq(good, sent)
    after = snapshot(cfg)
    queues = delta(after[0], before[0])
    check_each_busy(queues, count, "driver")
    if cfg.nic:
        on_nic = delta(after[1], before[1])
        check_each_busy(on_nic, count, "NIC")
        for kind in ("rx", "tx"):
            for number in range(count):
                ksft_eq(queues[kind][number], on_nic[kind][number], f"{kind} queue {number}")
    check_sum(cfg, queues, before[2])


def check_sum(cfg, queues, stack_before):
    """The queues' counters add up to the port's."""
    expected = queue_sum(queues)

    def agrees():
        now = stack_totals(cfg.ifname)
        return all(now[name] - stack_before[name] == value for name, value in expected.items())

    wait_for(agrees, f"ip -s link to show {expected}", STACK_LAG_S, 0.25)


def queues_qstats_sum(cfg):
    """The netdev family's totals are the sum over its queues."""
    try:
        rows = cfg.netdev().qstats_get({"ifindex": cfg.ifindex, "scope": "queue"}, dump=True)
    except NlError as error:
        raise KsftSkipEx("the driver has no netdev_stat_ops") from error
    if not rows:
        raise KsftSkipEx("the driver has no netdev_stat_ops")
    total = cfg.netdev().qstats_get({"ifindex": cfg.ifindex}, dump=True)[0]
    for kind in ("rx", "tx"):
        for what in ("packets", "bytes"):
            name = f"{kind}-{what}"
            # Totals also hold what queues counted that are gone
            ksft_ge(total[name], sum(row.get(name, 0) for row in rows), name)


@ksft_variants(["1", "2", "4", "16"])
def queues_have_napis(cfg, count):
    """Each queue names its NAPI; a pair shares one; each NAPI has an interrupt of its own."""
    count = int(count)
    require_channels(cfg, count)
    cfg.set_channels(count)
    queues = cfg.netdev().queue_get({"ifindex": cfg.ifindex}, dump=True)
    if not any("napi-id" in queue for queue in queues):
        raise KsftSkipEx("the driver links no queue with its NAPI")
    by_kind = {kind: {q["id"]: q.get("napi-id") for q in queues if q["type"] == kind}
               for kind in ("rx", "tx")}
    ksft_eq(sorted(by_kind["rx"]), list(range(count)))
    ksft_eq(by_kind["rx"], by_kind["tx"], "a queue pair has one NAPI")
    ksft_eq(len(set(by_kind["rx"].values())), count)
    napis = {n["id"]: n for n in cfg.netdev().napi_get({"ifindex": cfg.ifindex}, dump=True)}
    for napi_id in by_kind["rx"].values():
        ksft_gt(napis[napi_id].get("irq", 0), 0, f"irq of NAPI {napi_id}")
    ksft_eq(len({napis[n].get("irq") for n in by_kind["rx"].values()}), count)


def queues_limits(cfg):
    """None, and one more than the device has, are refused and change nothing."""
    present, most = cfg.channels()
    for count in (0, most + 1):
        with ksft_raises(CmdExitFailure):
            ethtool(f"-L {cfg.ifname} combined {count}")
        ksft_eq(cfg.channels(), (present, most))
    cfg.reachable()


def queues_change_under_traffic(cfg):
    """A TCP stream each way survives changes of the number of queues on both sides."""
    require_channels(cfg, 4)
    defer(cfg.set_channels, cfg.channels()[0], peer=True)
    with EchoTraffic(cfg) as echo, TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        for count in (1, 4, 2, 3, 4, 1, 2):
            cfg.set_channels(count)
            cfg.set_channels(count % 4 + 1, peer=True)
            wait_progress((out, back, echo), f"with {count} queue pairs")
    ksft_pr(f"{out.received >> 10} and {back.received >> 10} KiB, {echo.received} echoes")
    for flow in (out, back, echo):
        ksft_eq(flow.errors, [])


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([queues_carry_traffic, queues_qstats_sum, queues_have_napis, queues_limits,
                  queues_change_under_traffic], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
