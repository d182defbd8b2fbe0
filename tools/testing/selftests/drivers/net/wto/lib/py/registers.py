# SPDX-License-Identifier: GPL-2.0-only
"""The register dump of ethtool -d, version 1, as wto.rst describes it."""

import re
import struct
from types import SimpleNamespace

from lib.py import ethtool

FIXED = ("num_channels", "rstat", "ctrl", "mbx_dyn_ctl", "icr_ena",
         "atq_bal", "atq_bah", "atq_len", "atq_head", "atq_tail",
         "arq_bal", "arq_bah", "arq_len", "arq_head", "arq_tail")
CHANNEL = ("dyn_ctl", "itr_rx", "itr_tx", "tx_tail", "rx_tail")
# A throttling interval is told in these
ITR_UNIT_US = 2


def read_registers(ifname):
    """The dump, with the channels in .channels; raises ValueError if it is malformed."""
    text = ethtool(f"-d {ifname}").stdout
    data = b"".join(bytes.fromhex(row) for row in
                    re.findall(r"^0x[0-9a-f]+:\s+((?:[0-9a-f]{2} ?)+)$", text, re.MULTILINE))
    words = [word for word, in struct.iter_unpack("<I", data)]
    dump = SimpleNamespace(**dict(zip(FIXED, words)))
    rest = words[len(FIXED):]
    if len(rest) != dump.num_channels * len(CHANNEL):
        raise ValueError(f"{len(words)} words for {dump.num_channels} channels")
    dump.channels = [SimpleNamespace(**dict(zip(CHANNEL, rest[i:i + len(CHANNEL)])))
                     for i in range(0, len(rest), len(CHANNEL))]
    return dump


def intervals_us(ifname, count):
    """[(receive, transmit)] throttling intervals of the first @count channels, in us."""
    return [(channel.itr_rx * ITR_UNIT_US, channel.itr_tx * ITR_UNIT_US)
            for channel in read_registers(ifname).channels[:count]]
