/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Capture of frames to a pcapng file.
 */

#ifndef NIC_CAPTURE_H
#define NIC_CAPTURE_H

#include <sys/uio.h>

#include "../../../include/wto/virtchnl.h"

struct capture;

enum capture_dir {
	CAPTURE_INBOUND		= 1,	/* received by the port */
	CAPTURE_OUTBOUND	= 2,	/* transmitted by the port */
};

struct capture *capture_open(const char *path, char **error);
int capture_add_if(struct capture *cap, const char *name,
		   const char *description);
void capture_frame(struct capture *cap, int if_id, enum capture_dir dir,
		   const struct iovec *iov, size_t num_iov, size_t len);
void capture_undo(struct capture *cap);
void capture_flush(struct capture *cap);
u64 capture_lost(const struct capture *cap);
void capture_close(struct capture *cap);

#endif /* NIC_CAPTURE_H */
