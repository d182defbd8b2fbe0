# SPDX-License-Identifier: GPL-2.0-only
#
# Unit tests of the software NIC's data path

TESTS += nic_parse nic_rss nic_capture

nic_parse_srcs := $(NIC)/parse.c $(NIC)/engines/hsplit.c

# the engines that the table names, with what they need
NIC_ENGINES := $(wildcard $(NIC)/engines/*.c)

nic_rss_srcs := $(NIC_ENGINES) $(NIC)/parse.c

nic_capture_srcs := $(addprefix $(NIC)/,capture.c report.c)
nic_capture_cflags := $(shell pkg-config --cflags glib-2.0)
nic_capture_libs := $(shell pkg-config --libs glib-2.0)

TESTS += nic_queues

nic_queues_srcs := $(addprefix $(NIC)/,queue.c tx.c tx_format.c tx_offload.c rx.c \
		     rx_format.c model.c wire.c parse.c dma.c report.c capture.c \
		     fault.c impair.c corrupt.c twist.c \
		     io.c) \
		   $(wildcard $(NIC)/wires/*.c) $(NIC_ENGINES)
nic_queues_cflags := $(shell pkg-config --cflags glib-2.0)
nic_queues_libs := $(shell pkg-config --libs glib-2.0)

TESTS += nic_dma

nic_dma_srcs := $(addprefix $(NIC)/,dma.c report.c)
nic_dma_cflags := $(shell pkg-config --cflags glib-2.0)
nic_dma_libs := $(shell pkg-config --libs glib-2.0)
