/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control plane: what answers the driver's virtchnl2 messages.
 *
 * Context of everything here: data thread, nic->lock held.
 */

#ifndef IDPF_NIC_CP_H
#define IDPF_NIC_CP_H

#include "../../../include/wto/virtchnl.h"
#include "engines/rss.h"
#include "mbx.h"
#include "model.h"
#include "queue.h"

#define CP_MAX_VPORTS		8
#define CP_MAX_MACS		256	/* filter entries of a vport */

struct nic_port;

/**
 * enum cp_status - return values of a message, 0 is success
 * @CP_OK: done
 * @CP_EPERM: not granted to the driver, or not for drivers to send
 * @CP_ESRCH: no such operation
 * @CP_ENXIO: a vport, queue, vector or address that does not exist
 * @CP_EEXIST: there is one already
 * @CP_EINVAL: a length, count or value is wrong
 * @CP_ENOSPC: no more of them
 * @CP_EMODE: not in the queue model that the port or the vport has
 * @CP_ESM: not in this state: something else has to be done first
 *
 * Those of virtchnl2's values that the NIC has a use for.  The first ones are
 * errno's, but not all that errno has are virtchnl2's.
 */
enum cp_status {
	CP_OK		= 0,
	CP_EPERM	= 1,
	CP_ESRCH	= 3,
	CP_ENXIO	= 6,
	CP_EEXIST	= 17,
	CP_EINVAL	= 22,
	CP_ENOSPC	= 28,
	CP_EMODE	= 200,
	CP_ESM		= 201,
};

/**
 * struct cp_stats - counters of a vport, as in struct vc2_vport_stats
 * @rx_bytes: bytes delivered to the driver
 * @rx_unicast: frames delivered to the driver, by address
 * @rx_multicast: as above
 * @rx_broadcast: as above
 * @rx_discards: frames for it that were dropped without being wrong
 * @rx_errors: frames for it that were wrong
 * @rx_unknown_protocol: 0
 * @tx_bytes: bytes sent to the wire
 * @tx_unicast: frames sent to the wire, by address
 * @tx_multicast: as above
 * @tx_broadcast: as above
 * @tx_discards: frames that could not be sent for want of a link
 * @tx_errors: frames that could not be sent because they were wrong
 * @rx_invalid_frame_length: frames longer than the queue's largest packet
 * @rx_overflow_drop: frames without a receive buffer
 */
struct cp_stats {
	u64 rx_bytes;
	u64 rx_unicast;
	u64 rx_multicast;
	u64 rx_broadcast;
	u64 rx_discards;
	u64 rx_errors;
	u64 rx_unknown_protocol;
	u64 tx_bytes;
	u64 tx_unicast;
	u64 tx_multicast;
	u64 tx_broadcast;
	u64 tx_discards;
	u64 tx_errors;
	u64 rx_invalid_frame_length;
	u64 rx_overflow_drop;
};

/**
 * struct cp_vport - a vport
 * @port: the port
 * @id: name of it in messages
 * @index: the driver's number
 * @created: exists
 * @enabled: receives and sends
 * @loopback: what it sends comes back
 * @promisc: VC2_PROMISC_*
 * @model: queue model
 * @mac: default address
 * @macs: filter: addresses it receives
 * @num_macs: entries of @macs
 * @txq: absolute ids of its transmit queues, by relative id
 * @rxq: absolute ids of its receive queues, by relative id
 * @complq: absolute ids of its completion queues
 * @bufq: absolute ids of its buffer queues
 * @num_txq: entries of @txq
 * @num_rxq: entries of @rxq
 * @num_complq: entries of @complq
 * @num_bufq: entries of @bufq
 * @default_rxq: relative id of the queue for what RSS does not spread
 * @rss: receive side scaling
 * @link_event: the driver is to be told the state of the link
 * @stats: counters
 */
struct cp_vport {
	struct nic_port *port;
	u32 id;
	u16 index;
	bool created;
	bool enabled;
	bool loopback;
	u16 promisc;
	const struct nic_model *model;
	u8 mac[ETH_ALEN];
	u8 macs[CP_MAX_MACS][ETH_ALEN];
	unsigned int num_macs;
	u16 txq[QUEUE_MAX_PAIRS];
	u16 rxq[QUEUE_MAX_PAIRS];
	u16 complq[QUEUE_MAX_PAIRS];
	u16 bufq[QUEUE_MAX_BUFQ];
	u16 num_txq;
	u16 num_rxq;
	u16 num_complq;
	u16 num_bufq;
	u16 default_rxq;
	struct rss rss;
	bool link_event;
	struct cp_stats stats;
};

/**
 * struct cp - control plane of a port
 * @vports: by vport id
 * @granted: what GET_CAPS granted; requests outside of it are refused
 * @vec_alloc: bit v: vector v was handed out by ALLOC_VECTORS
 */
struct cp {
	struct cp_vport vports[CP_MAX_VPORTS];
	struct vc2_caps granted;
	u64 vec_alloc;
};

/**
 * struct cp_policy - what a port does not grant although the NIC could
 * @engines_off: bit n: engine n
 * @features_off: bit n: entry n of the table of other capabilities
 */
struct cp_policy {
	u32 engines_off;
	u32 features_off;
};

/**
 * cp_policy_set() - change what is granted
 * @policy: what to change
 * @names: names of engines or of capability groups
 * @separator: what stands between them
 * @grant: true: grant them, false: do not
 *
 * Context: at start, before the port exists.
 * Return: NULL, or the first name that does not exist, valid until the next call.
 */
const char *cp_policy_set(struct cp_policy *policy, const char *names,
			  const char *separator, bool grant);

/* does @policy deny VC2_CAP_* @cap, which is no engine's? */
bool cp_policy_denies(const struct cp_policy *policy, u64 cap);

/* names that cp_policy_set() knows, separated by blanks; to be freed */
char *cp_policy_names(void);

/**
 * cp_policy_name() - walk over the names that cp_policy_set() knows
 * @idx: number of the name, from 0
 * @policy: whose opinion is asked
 * @denied: set to whether it is not granted
 *
 * Return: the name, or NULL behind the last one.
 */
const char *cp_policy_name(unsigned int idx, const struct cp_policy *policy,
			   bool *denied);

void cp_init(struct nic_port *port);
void cp_reset(struct nic_port *port);

/**
 * cp_handle() - act on a message
 * @port: the port
 * @req: the message; its length is within the buffer, nothing else is checked
 * @rsp: the reply: data zeroed, opcode and cookie set
 *
 * Return: true if @rsp is to be sent (all but RESET_VF).
 */
bool cp_handle(struct nic_port *port, const struct mbx_msg *req,
	       struct mbx_msg *rsp);

/**
 * cp_link_changed() - tell enabled vports the state of the link
 * @port: the port
 *
 * Context: any thread, nic->lock held.
 */
void cp_link_changed(struct nic_port *port);

/* send events that are due; called when a reply is on its way */
void cp_send_events(struct nic_port *port);

/* name of an operation for reports */
const char *cp_opcode_name(u32 opcode);

/* operation of a name, 0: there is none */
u32 cp_opcode_by_name(const char *name);

#endif /* IDPF_NIC_CP_H */
