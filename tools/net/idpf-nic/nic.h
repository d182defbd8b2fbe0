/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The software NIC as a whole: its ports, its two threads, their lock.
 *
 * io thread	owns every socket.  Register accesses touch nothing but atomics
 *		and are answered at once, whatever the data path does; only
 *		a reset and the set-up of the mailbox wait for the round in
 *		progress.
 * data thread	owns what queues and messages change: mailbox, control plane,
 *		queues, wires, capture, interrupt throttling.  It works in
 *		bounded rounds and holds nic->lock during a round.
 *
 * What the io thread changes of the data thread's world (maps, eventfds, a
 * reset, a control command) it changes between two rounds: nic_lock() waits
 * for the round in progress, at most, and keeps the next one from starting.
 */

#ifndef IDPF_NIC_NIC_H
#define IDPF_NIC_NIC_H

#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../../../include/wto/regs.h"
#include "bar.h"
#include "cp.h"
#include "dma.h"
#include "fault.h"
#include "impair.h"
#include "irq.h"
#include "mbx.h"
#include "model.h"
#include "pci.h"
#include "queue.h"
#include "report.h"
#include "wire.h"

#define NIC_MAX_PORTS		32

/* Frames as drivers see them, without FCS */
#define NIC_MIN_FRAME		60	/* shorter ones are padded when sent */
#define NIC_MAX_FRAME		9728
#define NIC_MAX_MTU		9706
/* buffers over which the headers of a packet to be segmented may be spread */
#define NIC_MAX_HDR_BUFS	16
#define NIC_MAX_TX_HDR		255	/* fields of 8 bits say so much */
#define NIC_MAX_TX_BUFS		255
#define NIC_MIN_MTU		1500
/* what the driver subtracts from vc2_create_vport.max_mtu: header, two VLAN
 * tags, FCS
 */
#define NIC_MTU_OVERHEAD	26

#define NIC_LINK_SPEED_MBPS	100000

/* Entries of the indirection table: the largest power of two that fits in one
 * message.  The kernel's driver does not split a longer table.
 */
#define NIC_RSS_LUT_SIZE	512

struct capture;
struct control;
struct vfu;

/**
 * enum nic_identity - which function a port shows to the bus
 * @NIC_ID_PF: 8086:1452, register map of a physical function
 * @NIC_ID_VF: 8086:145c, register map of a virtual function
 * @NIC_ID_CLASS: an id that no driver lists; found by class code, PF map
 */
enum nic_identity {
	NIC_ID_PF,
	NIC_ID_VF,
	NIC_ID_CLASS,
};

/**
 * struct nic_port_config - what the command line says about a port
 * @name: name in reports, statistics and the capture
 * @socket_path: where the vfio-user socket listens
 * @identity: PCI identity and register map
 * @mac: address of the first vport; vport n has n added to the fifth byte
 * @num_qpairs: queue pairs of all vports together, 1 to QUEUE_MAX_PAIRS
 * @mtu: largest MTU a netdev on it may have, NIC_MIN_MTU to NIC_MAX_MTU
 * @num_vports: vports the driver is told to create, 1 to CP_MAX_VPORTS
 * @rss_lut_size: entries of the indirection table, 1 to RSS_LUT_MAX
 * @lso_id_bits: bits in which the IPv4 ids of TCP segments count, 15 or 16
 * @tx_hdr: bytes of headers that send offloads cope with, 1 to NIC_MAX_TX_HDR
 * @tx_bufs: buffers of one frame on the wire, 1 to NIC_MAX_TX_BUFS
 * @model: queue model
 * @policy: capabilities that are not granted
 */
struct nic_port_config {
	char name[IFNAMSIZ];
	char *socket_path;
	enum nic_identity identity;
	u8 mac[ETH_ALEN];
	u16 num_qpairs;
	u16 mtu;
	u16 num_vports;
	u16 rss_lut_size;
	u16 lso_id_bits;
	u16 tx_hdr;
	u16 tx_bufs;
	const struct nic_model *model;
	struct cp_policy policy;
};

/**
 * struct nic_kick - what the io thread has seen since the data thread looked
 * @txq: bit n: the tail of transmit queue n was written
 * @rxq: bit n: a receive tail was written while @rx_starved bit n was set;
 *	split model: n is a buffer queue; single model: n is a receive queue
 * @rx_starved: set by the data thread for queues whose next buffers it waits
 *	for; for all others a tail write wakes nobody
 * @irq: bit n: vector n was enabled with an event pending
 * @mbx: a mailbox register was written
 */
struct nic_kick {
	_Atomic u64 txq;
	_Atomic u64 rxq;
	_Atomic u64 rx_starved;
	_Atomic u64 irq;
	_Atomic bool mbx;
};

/**
 * struct nic_port - one PCI function with its network port
 * @nic: the process
 * @idx: number, order of the command line
 * @cfg: configuration, never changes
 * @vfu: vfio-user connection; io thread
 * @pci: configuration space; io thread
 * @bar: registers; io thread, read by both through atomics
 * @kick: work for the data thread; io thread sets, data thread takes
 * @irq: vectors
 * @dma: the guest's memory; changed and used under nic->lock only
 * @mbx: control queues; data thread
 * @cp: control plane: capabilities, vports, filters; data thread
 * @queues: all queues of the port, by absolute id; data thread
 * @wire: the port's end of a wire; data thread
 * @link_admin: link switched on by the user; data thread
 * @report: error counters
 * @fault: injected faults
 * @impair: frames on their way to the wire; data thread
 */
struct nic_port {
	struct nic *nic;
	unsigned int idx;
	struct nic_port_config cfg;
	struct vfu *vfu;
	struct pci pci;
	struct bar bar;
	struct nic_kick kick;
	struct irq irq;
	struct dma dma;
	struct mbx mbx;
	struct cp cp;
	struct queues queues;
	struct wire_end wire;
	bool link_admin;
	struct report report;
	struct fault fault;
	struct impair impair;
};

/**
 * struct nic - the process
 * @ports: all ports
 * @num_ports: entries of @ports
 * @wires: all wires
 * @num_wires: entries of @wires
 * @capture: capture file or NULL; interface n is port n
 * @control: control socket or NULL
 * @lock: held by the data thread during a round
 * @turn: signalled when a caller of nic_lock() is through
 * @round: signalled when a round is over
 * @num_waiters: callers of nic_lock() that want the data thread to pause
 * @data_waits: the data thread wants to begin a round
 * @was_locked: since the last round somebody has had the lock; under @lock
 * @data_thread: the thread
 * @wake_fd: eventfd the data thread sleeps on
 * @sleeping: the data thread sleeps or is about to; who finds it set, clears
 *	it and writes to @wake_fd
 * @stop: the data thread shall end
 * @capture_rx: record received frames as well
 */
struct nic {
	struct nic_port *ports[NIC_MAX_PORTS];
	unsigned int num_ports;
	struct wire *wires[NIC_MAX_PORTS];
	unsigned int num_wires;
	struct capture *capture;
	struct control *control;

	pthread_mutex_t lock;
	pthread_cond_t turn;
	pthread_cond_t round;
	_Atomic int num_waiters;
	_Atomic bool data_waits;
	bool was_locked;

	pthread_t data_thread;
	int wake_fd;
	_Atomic bool sleeping;
	_Atomic bool stop;
	bool capture_rx;
};

/**
 * nic_port_new() - create a port and enter it in @nic
 * @nic: the process, with room for it
 * @cfg: configuration, checked; its strings are taken over
 *
 * Context: at start, before the data thread.
 * Return: the port; it does not listen yet.
 */
struct nic_port *nic_port_new(struct nic *nic, const struct nic_port_config *cfg);

/* free a port.  Context: after the data thread has ended. */
void nic_port_free(struct nic_port *port);

/**
 * nic_port_reset() - function reset: as after power-up
 * @port: the port
 *
 * Clears mailbox, vports, queues, vectors' state and registers.  Guest memory
 * maps and eventfds belong to the VMM and stay.
 *
 * Context: nic->lock held.
 */
void nic_port_reset(struct nic_port *port);

/**
 * nic_port_by_name() - find a port
 * @nic: the process
 * @name: configured name
 *
 * Return: the port or NULL.
 */
struct nic_port *nic_port_by_name(struct nic *nic, const char *name);

/**
 * nic_port_link_up() - state of the link that drivers are told
 * @port: the port
 *
 * Return: true if the port is on a wire and neither end is switched off.
 * Context: nic->lock held.
 */
bool nic_port_link_up(const struct nic_port *port);

/* Is the guest's driver allowed to make the port master the bus? */
static inline bool nic_port_may_dma(struct nic_port *port)
{
	return atomic_load_explicit(&port->pci.may_dma, memory_order_acquire);
}

/**
 * nic_port_set_link() - plug or unplug the cable
 * @port: the port
 * @up: plug
 *
 * Enabled vports of all ports on the wire are told.
 *
 * Context: nic->lock held.
 */
void nic_port_set_link(struct nic_port *port, bool up);

/* data.c: the data thread */

/**
 * nic_lock() - make the data thread pause between two rounds
 * @nic: the process
 *
 * The data thread and who calls this take turns: a guest that keeps the io
 * thread busy with what needs the lock does not keep frames from flowing.
 *
 * Context: io thread.  Waits for one round at most.
 */
void nic_lock(struct nic *nic);

/**
 * nic_unlock() - let the data thread go on
 * @nic: the process
 */
void nic_unlock(struct nic *nic);

/* nic_wake() for a data thread that sleeps */
void nic_wake_slow(struct nic *nic);

/**
 * nic_wake() - make the data thread look at its kicks
 * @nic: the process
 *
 * To be called after the work has been published with a sequentially
 * consistent store: either the data thread sees the work before it sleeps, or
 * this call sees that it sleeps.
 */
static inline void nic_wake(struct nic *nic)
{
	if (atomic_load(&nic->sleeping))
		nic_wake_slow(nic);
}

/**
 * data_round() - one round of work over all ports
 * @nic: the process, ports and wires complete
 * @deadline_ns: result: when a round is due although nobody wakes us
 *
 * Interrupts come last, for all ports: what one port sends another one
 * receives, and both shall be told once a round.
 *
 * Context: data thread, nic->lock held; or a test without data thread.
 * Return: true if there is more to do at once.
 */
bool data_round(struct nic *nic, u64 *deadline_ns);

/**
 * data_start() - start the data thread
 * @nic: the process, ports and wires complete
 *
 * Return: 0 or a negative errno.
 */
int data_start(struct nic *nic);

/**
 * data_stop() - end the data thread and wait for it
 * @nic: the process
 */
void data_stop(struct nic *nic);

/* monotonic time in ns */
u64 nic_now_ns(void);

#endif /* IDPF_NIC_NIC_H */
