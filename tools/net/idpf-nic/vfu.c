// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio-user, server side.
 *
 * One client at a time.  Input is read in large pieces: under load the client
 * posts register writes back to back, and one system call takes many of them.
 * Answers are collected and sent when the piece is worked off.
 *
 * Whatever the client sends is either done, answered with an error, or, where
 * the protocol forbids an answer, counted.  Only what makes the next message
 * impossible to find ends the connection.
 */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "io.h"
#include "nic.h"
#include "vfu.h"
#include "vfu_proto.h"

#define VFU_MAX_FDS		16	/* QEMU refuses a server that wants more */
#define VFU_MAX_DATA		65536	/* bytes of one region access */
#define VFU_MAX_MSG		(VFU_MAX_DATA + 256)
#define VFU_IN_SIZE		(2 * VFU_MAX_MSG)
/* with as much waiting to be sent, nothing is read */
#define VFU_OUT_LIMIT		0x100000

/**
 * struct vfu - server of one port
 * @port: context of the callbacks
 * @ops: the device
 * @path: socket
 * @listen_fd: listening socket
 * @listen_watch: its watch
 * @fd: client, -1: none
 * @watch: its watch
 * @negotiated: VERSION has been exchanged
 * @in: input, starts with a message
 * @in_len: bytes in @in
 * @skip: bytes of an oversized message still to be thrown away
 * @fds: descriptors that came with the message at @fds_off
 * @num_fds: entries of @fds
 * @fds_lost: the message came with more than that
 * @fds_off: offset in @in of the message that owns @fds
 * @out: answers
 * @out_done: bytes of @out that are sent
 */
struct vfu {
	struct nic_port *port;
	const struct vfu_ops *ops;
	char *path;
	int listen_fd;
	struct io_watch *listen_watch;
	int fd;
	struct io_watch *watch;
	bool negotiated;
	u8 *in;
	u32 in_len;
	u32 skip;
	int fds[VFU_MAX_FDS];
	unsigned int num_fds;
	bool fds_lost;
	u32 fds_off;
	GByteArray *out;
	u32 out_done;
};

/**
 * struct vfu_msg - the message being worked off
 * @hdr: header in host order
 * @data: payload
 * @len: bytes of @data
 * @fds: its descriptors; handlers that keep one set the entry to -1
 * @num_fds: entries of @fds
 * @fds_lost: it came with more than that
 */
struct vfu_msg {
	struct vfu_header hdr;
	const u8 *data;
	u32 len;
	int *fds;
	unsigned int num_fds;
	bool fds_lost;
};

/* ------------------------------------------------------------------ */
/* Answers                                                              */

static bool vfu_wants_reply(const struct vfu_msg *msg)
{
	return !(msg->hdr.flags & VFU_F_NO_REPLY);
}

static void vfu_put_header(struct vfu *vfu, const struct vfu_msg *msg, u32 len,
			   u32 error)
{
	struct vfu_header hdr = {
		.id = msg->hdr.id,
		.cmd = msg->hdr.cmd,
		.size = sizeof(hdr) + len,
		.flags = VFU_TYPE_REPLY | (error ? VFU_F_ERROR : 0),
		.error = error,
	};

	g_byte_array_append(vfu->out, (const u8 *)&hdr, sizeof(hdr));
}

static void vfu_reply(struct vfu *vfu, const struct vfu_msg *msg,
		      const void *data, u32 len)
{
	if (!vfu_wants_reply(msg))
		return;
	vfu_put_header(vfu, msg, len, 0);
	if (len)
		g_byte_array_append(vfu->out, data, len);
}

/* @err: negative errno */
static void vfu_reply_error(struct vfu *vfu, const struct vfu_msg *msg, int err)
{
	if (vfu_wants_reply(msg))
		vfu_put_header(vfu, msg, 0, -err);
}

static int vfu_malformed(struct vfu *vfu, const struct vfu_msg *msg,
			 const char *what)
{
	report_error(vfu->port, REPORT_VFU_MALFORMED,
		     "command %u, %u bytes of payload: %s", msg->hdr.cmd,
		     msg->len, what);
	return -EINVAL;
}

/* Take a structure from the start of the payload */
static bool vfu_take(const struct vfu_msg *msg, void *dst, u32 len)
{
	if (msg->len < len)
		return false;
	memcpy(dst, msg->data, len);
	return true;
}

/* ------------------------------------------------------------------ */
/* Commands: each replies and returns 0, or returns a negative errno    */

/* what the server can do, with the NUL that ends it; to be freed */
static GString *vfu_capabilities(void)
{
	GString *json = g_string_new("{\"capabilities\":{");

	g_string_append_printf(json, "\"max_msg_fds\":%d,", VFU_MAX_FDS);
	g_string_append_printf(json, "\"max_data_xfer_size\":%d,", VFU_MAX_DATA);
	g_string_append_printf(json, "\"max_dma_maps\":%d,", DMA_MAX_REGIONS);
	g_string_append_printf(json, "\"pgsizes\":%llu,", DMA_PAGE_SIZE);
	g_string_append(json, "\"write_multiple\":true}}");
	return g_string_append_c(json, '\0');
}

static int vfu_do_version(struct vfu *vfu, struct vfu_msg *msg)
{
	struct vfu_version version;
	GString *reply;

	if (!vfu_take(msg, &version, sizeof(version)))
		return vfu_malformed(vfu, msg, "too short");
	if (vfu->negotiated)
		return vfu_malformed(vfu, msg, "second VERSION");
	if (version.major != VFU_MAJOR)
		return vfu_malformed(vfu, msg, "unknown major version");
	if (msg->len > sizeof(version) &&
	    (msg->data[msg->len - 1] || msg->data[sizeof(version)] != '{'))
		return vfu_malformed(vfu, msg, "capabilities are no JSON text");

	version.major = VFU_MAJOR;
	version.minor = VFU_MINOR;
	reply = vfu_capabilities();
	g_string_prepend_len(reply, (const char *)&version, sizeof(version));
	vfu->negotiated = true;
	vfu_reply(vfu, msg, reply->str, reply->len);
	g_string_free(reply, TRUE);
	return 0;
}

static int vfu_do_dma_map(struct vfu *vfu, struct vfu_msg *msg)
{
	struct vfu_dma_map map;
	struct dma_map_req req;
	int err;

	if (!vfu_take(msg, &map, sizeof(map)) || map.argsz < sizeof(map))
		return vfu_malformed(vfu, msg, "too short");
	if (msg->num_fds > 1)
		return vfu_malformed(vfu, msg, "more than one descriptor");
	req = (struct dma_map_req){
		.addr = map.addr, .len = map.len, .offset = map.offset,
		.prot = map.flags, .fd = msg->num_fds ? msg->fds[0] : -1,
	};
	err = vfu->ops->dma_map(vfu->port, &req);
	if (err) {
		report_error(vfu->port, REPORT_VFU_MALFORMED,
			     "map 0x%" PRIx64 " + 0x%" PRIx64 ": errno %d",
			     map.addr, map.len, -err);
		return err;
	}
	vfu_reply(vfu, msg, NULL, 0);
	return 0;
}

static int vfu_do_dma_unmap(struct vfu *vfu, struct vfu_msg *msg)
{
	struct vfu_dma_unmap unmap;
	int err;

	if (!vfu_take(msg, &unmap, sizeof(unmap)) ||
	    unmap.argsz < sizeof(unmap))
		return vfu_malformed(vfu, msg, "too short");
	if (unmap.flags & ~VFU_UNMAP_ALL)
		return vfu_malformed(vfu, msg, "unknown flags");
	if (unmap.flags & VFU_UNMAP_ALL) {
		if (unmap.addr || unmap.len)
			return vfu_malformed(vfu, msg, "address with \"all\"");
		err = vfu->ops->dma_unmap(vfu->port, 0, ~0ULL);
	} else {
		err = vfu->ops->dma_unmap(vfu->port, unmap.addr, unmap.len);
	}
	if (err) {
		report_error(vfu->port, REPORT_VFU_MALFORMED,
			     "unmap 0x%" PRIx64 " + 0x%" PRIx64 ": errno %d",
			     unmap.addr, unmap.len, -err);
		return err;
	}
	vfu_reply(vfu, msg, &unmap, sizeof(unmap));
	return 0;
}

static int vfu_do_get_info(struct vfu *vfu, struct vfu_msg *msg)
{
	struct vfu_device_info info;

	if (!vfu_take(msg, &info, sizeof(info)) || info.argsz < sizeof(info))
		return vfu_malformed(vfu, msg, "too short");
	info = (struct vfu_device_info){
		.argsz = sizeof(info),
		.flags = VFU_DEVICE_RESET | VFU_DEVICE_PCI,
		.num_regions = VFU_NUM_REGIONS,
		.num_irqs = VFU_NUM_IRQS,
	};
	vfu_reply(vfu, msg, &info, sizeof(info));
	return 0;
}

static int vfu_do_region_info(struct vfu *vfu, struct vfu_msg *msg)
{
	struct vfu_region_info info;
	u64 size;

	if (!vfu_take(msg, &info, sizeof(info)) || info.argsz < sizeof(info))
		return vfu_malformed(vfu, msg, "too short");
	if (info.index >= VFU_NUM_REGIONS)
		return vfu_malformed(vfu, msg, "no such region");
	size = vfu->ops->region_size(vfu->port, info.index);
	info = (struct vfu_region_info){
		.argsz = sizeof(info),
		.flags = size ? VFU_REGION_READ | VFU_REGION_WRITE : 0,
		.index = info.index,
		.size = size,
	};
	vfu_reply(vfu, msg, &info, sizeof(info));
	return 0;
}

static int vfu_do_irq_info(struct vfu *vfu, struct vfu_msg *msg)
{
	struct vfu_irq_info info;

	if (!vfu_take(msg, &info, sizeof(info)) || info.argsz < sizeof(info))
		return vfu_malformed(vfu, msg, "too short");
	if (info.index >= VFU_NUM_IRQS)
		return vfu_malformed(vfu, msg, "no such interrupt index");
	info = (struct vfu_irq_info){
		.argsz = sizeof(info),
		.index = info.index,
		.count = vfu->ops->irq_count(vfu->port, info.index),
	};
	if (info.count)
		info.flags = VFU_IRQ_INFO_EVENTFD | VFU_IRQ_INFO_NORESIZE;
	vfu_reply(vfu, msg, &info, sizeof(info));
	return 0;
}

/* DATA_BOOL: a byte for each vector says whether it is meant */
static int vfu_trigger_bools(struct vfu *vfu, const struct vfu_msg *msg,
			     const struct vfu_set_irqs *req)
{
	const u8 *bools = msg->data + sizeof(*req);
	int err = 0;

	for (u32 i = 0; i < req->count && !err; i++) {
		struct vfu_irq_set set = {
			.index = req->index, .start = req->start + i,
			.count = 1, .trigger = true,
		};

		if (bools[i])
			err = vfu->ops->set_irqs(vfu->port, &set);
	}
	return err;
}

/* Attach, detach or signal; the ranges are checked */
static int vfu_apply_irqs(struct vfu *vfu, struct vfu_msg *msg,
			  const struct vfu_set_irqs *req)
{
	struct vfu_irq_set set = {
		.index = req->index, .start = req->start, .count = req->count,
	};
	int err;

	switch (req->flags & VFU_IRQ_SET_DATA) {
	case VFU_IRQ_SET_DATA_NONE:
		/* no vectors and no data: all eventfds off */
		set.trigger = req->count;
		if (!req->count) {
			set.start = 0;
			set.count = vfu->ops->irq_count(vfu->port, req->index);
		}
		return vfu->ops->set_irqs(vfu->port, &set);
	case VFU_IRQ_SET_DATA_BOOL:
		if (msg->len - sizeof(*req) < req->count)
			return vfu_malformed(vfu, msg, "too short");
		return vfu_trigger_bools(vfu, msg, req);
	case VFU_IRQ_SET_DATA_EVENTFD:
		/* without any descriptor: vectors that have none */
		if (msg->num_fds && msg->num_fds != req->count)
			return vfu_malformed(vfu, msg, "descriptors do not match");
		set.fds = msg->num_fds ? msg->fds : NULL;
		err = vfu->ops->set_irqs(vfu->port, &set);
		for (u32 i = 0; !err && i < msg->num_fds; i++)
			msg->fds[i] = -1;
		return err;
	default:
		return vfu_malformed(vfu, msg, "not one kind of data");
	}
}

static int vfu_do_set_irqs(struct vfu *vfu, struct vfu_msg *msg)
{
	struct vfu_set_irqs req;
	u32 count;
	int err;

	if (!vfu_take(msg, &req, sizeof(req)) || req.argsz < sizeof(req))
		return vfu_malformed(vfu, msg, "too short");
	if ((req.flags & ~VFU_IRQ_SET_DATA) != VFU_IRQ_SET_ACTION_TRIGGER)
		return vfu_malformed(vfu, msg, "action is not to trigger");
	if (req.index >= VFU_NUM_IRQS)
		return vfu_malformed(vfu, msg, "no such interrupt index");
	count = vfu->ops->irq_count(vfu->port, req.index);
	if (req.start > count || req.count > count - req.start) {
		report_error(vfu->port, REPORT_VFU_RANGE,
			     "interrupts %u + %u of index %u, there are %u",
			     req.start, req.count, req.index, count);
		return -EINVAL;
	}
	err = vfu_apply_irqs(vfu, msg, &req);
	if (!err)
		vfu_reply(vfu, msg, NULL, 0);
	return err;
}

static int vfu_check_access(struct vfu *vfu, const struct vfu_region_access *acc)
{
	u64 size = 0;

	if (acc->region < VFU_NUM_REGIONS)
		size = vfu->ops->region_size(vfu->port, acc->region);
	if (acc->count && acc->count <= VFU_MAX_DATA && acc->offset < size &&
	    acc->count <= size - acc->offset)
		return 0;
	report_error(vfu->port, REPORT_VFU_RANGE,
		     "%" PRIu32 " bytes at 0x%" PRIx64 " of region %" PRIu32,
		     acc->count, acc->offset, acc->region);
	return -EINVAL;
}

static int vfu_do_read(struct vfu *vfu, struct vfu_msg *msg)
{
	struct vfu_region_access acc;
	guint at;
	int err;

	if (!vfu_take(msg, &acc, sizeof(acc)))
		return vfu_malformed(vfu, msg, "too short");
	err = vfu_check_access(vfu, &acc);
	if (err)
		return err;
	if (!vfu_wants_reply(msg))
		return 0;
	vfu_put_header(vfu, msg, sizeof(acc) + acc.count, 0);
	g_byte_array_append(vfu->out, (const u8 *)&acc, sizeof(acc));
	at = vfu->out->len;
	g_byte_array_set_size(vfu->out, at + acc.count);
	vfu->ops->read(vfu->port,
		       &(struct vfu_access){ acc.region, acc.offset, acc.count },
		       vfu->out->data + at);
	return 0;
}

static int vfu_write_region(struct vfu *vfu, const struct vfu_region_access *acc,
			    const u8 *data)
{
	int err = vfu_check_access(vfu, acc);

	if (!err)
		vfu->ops->write(vfu->port,
				&(struct vfu_access){ acc->region, acc->offset,
						      acc->count }, data);
	return err;
}

static int vfu_do_write(struct vfu *vfu, struct vfu_msg *msg)
{
	struct vfu_region_access acc;
	int err;

	if (!vfu_take(msg, &acc, sizeof(acc)) ||
	    msg->len - sizeof(acc) != acc.count)
		return vfu_malformed(vfu, msg, "data does not match its length");
	err = vfu_write_region(vfu, &acc, msg->data + sizeof(acc));
	if (!err)
		vfu_reply(vfu, msg, &acc, sizeof(acc));
	return err;
}

static int vfu_do_write_multi(struct vfu *vfu, struct vfu_msg *msg)
{
	struct vfu_write_multi_entry entry;
	const u8 *p;
	u64 count;
	int err;

	if (!vfu_take(msg, &count, sizeof(count)) ||
	    count > VFU_WRITE_MULTI_MAX ||
	    msg->len - sizeof(count) != count * sizeof(entry))
		return vfu_malformed(vfu, msg, "data does not match its count");
	p = msg->data + sizeof(count);
	for (; count; count--, p += sizeof(entry)) {
		memcpy(&entry, p, sizeof(entry));
		if (entry.acc.count > sizeof(entry.data))
			return vfu_malformed(vfu, msg, "entry too long");
		err = vfu_write_region(vfu, &entry.acc, entry.data);
		if (err)
			return err;
	}
	vfu_reply(vfu, msg, msg->data, sizeof(count));
	return 0;
}

static int vfu_do_reset(struct vfu *vfu, struct vfu_msg *msg)
{
	vfu->ops->reset(vfu->port);
	vfu_reply(vfu, msg, NULL, 0);
	return 0;
}

typedef int (*vfu_cmd_fn)(struct vfu *vfu, struct vfu_msg *msg);

static const vfu_cmd_fn vfu_commands[] = {
	[VFU_CMD_VERSION]	= vfu_do_version,
	[VFU_CMD_DMA_MAP]	= vfu_do_dma_map,
	[VFU_CMD_DMA_UNMAP]	= vfu_do_dma_unmap,
	[VFU_CMD_GET_INFO]	= vfu_do_get_info,
	[VFU_CMD_REGION_INFO]	= vfu_do_region_info,
	[VFU_CMD_IRQ_INFO]	= vfu_do_irq_info,
	[VFU_CMD_SET_IRQS]	= vfu_do_set_irqs,
	[VFU_CMD_REGION_READ]	= vfu_do_read,
	[VFU_CMD_REGION_WRITE]	= vfu_do_write,
	[VFU_CMD_RESET]		= vfu_do_reset,
	[VFU_CMD_WRITE_MULTI]	= vfu_do_write_multi,
};

static void vfu_dispatch(struct vfu *vfu, struct vfu_msg *msg)
{
	vfu_cmd_fn fn = NULL;
	int err;

	if (FIELD_GET(VFU_F_TYPE, msg->hdr.flags) != VFU_TYPE_REQUEST) {
		/* nothing was asked of the client, so nothing can be answered */
		vfu_malformed(vfu, msg, "not a request");
		return;
	}
	if (msg->hdr.cmd < G_N_ELEMENTS(vfu_commands))
		fn = vfu_commands[msg->hdr.cmd];
	if (!fn) {
		report_error(vfu->port, REPORT_VFU_UNKNOWN, "command %u",
			     msg->hdr.cmd);
		vfu_reply_error(vfu, msg, -EOPNOTSUPP);
		return;
	}
	if (msg->fds_lost)
		err = -EMFILE;	/* without them it asks for something else */
	else if (!vfu->negotiated && msg->hdr.cmd != VFU_CMD_VERSION)
		err = vfu_malformed(vfu, msg, "VERSION has to come first");
	else
		err = fn(vfu, msg);
	if (err)
		vfu_reply_error(vfu, msg, err);
}

/* ------------------------------------------------------------------ */
/* Input                                                                */

static void vfu_close_fds(struct vfu *vfu)
{
	for (unsigned int i = 0; i < vfu->num_fds; i++)
		if (vfu->fds[i] >= 0)
			close(vfu->fds[i]);
	vfu->num_fds = 0;
	vfu->fds_lost = false;
}

static void vfu_disconnect(struct vfu *vfu)
{
	io_remove(vfu->watch);
	vfu->watch = NULL;
	vfu_close_fds(vfu);
	close(vfu->fd);
	vfu->fd = -1;
	vfu->negotiated = false;
	vfu->in_len = 0;
	vfu->skip = 0;
	g_byte_array_set_size(vfu->out, 0);
	vfu->out_done = 0;
	vfu->ops->gone(vfu->port);
}

/* A header that cannot be followed by another message we could find */
static bool vfu_header_is_fatal(struct vfu *vfu, const struct vfu_header *hdr)
{
	if (hdr->size >= sizeof(*hdr))
		return false;
	report_error(vfu->port, REPORT_VFU_MALFORMED,
		     "command %u with a size of %u bytes", hdr->cmd, hdr->size);
	return true;
}

/* Work off one message at @off.  Return its size, 0: incomplete, < 0: fatal. */
static s64 vfu_consume(struct vfu *vfu, u32 off)
{
	u32 have = vfu->in_len - off;
	struct vfu_msg msg = { };

	if (have < sizeof(msg.hdr))
		return 0;
	memcpy(&msg.hdr, vfu->in + off, sizeof(msg.hdr));
	if (vfu_header_is_fatal(vfu, &msg.hdr))
		return -EPROTO;
	if (msg.hdr.size > VFU_MAX_MSG) {
		msg.len = msg.hdr.size - sizeof(msg.hdr);
		vfu_malformed(vfu, &msg, "too long");
		vfu_reply_error(vfu, &msg, -EMSGSIZE);
		vfu->skip = msg.hdr.size > have ? msg.hdr.size - have : 0;
		if (off == vfu->fds_off)
			vfu_close_fds(vfu);
		return msg.hdr.size - vfu->skip;
	}
	if (have < msg.hdr.size)
		return 0;
	msg.data = vfu->in + off + sizeof(msg.hdr);
	msg.len = msg.hdr.size - sizeof(msg.hdr);
	if (off != vfu->fds_off) {
		vfu_dispatch(vfu, &msg);
		return msg.hdr.size;
	}
	msg.fds = vfu->fds;
	msg.num_fds = vfu->num_fds;
	msg.fds_lost = vfu->fds_lost;
	vfu_dispatch(vfu, &msg);
	vfu_close_fds(vfu);
	return msg.hdr.size;
}

/*
 * Descriptors come with the first bytes of their message, and the kernel ends
 * a read behind the bytes that carried some: they belong to the last message
 * that has begun.
 */
static void vfu_find_fd_owner(struct vfu *vfu)
{
	struct vfu_header hdr;
	u32 off = 0;

	for (;;) {
		if (vfu->in_len - off < sizeof(hdr))
			break;
		memcpy(&hdr, vfu->in + off, sizeof(hdr));
		if (hdr.size < sizeof(hdr) || hdr.size >= vfu->in_len - off)
			break;
		off += hdr.size;
	}
	vfu->fds_off = off;
}

/* How much may be read, so that descriptors of two messages are never mixed */
static u32 vfu_read_size(const struct vfu *vfu)
{
	struct vfu_header hdr;

	if (!vfu->num_fds && !vfu->fds_lost)
		return VFU_IN_SIZE - vfu->in_len;
	if (vfu->in_len < sizeof(hdr))
		return sizeof(hdr) - vfu->in_len;
	memcpy(&hdr, vfu->in, sizeof(hdr));
	return hdr.size - vfu->in_len;
}

static void vfu_take_fds(struct vfu *vfu, struct msghdr *mh)
{
	unsigned int first = vfu->num_fds;
	struct cmsghdr *cm;

	for (cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		size_t num;

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		num = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < num; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int), sizeof(fd));
			if (vfu->num_fds < VFU_MAX_FDS)
				vfu->fds[vfu->num_fds++] = fd;
			else
				close(fd);
		}
	}
	if (mh->msg_flags & MSG_CTRUNC)
		report_error(vfu->port, REPORT_VFU_MALFORMED,
			     "descriptors got lost: more than %d in one message, or no room for them",
			     VFU_MAX_FDS);
	if (mh->msg_flags & MSG_CTRUNC)
		vfu->fds_lost = true;
	if (!first && (vfu->num_fds || vfu->fds_lost))
		vfu_find_fd_owner(vfu);
}

/* Read a piece.  Return bytes, 0: nothing there, < 0: connection is over. */
static ssize_t vfu_read(struct vfu *vfu)
{
	union {
		char buf[CMSG_SPACE(VFU_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { vfu->in + vfu->in_len, vfu_read_size(vfu) };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	ssize_t n;

	n = recvmsg(vfu->fd, &mh, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -ECONNRESET;
	if (vfu->skip) {
		/* @in is empty: the start of the next message moves there */
		u32 cut = vfu->skip < n ? vfu->skip : n;

		vfu->skip -= cut;
		memmove(vfu->in, vfu->in + cut, n - cut);
		n -= cut;
	}
	vfu->in_len += n;
	vfu_take_fds(vfu, &mh);
	return 1;
}

/* Does too much wait to be sent? */
static bool vfu_is_choked(const struct vfu *vfu)
{
	return vfu->out->len - vfu->out_done > VFU_OUT_LIMIT;
}

/* Work off what is there.  Return 1: stopped for answers to be sent first, 0:
 * the rest of a message is missing, < 0: fatal.
 */
static int vfu_work_off(struct vfu *vfu)
{
	u32 off = 0;
	s64 n;

	do {
		n = vfu_consume(vfu, off);
		off += n > 0 ? n : 0;
	} while (n > 0 && !vfu_is_choked(vfu));
	vfu->in_len -= off;
	memmove(vfu->in, vfu->in + off, vfu->in_len);
	vfu->fds_off = vfu->fds_off > off ? vfu->fds_off - off : 0;
	return n > 0 ? 1 : n;
}

/* ------------------------------------------------------------------ */
/* Output and events                                                    */

static int vfu_flush(struct vfu *vfu)
{
	GByteArray *out = vfu->out;
	ssize_t n;

	while (vfu->out_done < out->len) {
		n = send(vfu->fd, out->data + vfu->out_done,
			 out->len - vfu->out_done, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n < 0)
			break;
		vfu->out_done += n;
	}
	if (vfu->out_done == out->len) {
		g_byte_array_set_size(out, 0);
		vfu->out_done = 0;
	}
	return 0;
}

/* Answer what was read.  Return 0 or a negative errno: connection is over. */
static int vfu_answer(struct vfu *vfu)
{
	int err, n;

	do {
		n = vfu_work_off(vfu);
		err = vfu_flush(vfu);
	} while (n > 0 && !err && !vfu_is_choked(vfu));
	return n < 0 ? n : err;
}

/*
 * A client that does not read its answers is not heard any further: nothing is
 * read before all that was read is answered.
 */
static void vfu_event(void *ctx, uint32_t events)
{
	struct vfu *vfu = ctx;
	u32 want = EPOLLIN;
	ssize_t n;

	n = vfu_flush(vfu);
	if (!n && !vfu_is_choked(vfu))
		n = vfu_answer(vfu);
	if (!n && !vfu_is_choked(vfu) &&
	    events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		n = vfu_read(vfu);
		if (n > 0)
			n = vfu_answer(vfu);
	}
	if (n < 0) {
		vfu_disconnect(vfu);
		return;
	}
	if (vfu->out->len)
		want = vfu_is_choked(vfu) ? EPOLLOUT : EPOLLIN | EPOLLOUT;
	io_modify(vfu->watch, want);
}

/* Has the client left, though we have not read all that it said? */
static bool vfu_is_left(const struct vfu *vfu)
{
	struct pollfd pfd = { .fd = vfu->fd };

	return poll(&pfd, 1, 0) > 0 && pfd.revents & (POLLHUP | POLLERR);
}

static void vfu_accept(void *ctx, uint32_t events)
{
	struct vfu *vfu = ctx;
	int fd;

	fd = io_accept(vfu->listen_fd);
	if (fd < 0)
		return;
	if (vfu->fd >= 0 && vfu_is_left(vfu))
		vfu_disconnect(vfu);
	if (vfu->fd >= 0) {
		report_info(vfu->port, "second client refused");
		close(fd);
		return;
	}
	vfu->watch = io_add(fd, EPOLLIN, vfu_event, vfu);
	if (!vfu->watch) {
		close(fd);
		return;
	}
	vfu->fd = fd;
	vfu->ops->connected(vfu->port);
}

struct vfu *vfu_open(struct nic_port *port, const char *path,
		     const struct vfu_ops *ops)
{
	struct vfu *vfu;
	int fd;

	fd = io_listen(path);
	if (fd < 0)
		return NULL;
	vfu = g_new0(struct vfu, 1);
	vfu->port = port;
	vfu->ops = ops;
	vfu->listen_fd = fd;
	vfu->fd = -1;
	vfu->path = g_strdup(path);
	vfu->in = g_malloc(VFU_IN_SIZE);
	vfu->out = g_byte_array_new();
	vfu->listen_watch = io_add(fd, EPOLLIN, vfu_accept, vfu);
	if (!vfu->listen_watch) {
		vfu_close(vfu);
		return NULL;
	}
	return vfu;
}

void vfu_close(struct vfu *vfu)
{
	if (!vfu)
		return;
	if (vfu->fd >= 0)
		vfu_disconnect(vfu);
	io_remove(vfu->listen_watch);
	close(vfu->listen_fd);
	unlink(vfu->path);
	g_byte_array_free(vfu->out, TRUE);
	g_free(vfu->in);
	g_free(vfu->path);
	g_free(vfu);
}
