/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control socket: one command a line in, one JSON document a line out.
 *
 * Context of everything here: io thread.
 */

#ifndef IDPF_NIC_CONTROL_H
#define IDPF_NIC_CONTROL_H

struct control;
struct nic;

/**
 * control_open() - listen
 * @nic: the process
 * @path: UNIX stream socket; an old one that nobody serves is replaced
 *
 * Return: the socket, or NULL with errno set.
 */
struct control *control_open(struct nic *nic, const char *path);

/* close, remove the socket; @ctl may be NULL */
void control_close(struct control *ctl);

#endif /* IDPF_NIC_CONTROL_H */
