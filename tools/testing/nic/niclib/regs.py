# SPDX-License-Identifier: GPL-2.0-only
"""Registers of the PF and the VF map, as BAR0 offsets."""

LEN_ENABLE = 1 << 31

RSTAT_MASK = 3
CTRL_PFSWR = 1

INTENA = 1 << 0
CLEARPBA = 1 << 1
SWINT_TRIG = 1 << 2
ITR_NONE = 3 << 3
WB_ON_ITR = 1 << 30
INTENA_MSK = 1 << 31

# What drivers write to enable a vector and leave the interval alone
INT_ENABLE = INTENA | ITR_NONE


class PfMap:
    """Physical function."""

    device = 0x1452
    bar_size = 256 << 20
    arqbal = 0x08400000
    arqbah = 0x08400004
    arqlen = 0x08400008
    arqh = 0x0840000c
    arqt = 0x08400010
    atqbal = 0x08400014
    atqbah = 0x08400018
    atqlen = 0x0840001c
    atqh = 0x08400020
    atqt = 0x08400024
    oicr_ena = 0x08406000
    rstat = 0x08407008
    ctrl = 0x0840700c
    # name: (first offset, spacing) of the register files
    tx_tail = (0x05000000, 0x1000)
    rx_tail = (0x00000000, 0x1000)
    bufq_tail = (0x03000000, 0x1000)
    dyn_ctl = (0x08900000, 0x1000)
    # windows that drivers map before they have talked to the device
    static_windows = ((0x08400000, 0x1000), (0x08407000, 0x800))


class VfMap:
    """Virtual function."""

    device = 0x145c
    bar_size = 1 << 20
    arqbah = 0x6000
    arqbal = 0x6c00
    arqlen = 0x8000
    arqh = 0x7400
    arqt = 0x7000
    atqbah = 0x7800
    atqbal = 0x7c00
    atqlen = 0x6800
    atqh = 0x6400
    atqt = 0x8400
    oicr_ena = 0x5000
    rstat = 0x8800
    ctrl = None
    tx_tail = (0x40000, 4)
    rx_tail = (0x50000, 4)
    bufq_tail = (0x60000, 4)
    dyn_ctl = None
    static_windows = ((0x6000, 0x2800), (0x8800, 0x800))


MAILBOX_REGS = ("arqbal", "arqbah", "arqlen", "arqh", "arqt",
                "atqbal", "atqbah", "atqlen", "atqh", "atqt")
