// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stepper's connections to the NIC, whose sockets are in the same process.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../net/idpf-nic/io.h"
#include "../../net/idpf-nic/vfu_proto.h"
#include "step.h"

#define STEP_MAX_FDS	24	/* more than the NIC takes */

u32 step_vfu_msg(u8 *msg, u16 cmd, u32 len)
{
	static u16 id;
	struct vfu_header hdr = {
		.id = id++, .cmd = cmd, .size = sizeof(hdr) + len,
	};

	memcpy(msg, &hdr, sizeof(hdr));
	return hdr.size;
}

/* What the NIC said.  Notices a connection that it has ended. */
void step_hear(struct step_guest *g)
{
	u8 buf[65536];
	ssize_t n;

	io_poll(0);
	while (g->sock >= 0) {
		n = recv(g->sock, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0)
			continue;
		if (!n || errno != EAGAIN) {
			close(g->sock);
			g->sock = -1;
		}
		break;
	}
}

void step_say(struct step_guest *g, const void *msg, u32 len, const int *fds,
	      unsigned int num_fds)
{
	union {
		char buf[CMSG_SPACE(STEP_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { (void *)msg, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (g->sock < 0)
		return;
	if (num_fds) {
		struct cmsghdr *cm = &control.align;

		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(num_fds * sizeof(int));
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(num_fds * sizeof(int));
		memcpy(CMSG_DATA(cm), fds, num_fds * sizeof(int));
	}
	/* what does not fit is cut: one more thing to cope with */
	if (sendmsg(g->sock, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno != EAGAIN) {
		close(g->sock);
		g->sock = -1;
	}
	step_hear(g);
}

void step_map_all(struct step_guest *g)
{
	u8 msg[sizeof(struct vfu_header) + sizeof(struct vfu_dma_map)];
	/* in two pieces, as memory around the hole of a PC */
	u64 cut = DMA_PAGE_SIZE * (1 + step_below(STEP_MEM / DMA_PAGE_SIZE - 1));

	for (unsigned int i = 0; i < 2; i++) {
		struct vfu_dma_map map = {
			.argsz = sizeof(map),
			.flags = DMA_PROT_READ | DMA_PROT_WRITE,
			.offset = i ? cut : 0,
			.addr = STEP_MEM_BASE + (i ? cut : 0),
			.len = i ? STEP_MEM - cut : cut,
		};

		memcpy(msg + sizeof(struct vfu_header), &map, sizeof(map));
		step_say(g, msg, step_vfu_msg(msg, VFU_CMD_DMA_MAP, sizeof(map)),
			 &g->memfd, 1);
	}
}

/* Connect, negotiate, map.  Return: false if the NIC will not have us now. */
bool step_connect(struct step_guest *g)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct vfu_version version = { VFU_MAJOR, VFU_MINOR };
	u8 msg[64];

	if (g->sock >= 0)
		return true;
	io_poll(0);
	strcpy(addr.sun_path, g->port->cfg.socket_path);
	g->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (g->sock < 0)
		return false;
	if (connect(g->sock, (struct sockaddr *)&addr, sizeof(addr))) {
		close(g->sock);
		g->sock = -1;
		return false;
	}
	io_poll(0);
	memcpy(msg + sizeof(struct vfu_header), &version, sizeof(version));
	step_say(g, msg, step_vfu_msg(msg, VFU_CMD_VERSION, sizeof(version)),
		 NULL, 0);
	if (g->sock >= 0)
		step_map_all(g);
	return g->sock >= 0;
}
