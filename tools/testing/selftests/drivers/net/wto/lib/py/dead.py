# SPDX-License-Identifier: GPL-2.0-only
"""A NIC that is killed, and what its driver has to do then."""

import os
import re

from lib.py import CmdExitFailure, KsftSkipEx, NicGone, cmd, ethtool, ip, ksft_eq, ksft_in, \
    ksft_lt, ksft_ne, ksft_pr, wait_for
from .faults import Timed, kernel_log
from .kmsg import say
from .memory import traces_of

NOTICE_S = 10
DOWN_S = 10
UNLOAD_S = 15
# A busy queue may have been full for a moment when the NIC was killed
STALLED_MS = 1000


def gone(ifname, netns):
    """Whether the driver has taken its device off the stack."""
    try:
        ethtool(f"-l {ifname}", ns=netns)
    except CmdExitFailure as error:
        return "No such device" in error.cmd.stderr
    return False


def check_questions(ifname, netns):
    """Whatever is asked of the device that is gone, or wanted of it, is refused at once."""
    for args in ("-d {}", "-S {}", "-t {} online", "-x {}", "-g {}", "-c {}", "-L {} combined 1",
                 "-C {} rx-usecs 10", "-X {} equal 1"):
        result = cmd("ethtool " + args.format(ifname), fail=False, ns=netns)
        ksft_ne(result.ret, 0, args)
        ksft_in("No such device", result.stderr, args)


def require_living_nic(cfg):
    """Skips where the NIC cannot be killed, or is dead."""
    cfg.require_nic()
    cfg.require_driver("wto", "waits for the dead device for minutes")
    if not cfg.lab:
        raise KsftSkipEx("needs the lab to kill the NIC")
    try:
        cfg.nic.stats()
    except (NicGone, TimeoutError) as error:
        raise KsftSkipEx("the NIC is dead already, each case needs a new machine") from error


def kill_nic(cfg):
    """From here on, and not before, the stack's watchdog may bark before the driver notices."""
    say("trouble expected: NETDEV WATCHDOG")
    cfg.lab.request("kill-nic")


def count_said(cfg, log_before):
    """How often the driver said that a device does not answer."""
    return sum("does not answer" in line for line in kernel_log(cfg.driver)[log_before:])


def check_watchdog():
    """
    The stack's watchdog may bark about queues that are stuck since the NIC was killed, and
    only about these.
    """
    log = cmd("dmesg").stdout
    kill = re.search(r"\[\s*([\d.]+)\] wto-lab: trouble expected: NETDEV", log)
    for time, ms in re.findall(r"\[\s*([\d.]+)\] .*NETDEV WATCHDOG.* timed out (\d+) ms", log):
        since = 1000 * (float(time) - float(kill.group(1)))
        ksft_lt(int(ms), since + STALLED_MS, "watchdog: ms that the queue has been stuck")


def load_without_nic(cfg):
    """The functions are still on the bus; the driver finds no NIC in them and binds none."""
    with Timed("load", UNLOAD_S):
        cmd(f"insmod {cfg.env['WTO_MODULE']}", timeout=60)
    ksft_eq(os.path.exists(f"/sys/class/net/{cfg.ifname}"), False)
    with Timed("second unload", UNLOAD_S):
        cfg.unload()
    ksft_eq(traces_of(cfg.driver), [], "left after unloading")


def check_aftermath(cfg, log_before):
    """Notice, say so once, stop, down, unload; and a load without NIC fails in good order."""
    for ifname, netns in cfg.ends():
        with Timed(f"{ifname}: driver notices", NOTICE_S):
            wait_for(lambda i=ifname, n=netns: gone(i, n), f"{ifname} to be gone", 60)
    wait_for(lambda: count_said(cfg, log_before) >= 2, "both functions to be given up", NOTICE_S)
    for ifname, netns in cfg.ends():
        with Timed(f"{ifname}: ethtool"):
            check_questions(ifname, netns)
    for ifname, netns in cfg.ends():
        with Timed(f"{ifname} down", DOWN_S):
            ip(f"link set dev {ifname} down", ns=netns)
    with Timed("unload", UNLOAD_S):
        cfg.unload()
    ksft_pr("\n".join(kernel_log(cfg.driver)[log_before:]))
    check_watchdog()
    ksft_eq(count_said(cfg, log_before), 2, "said once for each function")
    ksft_eq(traces_of(cfg.driver), [], "left after unloading")
    load_without_nic(cfg)
