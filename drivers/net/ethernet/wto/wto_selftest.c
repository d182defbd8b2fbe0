// SPDX-License-Identifier: GPL-2.0-only
/*
 * ethtool -t: registers, mailbox, interrupts, and frames through the device's
 * loopback.
 *
 * The loopback test is for "offline" only: the stack's queues rest meanwhile,
 * and what the far end sends is received as ever.  The test's frames go down and
 * come up by the same paths as all others; a packet handler for a type that
 * nobody else uses takes and compares them.
 */

#include <linux/ethtool.h>
#include <linux/etherdevice.h>
#include <linux/iopoll.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "wto.h"

#define WTO_SELFTEST_MS		1000	/* for a frame or an interrupt */

/**
 * struct wto_selftest_frame - a frame on its way, and who waits for it
 * @pt: takes frames of the test's type
 * @data: what is sent
 * @len: its bytes
 * @seen: where what is received goes
 * @err: 0, or what was wrong with what was received
 * @done: it was received
 */
struct wto_selftest_frame {
	struct packet_type pt;
	u8 *data;
	u32 len;
	u8 *seen;
	int err;
	struct completion done;
};

/**
 * struct wto_selftest - a test
 * @name: for the user
 * @run: does it; returns 0 or a negative errno
 * @offline: not while others use the netdev
 */
struct wto_selftest {
	const char *name;
	int (*run)(struct wto_vport *vport);
	bool offline;
};

static int wto_selftest_registers(struct wto_vport *vport)
{
	struct wto_adapter *adapter = vport->adapter;
	unsigned int i;

	if (!wto_hw_check(&adapter->hw))
		return -ENODEV;
	if (!wto_hw_ready(&adapter->hw) || wto_mbx_health(&adapter->mbx))
		return -EIO;
	for (i = 0; vport->set && i < vport->set->cfg.num_channels; i++)
		if (!wto_itr_verify(&vport->vec[i]))
			return -EIO;

	return 0;
}

static int wto_selftest_mailbox(struct wto_vport *vport)
{
	return wto_stats_ask_nic(vport);
}

static int wto_selftest_interrupts(struct wto_vport *vport)
{
	unsigned int i;
	int err = 0;

	if (!vport->set)
		return -ENETDOWN;
	for (i = 0; i < vport->set->cfg.num_channels && !err; i++)
		err = wto_napi_provoke(&vport->vec[i], WTO_SELFTEST_MS);

	return err;
}

/* Is it ours, and is it as it was sent? */
static int wto_selftest_receive(struct sk_buff *skb, struct net_device *netdev,
				struct packet_type *pt,
				struct net_device *orig_dev)
{
	struct wto_selftest_frame *frame =
		container_of(pt, struct wto_selftest_frame, pt);
	u32 len = skb->len + ETH_HLEN;

	if (!ether_addr_equal(eth_hdr(skb)->h_source, netdev->dev_addr) ||
	    completion_done(&frame->done))
		goto out;

	memcpy(frame->seen, eth_hdr(skb), ETH_HLEN);
	if (len != frame->len)
		frame->err = -EMSGSIZE;
	else if (skb_copy_bits(skb, 0, frame->seen + ETH_HLEN, skb->len) ||
		 memcmp(frame->seen, frame->data, len))
		frame->err = -EBADMSG;
	complete(&frame->done);

out:
	consume_skb(skb);
	return NET_RX_SUCCESS;
}

/* The stack's queues are stopped, and this is no packet of the stack */
static int wto_selftest_xmit(struct net_device *netdev, struct sk_buff *skb,
			     unsigned int queue)
{
	struct netdev_queue *nq = netdev_get_tx_queue(netdev, queue);
	netdev_tx_t ret;

	skb_set_queue_mapping(skb, queue);
	local_bh_disable();
	__netif_tx_lock(nq, smp_processor_id());
	ret = netdev_start_xmit(skb, netdev, nq, false);
	__netif_tx_unlock(nq);
	local_bh_enable();
	if (ret == NETDEV_TX_OK)
		return 0;

	kfree_skb(skb);
	return -EBUSY;
}

static int wto_selftest_send(struct wto_vport *vport,
			     struct wto_selftest_frame *frame,
			     unsigned int queue)
{
	struct net_device *netdev = vport->netdev;
	struct ethhdr *eth = (struct ethhdr *)frame->data;
	struct sk_buff *skb;
	u32 i;
	int err;

	ether_addr_copy(eth->h_dest, netdev->dev_addr);
	ether_addr_copy(eth->h_source, netdev->dev_addr);
	eth->h_proto = htons(ETH_P_802_EX1);
	/* no two frames of one test are alike */
	for (i = ETH_HLEN; i < frame->len; i++)
		frame->data[i] = i + (i >> 8) * 7 + queue * 31;

	skb = alloc_skb(frame->len, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	skb_put_data(skb, frame->data, frame->len);
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb->protocol = eth->h_proto;
	skb->dev = netdev;

	reinit_completion(&frame->done);
	err = wto_selftest_xmit(netdev, skb, queue);
	if (err)
		return err;
	if (!wait_for_completion_timeout(&frame->done,
					 msecs_to_jiffies(WTO_SELFTEST_MS)))
		return -ETIMEDOUT;

	return frame->err;
}

/* The shortest and the longest frame, and some in between, by each queue */
static int wto_selftest_frames(struct wto_vport *vport,
			       struct wto_selftest_frame *frame)
{
	u32 longest = vport->netdev->mtu + ETH_HLEN;
	const u32 sizes[] = { ETH_ZLEN, 65, 511, longest };
	unsigned int num = vport->set->cfg.num_channels;
	unsigned int i, queue;
	int err;

	for (queue = 0; queue < num; queue++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			frame->len = clamp(sizes[i], ETH_ZLEN,
					   max_t(u32, longest, ETH_ZLEN));
			err = wto_selftest_send(vport, frame, queue);
			if (err)
				return err;
		}
	}

	return 0;
}

static int wto_selftest_looped(struct wto_vport *vport)
{
	size_t room = max_t(size_t, vport->netdev->mtu + ETH_HLEN, ETH_ZLEN);
	struct wto_selftest_frame frame = {
		.pt = {
			.type = htons(ETH_P_802_EX1),
			.dev = vport->netdev,
			.func = wto_selftest_receive,
		},
	};
	int err = -ENOMEM;

	init_completion(&frame.done);
	frame.data = kzalloc(room, GFP_KERNEL);
	frame.seen = kzalloc(room, GFP_KERNEL);
	if (frame.data && frame.seen) {
		dev_add_pack(&frame.pt);
		err = wto_selftest_frames(vport, &frame);
		dev_remove_pack(&frame.pt);
	}
	kfree(frame.seen);
	kfree(frame.data);

	return err;
}

/* What the stack has sent must not come back to it */
static int wto_selftest_drain(struct wto_vport *vport)
{
	struct wto_tx_queue *txq;
	unsigned int i;
	int err = 0;
	u32 head;

	for (i = 0; i < vport->set->cfg.num_channels && !err; i++) {
		txq = vport->set->tx[i];
		err = read_poll_timeout(READ_ONCE, head, head == txq->next,
					USEC_PER_MSEC,
					WTO_SELFTEST_MS * USEC_PER_MSEC, false,
					txq->head);
	}

	return err;
}

static int wto_selftest_loopback(struct wto_vport *vport)
{
	bool on = vport->netdev->features & NETIF_F_LOOPBACK;
	struct wto_mbx *mbx = &vport->adapter->mbx;
	int restore_err;
	int err;

	if (!vport->set)
		return -ENETDOWN;

	wto_netdev_pause_tx(vport);
	err = wto_selftest_drain(vport);
	if (err)
		goto resume;

	err = wto_vc_set_loopback(mbx, vport->vc.id, true);
	if (!err)
		err = wto_selftest_looped(vport);
	restore_err = wto_vc_set_loopback(mbx, vport->vc.id, on);
	err = err ?: restore_err;
resume:
	wto_netdev_resume_tx(vport);

	return err;
}

static const struct wto_selftest wto_selftests[] = {
	{ "registers  (online)", wto_selftest_registers, false },
	{ "mailbox    (online)", wto_selftest_mailbox, false },
	{ "interrupts (online)", wto_selftest_interrupts, false },
	/* the last one: it is left out without the capability */
	{ "loopback  (offline)", wto_selftest_loopback, true },
};

/**
 * wto_selftest_count - ethtool: number of tests
 * @vport: vport
 *
 * Return: one less if the device has no loopback.
 */
unsigned int wto_selftest_count(const struct wto_vport *vport)
{
	/* the number must not change when a reset takes loopback away */
	bool loopback = vport->offered & NETIF_F_LOOPBACK;

	return ARRAY_SIZE(wto_selftests) - !loopback;
}

/**
 * wto_selftest_strings - ethtool: names of the tests
 * @vport: vport
 * @data: room for wto_selftest_count() names of ETH_GSTRING_LEN
 */
void wto_selftest_strings(const struct wto_vport *vport, u8 *data)
{
	unsigned int i;

	for (i = 0; i < wto_selftest_count(vport); i++)
		ethtool_puts(&data, wto_selftests[i].name);
}

/**
 * wto_selftest_run - ethtool: run the tests
 * @netdev: netdev
 * @test: what is wanted, and whether it failed
 * @data: out: for each test 0, or an errno
 *
 * Context: Process, may sleep; RTNL.
 */
void wto_selftest_run(struct net_device *netdev, struct ethtool_test *test,
		      u64 *data)
{
	bool offline = test->flags & ETH_TEST_FL_OFFLINE;
	struct wto_vport *vport = netdev_priv(netdev);
	unsigned int i;
	int err;

	for (i = 0; i < wto_selftest_count(vport); i++) {
		const struct wto_selftest *one = &wto_selftests[i];

		data[i] = 0;
		if (one->offline && !offline)
			continue;

		err = one->run(vport);
		data[i] = -err;
		if (!err)
			continue;
		netdev_warn(netdev, "self-test %s: %pe\n", one->name,
			    ERR_PTR(err));
		test->flags |= ETH_TEST_FL_FAILED;
	}
}
