/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wires: what joins ports.
 *
 * Context of everything here: data thread, nic->lock held, if not said
 * otherwise.
 */

#ifndef IDPF_NIC_WIRE_H
#define IDPF_NIC_WIRE_H

#include <sys/uio.h>

#include "../../../include/wto/virtchnl.h"
#include "parse.h"

#define WIRE_NAME_LEN		32

struct cp_vport;
struct nic;
struct nic_port;
struct wire;

/**
 * struct frame - an Ethernet frame without FCS
 * @iov: its bytes; the first piece is the NIC's own memory and holds the first
 *	PARSE_MAX_BYTES of the frame at least (or all of it), the others may lie
 *	in guest memory and change while one looks
 * @num_iov: pieces
 * @len: sum of the pieces' lengths, NIC_MIN_FRAME to NIC_MAX_FRAME
 * @src: vport that sent it, NULL: it came from outside of the process
 * @may_wait: who sends it can keep it and offer it again
 * @info: what parse_frame() found
 */
struct frame {
	const struct iovec *iov;
	unsigned int num_iov;
	u32 len;
	struct cp_vport *src;
	bool may_wait;
	struct parse_info info;
};

/* first bytes of a frame, safe to look at more than once */
static inline const u8 *frame_head(const struct frame *frame)
{
	return frame->iov[0].iov_base;
}

/**
 * struct wire_kinds - frames of one direction by address and size
 * @octets: octets, with FCS
 * @unicast: frames by address
 * @multicast: as above
 * @broadcast: as above
 * @size: frames by length, as struct vc2_phy_stats has them
 */
struct wire_kinds {
	u64 octets;
	u64 unicast;
	u64 multicast;
	u64 broadcast;
	u64 size[VC2_PHY_NUM_SIZES];
};

/**
 * struct wire_stats - frames and bytes, without FCS
 * @tx_packets: sent to the wire
 * @tx_bytes: bytes of these
 * @tx_dropped: not sent: no link, or the far end does not take it
 * @rx_packets: taken from the wire
 * @rx_bytes: bytes of these
 * @rx_dropped_no_buffer: no receive buffer was posted in time
 * @rx_waited: a frame waited at the sender for a receive buffer
 * @rx_dropped_filter: no vport wants the address
 * @rx_dropped_disabled: no vport or no queue is enabled
 * @rx_dropped_error: other reasons
 * @tx: sent frames by kind
 * @rx: received frames by kind
 */
struct wire_stats {
	u64 tx_packets;
	u64 tx_bytes;
	u64 tx_dropped;
	u64 rx_packets;
	u64 rx_bytes;
	u64 rx_dropped_no_buffer;
	u64 rx_waited;
	u64 rx_dropped_filter;
	u64 rx_dropped_disabled;
	u64 rx_dropped_error;
	struct wire_kinds tx;
	struct wire_kinds rx;
};

/**
 * struct wire_end - where a port meets its wire
 * @wire: the wire, NULL: no cable
 * @end: number of the end
 * @stats: counters of the port at this place
 */
struct wire_end {
	struct wire *wire;
	unsigned int end;
	struct wire_stats stats;
};

/**
 * struct wire_ops - a kind of wire
 * @kind: name in --wire
 * @open: create from what follows "kind:", connect the ports named there;
 *	returns NULL with a message on stderr if that is not possible
 * @close: free
 * @xmit: a frame enters at end @end; false: offer it again later, see
 *	rx_deliver()
 * @link_up: may @end send: is there somebody at the far end
 * @run: wires to the outside: exchange frames with it; adds the time to be
 *	called again at the latest to @due_ns, sets wire.fd; returns true if
 *	there is more to do at once; NULL: nothing is outside
 */
struct wire_ops {
	const char *kind;
	struct wire *(*open)(struct nic *nic, const char *args);
	void (*close)(struct wire *wire);
	bool (*xmit)(struct wire *wire, unsigned int end,
		     const struct frame *frame);
	bool (*link_up)(const struct wire *wire, unsigned int end);
	bool (*run)(struct wire *wire, u64 *due_ns);
};

/**
 * struct wire - common part of all kinds
 * @ops: kind
 * @nic: the process
 * @name: for statistics
 * @ports: ports by end, NULL where something else is connected
 * @num_ports: entries of @ports
 * @packets: frames that entered at any end
 * @bytes: bytes of these
 * @fd: what the data thread waits for beside doorbells, -1: nothing
 * @events: POLLIN, POLLOUT
 */
struct wire {
	const struct wire_ops *ops;
	struct nic *nic;
	char name[WIRE_NAME_LEN];
	struct nic_port **ports;
	unsigned int num_ports;
	u64 packets;
	u64 bytes;
	int fd;
	short events;
};

extern const struct wire_ops wire_pair_ops;
extern const struct wire_ops wire_stream_ops;
extern const struct wire_ops wire_switch_ops;
extern const struct wire_ops wire_tap_ops;

/**
 * wire_open() - create a wire
 * @nic: the process; its ports exist
 * @spec: "kind:args"
 *
 * Context: at start, before the data thread.
 * Return: the wire, entered in @nic, or NULL with a message on stderr.
 */
struct wire *wire_open(struct nic *nic, const char *spec);

/* close all wires.  Context: after the data thread has ended. */
void wire_close_all(struct nic *nic);

/**
 * wire_attach() - put a port on a wire; for wires' open()
 * @wire: the wire
 * @end: its end
 * @name: of the port
 *
 * Return: 0, or a negative errno with a message on stderr (no such port, has a
 * wire already).
 */
int wire_attach(struct wire *wire, unsigned int end, const char *name);

/**
 * wire_xmit() - a port sends a frame
 * @port: the port
 * @frame: the frame, padded
 *
 * Captures, counts and hands it over to the wire.
 *
 * Return: false if it is to be offered again later.
 */
bool wire_xmit(struct nic_port *port, const struct frame *frame);

/**
 * wire_receive() - a frame arrives at a port; for wires' xmit()
 * @port: the port
 * @frame: the frame
 *
 * Return: false if it is to be offered again later.
 */
bool wire_receive(struct nic_port *port, const struct frame *frame);

/**
 * wire_inject() - a frame comes from outside of the process
 * @wire: the wire, with the port at end 0
 * @data: the frame, in the NIC's own memory
 * @len: its bytes; a short frame is padded
 *
 * Return: false if it is to be offered again later.
 */
bool wire_inject(struct wire *wire, const u8 *data, u32 len);

/* is anybody at the far end?  Does not look at nic_port.link_admin of @port. */
bool wire_far_end_up(const struct nic_port *port);

#endif /* IDPF_NIC_WIRE_H */
