// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture of frames to a pcapng file.
 *
 * Blocks go from the gather list into one buffer, which is written when it is
 * full, when the data path is idle and at the end.  Only whole blocks are
 * written, so that a reader may follow a growing file.  When writing fails
 * (disk full) the capture ends with a message and counts what it misses; the
 * traffic goes on.
 */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "report.h"

#define PCAPNG_SHB		0x0a0d0d0a
#define PCAPNG_IDB		0x00000001
#define PCAPNG_EPB		0x00000006
#define PCAPNG_MAGIC		0x1a2b3c4d
#define PCAPNG_VERSION_MAJOR	1
#define PCAPNG_VERSION_MINOR	0

#define PCAPNG_OPT_END		0
#define PCAPNG_SHB_USERAPPL	4
#define PCAPNG_IF_NAME		2
#define PCAPNG_IF_DESCRIPTION	3
#define PCAPNG_IF_TSRESOL	9
#define PCAPNG_TSRESOL_NS	9	/* 10^-9 s */
#define PCAPNG_EPB_FLAGS	2

#define LINKTYPE_ETHERNET	1
#define NS_PER_S		1000000000ull

#define CAPTURE_BUF_SIZE	(256 * 1024)
#define OPTION_MAX		1024	/* longest text, a multiple of 4 */

/* Every number is in the byte order of the machine that writes, which the
 * magic number in the section header tells.
 */
struct pcapng_shb {
	u32 type;
	u32 total_len;
	u32 magic;
	u16 major;
	u16 minor;
	s64 section_len;
} __packed;

struct pcapng_idb {
	u32 type;
	u32 total_len;
	u16 link_type;
	u16 reserved;
	u32 snap_len;
};

struct pcapng_epb {
	u32 type;
	u32 total_len;
	u32 if_id;
	u32 ts_high;
	u32 ts_low;
	u32 captured_len;
	u32 original_len;
};

/* What follows the padded data of each captured frame */
struct pcapng_epb_tail {
	u16 flags_code;
	u16 flags_len;
	u32 flags;
	u32 end_of_options;
	u32 total_len;
};

/* A section or interface block in the making */
struct block {
	u32 len;
	u8 data[64 + 2 * (OPTION_MAX + 4)];
};

/**
 * struct capture - an open capture file
 * @fd: file, -1 after a write error
 * @num_if: interfaces described so far
 * @used: bytes in @buf, always whole blocks
 * @last_frame: bytes of the frame block at the end of @buf, 0 if there is none
 * @lost: frames that are missing since a write error
 * @path: for messages
 * @buf: blocks that are not written yet
 */
struct capture {
	int fd;
	int num_if;
	size_t used;
	size_t last_frame;
	u64 lost;
	char *path;
	u8 buf[CAPTURE_BUF_SIZE];
};

static void give_up(struct capture *cap, int err)
{
	report_line(NULL, "capture to %s stops: %s", cap->path,
		    g_strerror(err));
	close(cap->fd);
	cap->fd = -1;
	cap->used = 0;
}

/**
 * capture_flush - write out what is buffered
 * @cap: capture; NULL is allowed and does nothing
 *
 * Context: data thread; may wait for the disk.
 */
void capture_flush(struct capture *cap)
{
	size_t done = 0;

	if (!cap || cap->fd < 0)
		return;

	while (done < cap->used) {
		ssize_t n = write(cap->fd, cap->buf + done, cap->used - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			give_up(cap, errno);
			return;
		}
		done += (size_t)n;
	}
	cap->used = 0;
	cap->last_frame = 0;
}

/* Return: room for a block of @len bytes, NULL if there is none */
static u8 *reserve(struct capture *cap, size_t len)
{
	u8 *room;

	if (cap->used + len > sizeof(cap->buf))
		capture_flush(cap);
	if (cap->fd < 0 || len > sizeof(cap->buf))
		return NULL;

	room = cap->buf + cap->used;
	cap->used += len;
	return room;
}

static void *put(void *at, const void *data, size_t len)
{
	return (u8 *)memcpy(at, data, len) + len;
}

/* Adds to a block, which has room for the largest that is made */
static void add(struct block *block, const void *data, size_t len)
{
	put(block->data + block->len, data, len);
	block->len += (u32)len;
}

static void add_option(struct block *block, u16 code, const void *data, u16 len)
{
	static const u8 zeros[4];
	u16 head[2] = { code, len };

	add(block, head, sizeof(head));
	add(block, data, len);
	add(block, zeros, -len & 3u);
}

static void add_string(struct block *block, u16 code, const char *text)
{
	add_option(block, code, text, (u16)MIN(strlen(text), OPTION_MAX));
}

/* Ends the options, sets both length fields and hands the block over */
static void finish_block(struct capture *cap, struct block *block)
{
	u32 total_len = block->len + 2 * sizeof(u32);
	u8 *room;

	add_option(block, PCAPNG_OPT_END, "", 0);
	add(block, &total_len, sizeof(total_len));
	memcpy(block->data + offsetof(struct pcapng_idb, total_len),
	       &total_len, sizeof(total_len));

	room = reserve(cap, block->len);
	if (room)
		memcpy(room, block->data, block->len);
}

static void put_section(struct capture *cap)
{
	struct pcapng_shb shb = {
		.type = PCAPNG_SHB,
		.magic = PCAPNG_MAGIC,
		.major = PCAPNG_VERSION_MAJOR,
		.minor = PCAPNG_VERSION_MINOR,
		.section_len = -1,
	};
	struct block block = { .len = 0 };

	add(&block, &shb, sizeof(shb));
	add_string(&block, PCAPNG_SHB_USERAPPL, "idpf-nic");
	finish_block(cap, &block);
}

/**
 * capture_open - start a capture file
 * @path: file to make or to overwrite
 * @error: set to a message, to be freed with g_free(), on failure
 *
 * Return: the capture, or NULL.
 */
struct capture *capture_open(const char *path, char **error)
{
	struct capture *cap;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		*error = g_strdup_printf("cannot make the capture file %s: %s",
					 path, g_strerror(errno));
		return NULL;
	}

	cap = g_new0(struct capture, 1);
	cap->fd = fd;
	cap->path = g_strdup(path);
	put_section(cap);
	return cap;
}

/**
 * capture_add_if - describe an interface
 * @cap: capture
 * @name: name of the port
 * @description: what it is, or NULL
 *
 * Return: the id for capture_frame().
 */
int capture_add_if(struct capture *cap, const char *name,
		   const char *description)
{
	static const u8 tsresol = PCAPNG_TSRESOL_NS;
	struct pcapng_idb idb = {
		.type = PCAPNG_IDB,
		.link_type = LINKTYPE_ETHERNET,
	};
	struct block block = { .len = 0 };

	add(&block, &idb, sizeof(idb));
	add_string(&block, PCAPNG_IF_NAME, name);
	if (description)
		add_string(&block, PCAPNG_IF_DESCRIPTION, description);
	add_option(&block, PCAPNG_IF_TSRESOL, &tsresol, sizeof(tsresol));
	finish_block(cap, &block);
	return cap->num_if++;
}

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (u64)ts.tv_sec * NS_PER_S + (u64)ts.tv_nsec;
}

/**
 * capture_frame - record a frame
 * @cap: capture
 * @if_id: interface, from capture_add_if()
 * @dir: seen from that interface
 * @iov: the frame
 * @num_iov: elements of @iov
 * @len: bytes of the frame, exactly those in @iov
 *
 * Context: data thread; may wait for the disk when the buffer is full.
 */
void capture_frame(struct capture *cap, int if_id, enum capture_dir dir,
		   const struct iovec *iov, size_t num_iov, size_t len)
{
	size_t pad = -len & 3u;
	struct pcapng_epb_tail tail = {
		.flags_code = PCAPNG_EPB_FLAGS,
		.flags_len = sizeof(tail.flags),
		.flags = dir,
	};
	u64 ts = now_ns();
	struct pcapng_epb epb = {
		.type = PCAPNG_EPB,
		.if_id = (u32)if_id,
		.ts_high = (u32)(ts >> 32),
		.ts_low = (u32)ts,
		.captured_len = (u32)len,
		.original_len = (u32)len,
	};
	u8 *at;

	epb.total_len = (u32)(sizeof(epb) + len + pad + sizeof(tail));
	tail.total_len = epb.total_len;

	at = reserve(cap, epb.total_len);
	cap->last_frame = at ? epb.total_len : 0;
	if (!at) {
		cap->lost++;
		return;
	}

	at = put(at, &epb, sizeof(epb));
	for (size_t i = 0; i < num_iov; i++)
		at = put(at, iov[i].iov_base, iov[i].iov_len);
	memset(at, 0, pad);
	put(at + pad, &tail, sizeof(tail));
}

/**
 * capture_undo - take back the frame that was recorded last
 * @cap: capture; since capture_frame() nothing else was done with it
 *
 * Context: data thread.
 */
void capture_undo(struct capture *cap)
{
	cap->used -= cap->last_frame;
	cap->last_frame = 0;
}

/**
 * capture_lost - frames that could not be recorded
 * @cap: capture
 *
 * Return: number of frames since the start.
 */
u64 capture_lost(const struct capture *cap)
{
	return cap->lost;
}

/**
 * capture_close - write the rest and close the file
 * @cap: capture; NULL is allowed
 */
void capture_close(struct capture *cap)
{
	if (!cap)
		return;

	capture_flush(cap);
	if (cap->fd >= 0)
		close(cap->fd);
	g_free(cap->path);
	g_free(cap);
}
