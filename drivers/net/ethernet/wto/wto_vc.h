/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtchnl2: one function for each operation.  Structures of the host come in
 * and go out; nobody else sees the wire's bytes.  All counts, ids and lengths
 * in a reply are checked here; register offsets are checked against what is
 * mapped by wto_hw_reg() when they are put to use.
 *
 * All of them sleep, and return 0 or a negative errno: -EIO for a refusal or
 * a mailbox that is down, -EBADMSG for a malformed reply, -ETIMEDOUT, -ENODEV
 * when the device is gone, -ENOMEM.
 */

#ifndef WTO_VC_H
#define WTO_VC_H

#include <linux/if_ether.h>
#include <linux/types.h>

#include <wto/virtchnl.h>

struct wto_hw_range;
struct wto_mbx;

/* Most queue pairs of one vport that this driver uses */
#define WTO_MAX_QUEUES		16
#define WTO_MAX_VECTORS		(WTO_MAX_QUEUES * 4)
#define WTO_MAX_RSS_KEY		128
#define WTO_MAX_RSS_LUT		2048

/**
 * struct wto_vc_version - version of the interface
 * @major: another one is another interface
 * @minor: a higher one has more messages
 */
struct wto_vc_version {
	u32 major;
	u32 minor;
};

/**
 * struct wto_vc_caps - what the device grants
 * @csum: VC2_CSUM_*
 * @seg: VC2_SEG_*
 * @hsplit: VC2_HSPLIT_*
 * @rsc: VC2_RSC_*
 * @rss: VC2_FLOW_*
 * @other: VC2_CAP_*
 * @mbx_dyn_ctl: BAR0 offset of the mailbox vector's control register
 * @mbx_vector: MSI-X entry of the mailbox
 * @num_vectors: vectors of the function, that of the mailbox included
 * @max_txq: transmit queues
 * @max_complq: completion queues
 * @max_rxq: receive queues
 * @max_bufq: buffer queues
 * @max_vports: vports that may be created
 * @default_vports: vports that should be created
 * @max_tx_hdr: bytes of headers that transmit offloads cope with
 * @max_sg_bufs: buffers of one packet on the wire
 * @min_pkt_len: shortest frame that may be sent, at most ETH_ZLEN
 */
struct wto_vc_caps {
	u32 csum;
	u32 seg;
	u32 hsplit;
	u32 rsc;
	u64 rss;
	u64 other;
	u32 mbx_dyn_ctl;
	u16 mbx_vector;
	u16 num_vectors;
	u16 max_txq;
	u16 max_complq;
	u16 max_rxq;
	u16 max_bufq;
	u16 max_vports;
	u16 default_vports;
	u16 max_tx_hdr;
	u8 max_sg_bufs;
	u8 min_pkt_len;
};

/**
 * struct wto_vc_vector - interrupt vector
 * @id: vector id and MSI-X entry
 * @dyn_ctl: BAR0 offset of its control register
 * @itr: BAR0 offsets of its throttling registers
 */
struct wto_vc_vector {
	u16 id;
	u64 dyn_ctl;
	u64 itr[2];
};

/**
 * struct wto_vc_queue_id - queue that the device gave
 * @id: absolute id, used in messages
 * @tail: BAR0 offset of the tail register
 */
struct wto_vc_queue_id {
	u32 id;
	u64 tail;
};

/**
 * struct wto_vc_vport - a vport as the device describes it
 * @id: its name in messages
 * @index: the driver's number of it
 * @num_txq: elements of @txq
 * @num_complq: elements of @complq
 * @num_rxq: elements of @rxq
 * @num_bufq: elements of @bufq
 * @max_frame: longest frame in bytes
 * @default_rxq: where goes what RSS does not spread
 * @txq_model: VC2_QUEUE_MODEL_* for transmit, as the device says
 * @rxq_model: the same for receive
 * @mac: address, all zero if the device has none
 * @rx_desc_ids: bit n: receive format n is offered
 * @tx_desc_ids: bit n: transmit descriptor type n is offered
 * @rss_alg: VC2_RSS_ALG_*
 * @rss_key_size: bytes
 * @rss_lut_size: entries
 * @txq: transmit queues
 * @complq: completion queues
 * @rxq: receive queues
 * @bufq: buffer queues
 */
struct wto_vc_vport {
	u32 id;
	u16 index;
	u16 num_txq;
	u16 num_complq;
	u16 num_rxq;
	u16 num_bufq;
	u16 max_frame;
	u16 default_rxq;
	u16 txq_model;
	u16 rxq_model;
	u8 mac[ETH_ALEN];
	u64 rx_desc_ids;
	u64 tx_desc_ids;
	u32 rss_alg;
	u16 rss_key_size;
	u16 rss_lut_size;
	struct wto_vc_queue_id txq[WTO_MAX_QUEUES];
	struct wto_vc_queue_id complq[WTO_MAX_QUEUES];
	struct wto_vc_queue_id rxq[WTO_MAX_QUEUES];
	struct wto_vc_queue_id bufq[WTO_MAX_QUEUES];
};

/**
 * struct wto_vc_txq - configuration of a transmit or completion queue
 * @compl: this is a completion queue
 * @model: VC2_QUEUE_MODEL_*
 * @sched: VC2_TXQ_SCHED_*
 * @id: absolute id
 * @rel_id: transmit: id in completions
 * @compl_id: transmit, split model: absolute id of the completion queue
 * @len: descriptors
 * @dma: ring address
 */
struct wto_vc_txq {
	bool compl;
	u16 model;
	u16 sched;
	u32 id;
	u16 rel_id;
	u16 compl_id;
	u16 len;
	dma_addr_t dma;
};

/**
 * struct wto_vc_rxq - configuration of a receive or buffer queue
 * @buf: this is a buffer queue
 * @model: VC2_QUEUE_MODEL_*
 * @rxdid: receive: IDPF_RXDID_*
 * @hsplit: headers into buffers of their own
 * @id: absolute id
 * @bufq_id: receive, split model: absolute id of the buffer queue
 * @len: descriptors
 * @hdr_size: bytes of a header buffer
 * @buf_size: bytes of a packet buffer
 * @max_pkt: longest frame to deliver
 * @dma: ring address
 */
struct wto_vc_rxq {
	bool buf;
	bool hsplit;
	u8 rxdid;
	u16 model;
	u32 id;
	u16 bufq_id;
	u16 len;
	u16 hdr_size;
	u32 buf_size;
	u32 max_pkt;
	dma_addr_t dma;
};

/**
 * struct wto_vc_qref - queue in an enable or disable message
 * @type: VC2_QUEUE_TYPE_*
 * @id: absolute id
 */
struct wto_vc_qref {
	u32 type;
	u32 id;
};

/**
 * struct wto_vc_qmap - queue and its vector
 * @type: VC2_QUEUE_TYPE_TX or _RX
 * @queue_id: absolute id
 * @vector_id: vector
 * @itr_idx: VC2_ITR_IDX_*
 */
struct wto_vc_qmap {
	u32 type;
	u32 queue_id;
	u16 vector_id;
	u32 itr_idx;
};

/**
 * struct wto_vc_mac - address filter
 * @addr: the address
 * @primary: the vport's own address
 */
struct wto_vc_mac {
	u8 addr[ETH_ALEN];
	bool primary;
};

/**
 * enum wto_ptype_l4 - innermost protocol that a packet type tells
 * @WTO_PTYPE_L4_NONE: none, or not known
 * @WTO_PTYPE_L4_TCP: TCP
 * @WTO_PTYPE_L4_UDP: UDP
 * @WTO_PTYPE_L4_SCTP: SCTP
 * @WTO_PTYPE_L4_ICMP: ICMP or ICMPv6
 */
enum wto_ptype_l4 {
	WTO_PTYPE_L4_NONE,
	WTO_PTYPE_L4_TCP,
	WTO_PTYPE_L4_UDP,
	WTO_PTYPE_L4_SCTP,
	WTO_PTYPE_L4_ICMP,
};

/**
 * struct wto_ptype - a packet type, all zero if the device does not use it
 *
 * Types are named by 10 bits, in base descriptors by 8.  A table has first
 * VC2_PTYPE_MAX elements by the wide name, then WTO_PTYPE_NUM_NARROW by the
 * narrow one.
 *
 * @l3: outermost IP version, 4 or 6, 0 if none
 * @inner_l3: IP version inside a tunnel, 0 if none
 * @l4: enum wto_ptype_l4, of the innermost header
 * @frag: fragment
 */
struct wto_ptype {
	u8 l3;
	u8 inner_l3;
	u8 l4;
	bool frag;
};

#define WTO_PTYPE_NUM_NARROW	256
#define WTO_PTYPE_TABLE_LEN	(VC2_PTYPE_MAX + WTO_PTYPE_NUM_NARROW)

/**
 * struct wto_nic_stats - the device's counters of a vport
 * @rx_bytes: received bytes
 * @rx_unicast: received frames
 * @rx_multicast: received frames
 * @rx_broadcast: received frames
 * @rx_discards: frames for which there was no buffer or no filter
 * @rx_errors: frames with errors
 * @rx_unknown_protocol: frames of unknown protocol
 * @tx_bytes: sent bytes
 * @tx_unicast: sent frames
 * @tx_multicast: sent frames
 * @tx_broadcast: sent frames
 * @tx_discards: frames not sent
 * @tx_errors: frames not sent because of an error
 * @rx_invalid_frame_length: frames too short or too long
 * @rx_overflow_drop: frames lost by overflow
 */
struct wto_nic_stats {
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
 * struct wto_phy_stats - the device's counters of the port, at the wire
 * @rx_octets: received octets, FCS included
 * @rx_unicast: received frames
 * @rx_multicast: received frames
 * @rx_broadcast: received frames
 * @rx_size: received frames by length, see struct vc2_phy_stats
 * @rx_undersized: good frames that are too short
 * @rx_fragmented: bad frames that are too short
 * @rx_oversized: good frames that are too long
 * @rx_jabber: bad frames that are too long
 * @rx_length_errors: frames whose length field is wrong
 * @rx_crc_errors: frames with a bad FCS
 * @tx_octets: sent octets, FCS included
 * @tx_unicast: sent frames
 * @tx_multicast: sent frames
 * @tx_broadcast: sent frames
 * @tx_errors: frames not sent because of an error
 * @tx_size: sent frames by length
 */
struct wto_phy_stats {
	u64 rx_octets;
	u64 rx_unicast;
	u64 rx_multicast;
	u64 rx_broadcast;
	u64 rx_size[VC2_PHY_NUM_SIZES];
	u64 rx_undersized;
	u64 rx_fragmented;
	u64 rx_oversized;
	u64 rx_jabber;
	u64 rx_length_errors;
	u64 rx_crc_errors;
	u64 tx_octets;
	u64 tx_unicast;
	u64 tx_multicast;
	u64 tx_broadcast;
	u64 tx_errors;
	u64 tx_size[VC2_PHY_NUM_SIZES];
};

/**
 * struct wto_vc_link - link event
 * @vport_id: which vport
 * @speed_mbps: Mbit/s
 * @up: link is up
 */
struct wto_vc_link {
	u32 vport_id;
	u32 speed_mbps;
	bool up;
};

/**
 * struct wto_vc_call - request and what its reply must be like
 * @op: VC2_OP_*
 * @req: request
 * @req_len: its bytes
 * @reply: room for the reply, may be NULL
 * @reply_max: bytes there
 * @reply_min: a shorter reply is malformed
 * @again: send it once more if there is no reply: to do it twice does no harm
 * @optional: a device need not know the operation: a refusal is no error to
 *	report, and gives -EOPNOTSUPP
 */
struct wto_vc_call {
	u32 op;
	const void *req;
	size_t req_len;
	void *reply;
	size_t reply_max;
	size_t reply_min;
	bool again;
	bool optional;
};

int wto_vc_call(struct wto_mbx *mbx, const struct wto_vc_call *call);

/* wto_vc.c: function */
int wto_vc_version(struct wto_mbx *mbx, struct wto_vc_version *version);
int wto_vc_get_caps(struct wto_mbx *mbx, struct wto_vc_caps *caps);
int wto_vc_get_regions(struct wto_mbx *mbx, struct wto_hw_range *ranges,
		       unsigned int max);
int wto_vc_alloc_vectors(struct wto_mbx *mbx, struct wto_vc_vector *vectors,
			 u16 num);
int wto_vc_dealloc_vectors(struct wto_mbx *mbx,
			   const struct wto_vc_vector *vectors, u16 num);
int wto_vc_get_ptypes(struct wto_mbx *mbx, struct wto_ptype *table);
int wto_vc_reset_vf(struct wto_mbx *mbx);
const char *wto_vc_op_name(u32 opcode);

/* wto_vc.c: vport */
int wto_vc_create_vport(struct wto_mbx *mbx, u16 index, u16 num_queues,
			struct wto_vc_vport *vport);
int wto_vc_destroy_vport(struct wto_mbx *mbx, u32 vport_id);
int wto_vc_enable_vport(struct wto_mbx *mbx, u32 vport_id, bool enable);
int wto_vc_get_stats(struct wto_mbx *mbx, u32 vport_id,
		     struct wto_nic_stats *stats);
bool wto_vc_parse_link(struct wto_mbx *mbx, u32 opcode, const void *buf,
		       size_t len, struct wto_vc_link *link);

/* wto_vc_queue.c */
int wto_vc_config_txqs(struct wto_mbx *mbx, u32 vport_id,
		       const struct wto_vc_txq *queues, unsigned int num);
int wto_vc_config_rxqs(struct wto_mbx *mbx, u32 vport_id,
		       const struct wto_vc_rxq *queues, unsigned int num);
int wto_vc_enable_queues(struct wto_mbx *mbx, u32 vport_id,
			 const struct wto_vc_qref *queues, unsigned int num);
int wto_vc_disable_queues(struct wto_mbx *mbx, u32 vport_id,
			  const struct wto_vc_qref *queues, unsigned int num);
int wto_vc_map_vectors(struct wto_mbx *mbx, u32 vport_id,
		       const struct wto_vc_qmap *maps, unsigned int num);
int wto_vc_unmap_vectors(struct wto_mbx *mbx, u32 vport_id,
			 const struct wto_vc_qmap *maps, unsigned int num);
int wto_vc_set_rss_key(struct wto_mbx *mbx, u32 vport_id, const u8 *key,
		       u16 len);
int wto_vc_set_rss_lut(struct wto_mbx *mbx, u32 vport_id, const u32 *lut,
		       u16 num, u16 size);
int wto_vc_get_rss_hash(struct wto_mbx *mbx, u32 vport_id, u64 *types);
int wto_vc_set_rss_hash(struct wto_mbx *mbx, u32 vport_id, u64 types);
int wto_vc_add_macs(struct wto_mbx *mbx, u32 vport_id,
		    const struct wto_vc_mac *macs, unsigned int num);
int wto_vc_del_macs(struct wto_mbx *mbx, u32 vport_id,
		    const struct wto_vc_mac *macs, unsigned int num);
int wto_vc_set_promisc(struct wto_mbx *mbx, u32 vport_id, bool unicast,
		       bool multicast);

/* wto_vc_stats.c */
int wto_vc_get_port_stats(struct wto_mbx *mbx, u32 vport_id,
			  struct wto_phy_stats *stats);
int wto_vc_set_loopback(struct wto_mbx *mbx, u32 vport_id, bool enable);

#endif /* WTO_VC_H */
