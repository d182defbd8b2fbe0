# SPDX-License-Identifier: GPL-2.0-only
"""
Test environment of the wto selftests.

The kernel's own networking test library does the groundwork: KTAP output, defer(),
netlink families, the NetDrvEpEnv environment.  It is found in the kernel tree that these
tests were copied into, else where KSFT_NET_LIB points (a tools/testing/selftests
directory), else below /usr/src/linux.

What is added here: the software NIC's control socket, counters of every level from the
stack to the wire, traffic whose every byte is checked, and the port pair's set-up.
"""

# The kernel's library is found at run time only
# pylint: disable=import-error,no-name-in-module,wrong-import-order

from .kernel_library import KSFT_DIR
from net.lib.py import NetNS, NetNSEnter, NetdevSimDev, UserNetNS
from net.lib.py import EthtoolFamily, NetdevFamily, RtnlFamily, DevlinkFamily, \
    NetshaperFamily, PSPFamily, NlError, Netlink
from net.lib.py import CmdExitFailure, KsftSkipEx, KsftFailEx, KsftXfailEx
from net.lib.py import bkg, cmd, bpftool, bpftrace, defer, ethtool, fd_read_timeout, ip, \
    rand_port, rand_ports, tc, tool, wait_port_listen, wait_file
from net.lib.py import bpf_map_set, bpf_map_dump, bpf_prog_map_ids
from net.lib.py import ksft_disruptive, ksft_exit, ksft_pr, ksft_run, ksft_setup, \
    ksft_variants, KsftNamedVariant
from net.lib.py import ksft_eq, ksft_ge, ksft_in, ksft_is, ksft_lt, ksft_ne, ksft_not_in, \
    ksft_raises, ksft_true, ksft_gt, ksft_not_none
from drivers.net.lib.py import GenerateTraffic, Remote
from drivers.net.lib.py import NetDrvEnv, NetDrvEpEnv

from .wait import wait_for
from .nic import LabPort, Nic, NicGone
from .counters import Counters, driver_queues, nic_queues
from .env import WtoEnv
from .traffic import EchoTraffic, TcpStream, peer_socket, wait_progress

__all__ = ["NetNS", "NetNSEnter", "NetdevSimDev", "UserNetNS",
           "EthtoolFamily", "NetdevFamily", "RtnlFamily", "DevlinkFamily",
           "NetshaperFamily", "PSPFamily", "NlError", "Netlink",
           "CmdExitFailure", "KsftSkipEx", "KsftFailEx", "KsftXfailEx",
           "bkg", "cmd", "bpftool", "bpftrace", "defer", "ethtool", "fd_read_timeout", "ip",
           "rand_port", "rand_ports", "tc", "tool", "wait_port_listen", "wait_file",
           "bpf_map_set", "bpf_map_dump", "bpf_prog_map_ids",
           "ksft_disruptive", "ksft_exit", "ksft_pr", "ksft_run", "ksft_setup",
           "ksft_variants", "KsftNamedVariant",
           "ksft_eq", "ksft_ge", "ksft_in", "ksft_is", "ksft_lt", "ksft_ne", "ksft_not_in",
           "ksft_raises", "ksft_true", "ksft_gt", "ksft_not_none",
           "GenerateTraffic", "Remote", "NetDrvEnv", "NetDrvEpEnv",
           "wait_for", "LabPort", "Nic", "NicGone",
           "Counters", "driver_queues", "nic_queues", "WtoEnv",
           "EchoTraffic", "TcpStream", "peer_socket", "wait_progress", "KSFT_DIR"]
