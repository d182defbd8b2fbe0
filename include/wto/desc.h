/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Descriptors of an IDPF function: control queue, transmit, completion,
 * buffer queue, receive, in both queue models.
 *
 * Everything is little endian in memory.  Masks belong to the field named in
 * the comment above them and are given relative to that field after byte
 * order conversion.  Bit fields of the C language are not used.
 */

#ifndef WTO_DESC_H
#define WTO_DESC_H

#include "../../drivers/net/ethernet/wto/offload/ofl_types.h"

/* ------------------------------------------------------------------ */
/* Control queue (mailbox), 32 bytes, both directions                  */

/**
 * struct idpf_ctlq_desc - one mailbox descriptor
 * @flags: IDPF_CTLQ_FLAG_*
 * @opcode: IDPF_CTLQ_OP_*
 * @datalen: bytes in the buffer (posting a receive buffer: its size)
 * @func_id: sender function; in a completed send the return value
 * @vc_opcode: virtchnl2 operation, IDPF_CTLQ_VC_OPCODE and _DTYPE
 * @vc_retval: virtchnl2 return value, 0 is success
 * @param0: parameter 0 of a direct message
 * @sw_cookie: set by the driver, echoed by the device
 * @vc_flags: unused, 0
 * @addr_high: upper half of the buffer address (note: before the lower one)
 * @addr_low: lower half of the buffer address
 */
struct idpf_ctlq_desc {
	__le16 flags;
	__le16 opcode;
	__le16 datalen;
	__le16 func_id;
	__le32 vc_opcode;
	__le32 vc_retval;
	__le32 param0;
	__le16 sw_cookie;
	__le16 vc_flags;
	__le32 addr_high;
	__le32 addr_low;
};

static_assert(sizeof(struct idpf_ctlq_desc) == 32, "ctlq descriptor");
static_assert(offsetof(struct idpf_ctlq_desc, vc_opcode) == 8, "vc_opcode");
static_assert(offsetof(struct idpf_ctlq_desc, sw_cookie) == 20, "sw_cookie");
static_assert(offsetof(struct idpf_ctlq_desc, addr_high) == 24, "addr_high");

/* flags */
#define IDPF_CTLQ_FLAG_DD		BIT(0)	/* descriptor done */
#define IDPF_CTLQ_FLAG_CMP		BIT(1)	/* command complete */
#define IDPF_CTLQ_FLAG_ERR		BIT(2)
#define IDPF_CTLQ_FLAG_FTYPE		GENMASK(7, 6)
#define IDPF_CTLQ_FTYPE_VM		1
#define IDPF_CTLQ_FTYPE_PF		2
#define IDPF_CTLQ_FLAG_RD		BIT(10)	/* buffer is read by the device */
#define IDPF_CTLQ_FLAG_VFC		BIT(11)
#define IDPF_CTLQ_FLAG_BUF		BIT(12)	/* has a buffer */
#define IDPF_CTLQ_FLAG_HOST_ID		GENMASK(15, 13)

/* opcode */
#define IDPF_CTLQ_OP_SEND_TO_CP		0x0801
#define IDPF_CTLQ_OP_SEND_TO_PEER	0x0804

/* vc_opcode */
#define IDPF_CTLQ_VC_OPCODE		GENMASK(27, 0)
#define IDPF_CTLQ_VC_DTYPE		GENMASK(31, 28)

#define IDPF_CTLQ_BUF_SIZE		4096

/* ------------------------------------------------------------------ */
/* Descriptor type numbers; as bits in CREATE_VPORT's descriptor ids    */

#define IDPF_TX_DTYPE_DATA		0
#define IDPF_TX_DTYPE_CTX		1
#define IDPF_TX_DTYPE_FLEX_TSO_CTX	5
#define IDPF_TX_DTYPE_FLEX_L2TAG1_L2TAG2	7
#define IDPF_TX_DTYPE_FLEX_FLOW_SCHED	12
#define IDPF_TX_DTYPE_DESC_DONE		15

#define IDPF_RXDID_BASE_32B		1
#define IDPF_RXDID_FLEX_SPLITQ		2	/* split model */
#define IDPF_RXDID_FLEX_SQ_NIC		2	/* single model, same number */

/* ------------------------------------------------------------------ */
/* Transmit, single queue model (base)                                  */

/**
 * struct idpf_tx_base_desc - base data descriptor
 * @buf_addr: DMA address of the buffer
 * @qw1: type, command, header lengths, size, tag (IDPF_TXB_*)
 */
struct idpf_tx_base_desc {
	__le64 buf_addr;
	__le64 qw1;
};

static_assert(sizeof(struct idpf_tx_base_desc) == 16, "base tx descriptor");

/* qw1 */
#define IDPF_TXB_DTYPE			GENMASK_ULL(3, 0)
#define IDPF_TXB_CMD_EOP		BIT_ULL(4)
#define IDPF_TXB_CMD_RS			BIT_ULL(5)
#define IDPF_TXB_CMD_ICRC		BIT_ULL(6)
#define IDPF_TXB_CMD_IL2TAG1		BIT_ULL(7)
#define IDPF_TXB_CMD_IIPT		GENMASK_ULL(10, 9)
#define IDPF_TXB_IIPT_NONE		0
#define IDPF_TXB_IIPT_IPV6		1
#define IDPF_TXB_IIPT_IPV4		2
#define IDPF_TXB_IIPT_IPV4_CSUM		3
#define IDPF_TXB_CMD_L4T		GENMASK_ULL(13, 12)
#define IDPF_TXB_L4T_NONE		0
#define IDPF_TXB_L4T_TCP		1
#define IDPF_TXB_L4T_SCTP		2
#define IDPF_TXB_L4T_UDP		3
#define IDPF_TXB_MACLEN			GENMASK_ULL(22, 16)	/* 2 bytes */
#define IDPF_TXB_IPLEN			GENMASK_ULL(29, 23)	/* 4 bytes */
#define IDPF_TXB_L4LEN			GENMASK_ULL(33, 30)	/* 4 bytes */
#define IDPF_TXB_BUF_SIZE		GENMASK_ULL(47, 34)
#define IDPF_TXB_L2TAG1			GENMASK_ULL(63, 48)

/**
 * struct idpf_tx_base_ctx_desc - base context descriptor
 * @tunneling: tunnel parameters (IDPF_TXBC_*)
 * @l2tag2: second VLAN tag
 * @rsvd: 0
 * @qw1: type, command, TSO length, MSS (IDPF_TXBC_QW1_*)
 */
struct idpf_tx_base_ctx_desc {
	__le32 tunneling;
	__le16 l2tag2;
	__le16 rsvd;
	__le64 qw1;
};

static_assert(sizeof(struct idpf_tx_base_ctx_desc) == 16, "base tx context");

/* tunneling */
#define IDPF_TXBC_EXT_IP		GENMASK(1, 0)
#define IDPF_TXBC_EXT_IP_NONE		0
#define IDPF_TXBC_EXT_IP_IPV6		1
#define IDPF_TXBC_EXT_IP_IPV4		2
#define IDPF_TXBC_EXT_IP_IPV4_CSUM	3
#define IDPF_TXBC_EXT_IPLEN		GENMASK(7, 2)	/* 4 bytes */
#define IDPF_TXBC_NATT			GENMASK(10, 9)
#define IDPF_TXBC_NATT_NONE		0
#define IDPF_TXBC_NATT_UDP		1
#define IDPF_TXBC_NATT_GRE		2
#define IDPF_TXBC_EIP_NOINC		BIT(11)	/* outer IP id constant */
#define IDPF_TXBC_NATLEN		GENMASK(18, 12)	/* 2 bytes */
#define IDPF_TXBC_DECTTL		GENMASK(22, 19)
#define IDPF_TXBC_L4T_CS		BIT(23)	/* outer UDP checksum too */

/* qw1 */
#define IDPF_TXBC_QW1_DTYPE		GENMASK_ULL(3, 0)
#define IDPF_TXBC_QW1_CMD_TSO		BIT_ULL(4)
#define IDPF_TXBC_QW1_CMD_TSYN		BIT_ULL(5)
#define IDPF_TXBC_QW1_CMD_IL2TAG2	BIT_ULL(6)
#define IDPF_TXBC_QW1_CMD_SWTCH		GENMASK_ULL(9, 8)
#define IDPF_TXBC_QW1_TSO_LEN		GENMASK_ULL(47, 30)
#define IDPF_TXBC_QW1_MSS		GENMASK_ULL(63, 50)

/* ------------------------------------------------------------------ */
/* Transmit, split queue model (flex)                                   */

/**
 * struct idpf_tx_flow_desc - data descriptor for flow scheduling, type 12
 * @buf_addr: DMA address of the buffer
 * @cmd_dtype: type and command (IDPF_TXF_*)
 * @ts: launch time, bits 23:0, unused without time based scheduling
 * @compl_tag: comes back in the packet's completion
 * @rxr_bufsize: size of the buffer (IDPF_TXF_BUF_SIZE)
 */
struct idpf_tx_flow_desc {
	__le64 buf_addr;
	u8 cmd_dtype;
	u8 ts[3];
	__le16 compl_tag;
	__le16 rxr_bufsize;
};

static_assert(sizeof(struct idpf_tx_flow_desc) == 16, "flow tx descriptor");

/* cmd_dtype */
#define IDPF_TXF_DTYPE			GENMASK(4, 0)
#define IDPF_TXF_CMD_EOP		BIT(5)
#define IDPF_TXF_CMD_CS_EN		BIT(6)
#define IDPF_TXF_CMD_RE			BIT(7)
/* rxr_bufsize */
#define IDPF_TXF_BUF_SIZE		GENMASK(13, 0)
#define IDPF_TXF_RXR			BIT(14)
/* the second quad word as a whole; cmd_dtype is its lowest byte */
#define IDPF_TXF_QW1_COMPL_TAG		GENMASK_ULL(47, 32)
#define IDPF_TXF_QW1_BUF_SIZE		GENMASK_ULL(61, 48)

/**
 * struct idpf_tx_flex_desc - data descriptor for queue scheduling, type 7
 * @buf_addr: DMA address of the buffer
 * @cmd_dtype: type and command (IDPF_TXX_*)
 * @l2tag1: first VLAN tag, with IDPF_TXX_CMD_IL2TAG1
 * @l2tag2: second VLAN tag
 * @buf_size: size of the buffer, bits 13:0
 */
struct idpf_tx_flex_desc {
	__le64 buf_addr;
	__le16 cmd_dtype;
	__le16 l2tag1;
	__le16 l2tag2;
	__le16 buf_size;
};

static_assert(sizeof(struct idpf_tx_flex_desc) == 16, "flex tx descriptor");

/* cmd_dtype */
#define IDPF_TXX_DTYPE			GENMASK(4, 0)
#define IDPF_TXX_CMD_EOP		BIT(5)
#define IDPF_TXX_CMD_RS			BIT(6)
#define IDPF_TXX_CMD_RE			BIT(7)
#define IDPF_TXX_CMD_IL2TAG1		BIT(8)
#define IDPF_TXX_CMD_DUMMY		BIT(9)
#define IDPF_TXX_CMD_CS_EN		BIT(10)
/* the second quad word as a whole; cmd_dtype is its lowest word */
#define IDPF_TXX_QW1_BUF_SIZE		GENMASK_ULL(61, 48)

/**
 * struct idpf_tx_flex_tso_ctx - segmentation context, type 5
 * @tlen: payload bytes to segment (IDPF_TXC_TLEN)
 * @mss: payload bytes of a segment (IDPF_TXC_MSS)
 * @hdr_len: bytes of all headers
 * @flex: unused
 * @cmd_dtype: type and command (IDPF_TXC_*)
 * @flex2: unused
 */
struct idpf_tx_flex_tso_ctx {
	__le32 tlen;
	__le16 mss;
	u8 hdr_len;
	u8 flex;
	__le16 cmd_dtype;
	u8 flex2[6];
};

static_assert(sizeof(struct idpf_tx_flex_tso_ctx) == 16, "tso context");

/* tlen */
#define IDPF_TXC_TLEN			GENMASK(17, 0)
/* mss */
#define IDPF_TXC_MSS			GENMASK(13, 0)
/* cmd_dtype */
#define IDPF_TXC_DTYPE			GENMASK(4, 0)
#define IDPF_TXC_CMD_TSO		BIT(5)
#define IDPF_TXC_CMD_TSYN		BIT(6)
#define IDPF_TXC_CMD_L2TAG2		BIT(7)
#define IDPF_TXC_CMD_SWTCH		GENMASK(10, 9)
/* the first quad word as a whole */
#define IDPF_TXC_QW0_TLEN		GENMASK_ULL(17, 0)
#define IDPF_TXC_QW0_MSS		GENMASK_ULL(45, 32)
#define IDPF_TXC_QW0_HDR_LEN		GENMASK_ULL(55, 48)

/**
 * struct idpf_tx_desc_raw - any transmit descriptor before its type is known
 * @qw0: first quad word
 * @qw1: second quad word, the type stands in IDPF_TXR_DTYPE
 */
struct idpf_tx_desc_raw {
	__le64 qw0;
	__le64 qw1;
};

/* qw1: flex types use five bits, base types four, none of them above 15 */
#define IDPF_TXR_DTYPE			GENMASK_ULL(4, 0)

/* ------------------------------------------------------------------ */
/* Transmit completion, split queue model                               */

/**
 * struct idpf_tx_compl_4b - completion in queue scheduling mode
 * @qid_type_gen: relative queue id, type, generation (IDPF_TXCQ_*)
 * @head_or_tag: queue head (queue mode, RE), completion tag (flow mode RS)
 */
struct idpf_tx_compl_4b {
	__le16 qid_type_gen;
	__le16 head_or_tag;
};

static_assert(sizeof(struct idpf_tx_compl_4b) == 4, "4-byte completion");

/**
 * struct idpf_tx_compl - completion in flow scheduling mode
 * @common: queue, type, generation, tag
 * @ts: time stamp
 * @rsvd: 0
 */
struct idpf_tx_compl {
	struct idpf_tx_compl_4b common;
	u8 ts[3];
	u8 rsvd;
};

static_assert(sizeof(struct idpf_tx_compl) == 8, "8-byte completion");

/* qid_type_gen */
#define IDPF_TXCQ_QID			GENMASK(9, 0)
#define IDPF_TXCQ_TYPE			GENMASK(13, 11)
#define IDPF_TXCQ_TYPE_ITR_FLUSH	0
#define IDPF_TXCQ_TYPE_RULE_MISS	1
#define IDPF_TXCQ_TYPE_RS		2
#define IDPF_TXCQ_TYPE_REINJECTED	3
#define IDPF_TXCQ_TYPE_RE		4
#define IDPF_TXCQ_TYPE_SW_MARKER	5
#define IDPF_TXCQ_GEN			BIT(15)
/* both fields of idpf_tx_compl_4b as one word; qid_type_gen is its lower half */
#define IDPF_TXCQ_DW_TAG		GENMASK(31, 16)

/* ------------------------------------------------------------------ */
/* Receive, split queue model                                           */

/**
 * struct idpf_rx_buf_desc - buffer queue entry
 * @buf_id: comes back in the receive descriptor
 * @rsvd0: 0
 * @rsvd1: 0
 * @pkt_addr: DMA address of the packet buffer
 * @hdr_addr: DMA address of the header buffer (header split)
 * @rsvd2: 0
 */
struct idpf_rx_buf_desc {
	__le16 buf_id;
	__le16 rsvd0;
	__le32 rsvd1;
	__le64 pkt_addr;
	__le64 hdr_addr;
	__le64 rsvd2;
};

static_assert(sizeof(struct idpf_rx_buf_desc) == 32, "buffer descriptor");
static_assert(offsetof(struct idpf_rx_buf_desc, pkt_addr) == 8, "pkt_addr");

/**
 * struct idpf_rx_flex_desc - received packet or part of one, split model
 * @rxdid_ucast: descriptor id (IDPF_RXF_RXDID), cast (IDPF_RXF_UMBCAST)
 * @status0_qw0: IDPF_RXF_ST0Q0_*
 * @ptype_err: packet type and flags (IDPF_RXF_PTYPE ...)
 * @len_gen_bufq: bytes in the packet buffer, generation, buffer queue
 * @hdrlen_flags: bytes in the header buffer, RSC, split header
 * @status0_qw1: IDPF_RXF_ST0Q1_*
 * @status1: IDPF_RXF_ST1_*
 * @fflags1: flexible flags
 * @ts_low: bit 0: time stamp valid
 * @buf_id: id from the buffer descriptor
 * @misc: raw checksum, VLAN tag 1, or RSC segment length with IDPF_RXF_RSC
 * @hash1: RSS hash bits 15:0
 * @hash2: RSS hash bits 23:16
 * @hash3: RSS hash bits 31:24
 * @l2tag2: VLAN tag 2
 * @fmd4: metadata
 * @l2tag1: VLAN tag 1
 * @fmd6: metadata
 * @ts_high: time stamp
 */
struct idpf_rx_flex_desc {
	u8 rxdid_ucast;
	u8 status0_qw0;
	__le16 ptype_err;
	__le16 len_gen_bufq;
	__le16 hdrlen_flags;
	u8 status0_qw1;
	u8 status1;
	u8 fflags1;
	u8 ts_low;
	__le16 buf_id;
	__le16 misc;
	__le16 hash1;
	u8 hash2;
	u8 hash3;
	__le16 l2tag2;
	__le16 fmd4;
	__le16 l2tag1;
	__le16 fmd6;
	__le32 ts_high;
};

static_assert(sizeof(struct idpf_rx_flex_desc) == 32, "rx flex descriptor");
static_assert(offsetof(struct idpf_rx_flex_desc, buf_id) == 12, "buf_id");
static_assert(offsetof(struct idpf_rx_flex_desc, ts_high) == 28, "ts_high");

/**
 * struct idpf_rx_desc_raw - any 32-byte receive descriptor as quad words
 * @qw: quad words
 */
struct idpf_rx_desc_raw {
	__le64 qw[4];
};

static_assert(sizeof(struct idpf_rx_desc_raw) == 32, "raw rx descriptor");

/* rxdid_ucast */
#define IDPF_RXF_RXDID			GENMASK(3, 0)
#define IDPF_RXF_UMBCAST		GENMASK(7, 6)
#define IDPF_RXF_UMBCAST_UNICAST	0
#define IDPF_RXF_UMBCAST_MULTICAST	1
#define IDPF_RXF_UMBCAST_BROADCAST	2
/* status0_qw0 */
#define IDPF_RXF_ST0Q0_LPBK		BIT(0)
#define IDPF_RXF_ST0Q0_IPV6EXADD	BIT(1)
#define IDPF_RXF_ST0Q0_RXE		BIT(2)
#define IDPF_RXF_ST0Q0_CRCP		BIT(3)
#define IDPF_RXF_ST0Q0_RSS_VALID	BIT(4)
#define IDPF_RXF_ST0Q0_L2TAG1P		BIT(5)
/* ptype_err */
#define IDPF_RXF_PTYPE			GENMASK(9, 0)
#define IDPF_RXF_RAW_CSUM_INV		BIT(12)
/* len_gen_bufq */
#define IDPF_RXF_LEN			GENMASK(13, 0)
#define IDPF_RXF_GEN			BIT(14)
#define IDPF_RXF_BUFQ_ID		BIT(15)
/* hdrlen_flags */
#define IDPF_RXF_HDR_LEN		GENMASK(9, 0)
#define IDPF_RXF_RSC			BIT(10)
#define IDPF_RXF_SPH			BIT(11)
#define IDPF_RXF_MISS			BIT(15)
/* status0_qw1 */
#define IDPF_RXF_ST0Q1_DD		BIT(0)
#define IDPF_RXF_ST0Q1_EOF		BIT(1)
#define IDPF_RXF_ST0Q1_HBO		BIT(2)	/* header buffer overflow */
#define IDPF_RXF_ST0Q1_L3L4P		BIT(3)	/* checksums looked at */
#define IDPF_RXF_ST0Q1_IPE		BIT(4)
#define IDPF_RXF_ST0Q1_L4E		BIT(5)
#define IDPF_RXF_ST0Q1_EIPE		BIT(6)
#define IDPF_RXF_ST0Q1_EUDPE		BIT(7)
/* status1 */
#define IDPF_RXF_ST1_L2TAG2P		BIT(3)
/* ts_low */
#define IDPF_RXF_TS_VALID		BIT(0)

/* The fields above within the quad words of struct idpf_rx_desc_raw */
#define IDPF_RXF_QW0_RXDID		GENMASK_ULL(3, 0)
#define IDPF_RXF_QW0_RXE		BIT_ULL(10)
#define IDPF_RXF_QW0_RSS_VALID		BIT_ULL(12)
#define IDPF_RXF_QW0_PTYPE		GENMASK_ULL(25, 16)
#define IDPF_RXF_QW0_LEN		GENMASK_ULL(45, 32)
#define IDPF_RXF_QW0_GEN		BIT_ULL(46)
#define IDPF_RXF_QW0_BUFQ_ID		BIT_ULL(47)
#define IDPF_RXF_QW0_HDR_LEN		GENMASK_ULL(57, 48)
#define IDPF_RXF_QW0_RSC		BIT_ULL(58)
#define IDPF_RXF_QW0_SPH		BIT_ULL(59)
#define IDPF_RXF_QW1_EOF		BIT_ULL(1)
#define IDPF_RXF_QW1_HBO		BIT_ULL(2)
#define IDPF_RXF_QW1_BUF_ID		GENMASK_ULL(47, 32)
#define IDPF_RXF_QW2_HASH		GENMASK_ULL(31, 0)

/* ------------------------------------------------------------------ */
/* Receive, single queue model: posted buffer and the two write-backs   */

/**
 * struct idpf_rx_single_buf_desc - posted buffer, overwritten in place
 * @pkt_addr: DMA address of the buffer
 * @hdr_addr: 0
 * @rsvd1: 0
 * @rsvd2: 0
 */
struct idpf_rx_single_buf_desc {
	__le64 pkt_addr;
	__le64 hdr_addr;
	__le64 rsvd1;
	__le64 rsvd2;
};

static_assert(sizeof(struct idpf_rx_single_buf_desc) == 32, "rx buffer");

/**
 * struct idpf_rx_base_desc - write-back, base format (descriptor id 1)
 * @mirror: mirroring status
 * @l2tag1: VLAN tag 1
 * @rss_hash: RSS hash
 * @qw1: status, errors, type, length (IDPF_RXB_*)
 * @ext_status: extended status
 * @rsvd: 0
 * @l2tag2_1: VLAN tag 2
 * @l2tag2_2: VLAN tag 2
 * @rsvd1: 0
 * @fd_id: flow id
 */
struct idpf_rx_base_desc {
	__le16 mirror;
	__le16 l2tag1;
	__le32 rss_hash;
	__le64 qw1;
	__le16 ext_status;
	__le16 rsvd;
	__le16 l2tag2_1;
	__le16 l2tag2_2;
	__le32 rsvd1;
	__le32 fd_id;
};

static_assert(sizeof(struct idpf_rx_base_desc) == 32, "rx base descriptor");

/* qw1 */
#define IDPF_RXB_ST_DD			BIT_ULL(0)
#define IDPF_RXB_ST_EOF			BIT_ULL(1)
#define IDPF_RXB_ST_L2TAG1P		BIT_ULL(2)
#define IDPF_RXB_ST_L3L4P		BIT_ULL(3)
#define IDPF_RXB_ST_CRCP		BIT_ULL(4)
#define IDPF_RXB_ST_EXT_UDP_0		BIT_ULL(8)
#define IDPF_RXB_ST_UMBCAST		GENMASK_ULL(10, 9)
#define IDPF_RXB_ST_FLM			BIT_ULL(11)
#define IDPF_RXB_ST_FLTSTAT		GENMASK_ULL(13, 12)
#define IDPF_RXB_FLTSTAT_RSS_HASH	3
#define IDPF_RXB_ST_LPBK		BIT_ULL(14)
#define IDPF_RXB_ST_IPV6EXADD		BIT_ULL(15)
#define IDPF_RXB_ST_INT_UDP_0		BIT_ULL(18)
#define IDPF_RXB_ERR_RXE		BIT_ULL(19)
#define IDPF_RXB_ERR_HBO		BIT_ULL(21)
#define IDPF_RXB_ERR_IPE		BIT_ULL(22)
#define IDPF_RXB_ERR_L4E		BIT_ULL(23)
#define IDPF_RXB_ERR_EIPE		BIT_ULL(24)
#define IDPF_RXB_ERR_OVERSIZE		BIT_ULL(25)
#define IDPF_RXB_ERR_PPRS		BIT_ULL(26)
#define IDPF_RXB_PTYPE			GENMASK_ULL(37, 30)
#define IDPF_RXB_LEN			GENMASK_ULL(51, 38)
/* rss_hash within the first quad word of struct idpf_rx_desc_raw */
#define IDPF_RXB_QW0_HASH		GENMASK_ULL(63, 32)

/**
 * struct idpf_rx_flex_nic_desc - write-back, flex format (descriptor id 2)
 * @rxdid: descriptor profile
 * @mir_umb: mirror id, cast
 * @ptype: packet type (IDPF_RXN_PTYPE)
 * @pkt_len: bytes in the buffer (IDPF_RXN_LEN)
 * @hdr_len: header length, split flag
 * @status0: IDPF_RXN_ST0_*
 * @l2tag1: VLAN tag 1
 * @rss_hash: RSS hash
 * @status1: IDPF_RXN_ST1_*
 * @fflags2: flexible flags
 * @ts_low: bit 0: time stamp valid
 * @l2tag2_1: VLAN tag 2
 * @l2tag2_2: VLAN tag 2
 * @flow_id: flow id
 * @ts_high: time stamp
 */
struct idpf_rx_flex_nic_desc {
	u8 rxdid;
	u8 mir_umb;
	__le16 ptype;
	__le16 pkt_len;
	__le16 hdr_len;
	__le16 status0;
	__le16 l2tag1;
	__le32 rss_hash;
	__le16 status1;
	u8 fflags2;
	u8 ts_low;
	__le16 l2tag2_1;
	__le16 l2tag2_2;
	__le32 flow_id;
	__le32 ts_high;
};

static_assert(sizeof(struct idpf_rx_flex_nic_desc) == 32, "rx flex nic");
static_assert(offsetof(struct idpf_rx_flex_nic_desc, status1) == 16, "status1");

/* ptype, pkt_len */
#define IDPF_RXN_PTYPE			GENMASK(9, 0)
#define IDPF_RXN_LEN			GENMASK(13, 0)
/* status0 */
#define IDPF_RXN_ST0_DD			BIT(0)
#define IDPF_RXN_ST0_EOF		BIT(1)
#define IDPF_RXN_ST0_HBO		BIT(2)
#define IDPF_RXN_ST0_L3L4P		BIT(3)
#define IDPF_RXN_ST0_IPE		BIT(4)
#define IDPF_RXN_ST0_L4E		BIT(5)
#define IDPF_RXN_ST0_EIPE		BIT(6)
#define IDPF_RXN_ST0_EUDPE		BIT(7)
#define IDPF_RXN_ST0_LPBK		BIT(8)
#define IDPF_RXN_ST0_IPV6EXADD		BIT(9)
#define IDPF_RXN_ST0_RXE		BIT(10)
#define IDPF_RXN_ST0_CRCP		BIT(11)
#define IDPF_RXN_ST0_RSS_VALID		BIT(12)
#define IDPF_RXN_ST0_L2TAG1P		BIT(13)
/* status1 */
#define IDPF_RXN_ST1_CPM		GENMASK(3, 0)
#define IDPF_RXN_ST1_NAT		BIT(4)
#define IDPF_RXN_ST1_L2TAG2P		BIT(11)

/* The fields above within the quad words of struct idpf_rx_desc_raw; status0 is
 * the lowest part of the second one
 */
#define IDPF_RXN_QW0_RXDID		GENMASK_ULL(3, 0)
#define IDPF_RXN_QW0_PTYPE		GENMASK_ULL(25, 16)
#define IDPF_RXN_QW0_LEN		GENMASK_ULL(45, 32)
#define IDPF_RXN_QW1_HASH		GENMASK_ULL(63, 32)

#endif /* WTO_DESC_H */
