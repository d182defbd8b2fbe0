/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The io thread's loop: descriptors and what to call for them.
 */

#ifndef IDPF_NIC_IO_H
#define IDPF_NIC_IO_H

#include <stdbool.h>
#include <stdint.h>

struct io_watch;

typedef void (*io_fn)(void *ctx, uint32_t events);

/**
 * io_add() - watch a descriptor
 * @fd: the descriptor
 * @events: EPOLLIN, EPOLLOUT
 * @fn: called with @ctx and the events that are there
 * @ctx: for @fn
 *
 * Return: the watch, or NULL with errno set.
 */
struct io_watch *io_add(int fd, uint32_t events, io_fn fn, void *ctx);

/* change the events of a watch */
void io_modify(struct io_watch *watch, uint32_t events);

/**
 * io_remove() - stop watching; may be called out of any callback
 * @watch: the watch, NULL is ignored; the descriptor stays open
 */
void io_remove(struct io_watch *watch);

/**
 * io_listen() - make a listening UNIX stream socket
 * @path: its name; a left-over socket that nobody serves is replaced
 *
 * Return: the descriptor, or -1 with errno set (EADDRINUSE: somebody serves
 * it, or it is no socket).
 */
int io_listen(const char *path);

/**
 * io_accept() - take the next connection of a listening socket
 * @listen_fd: the socket
 *
 * Without a free descriptor the connection is closed, rather than left to
 * wake us for ever.
 *
 * Context: any thread.
 * Return: the descriptor, non-blocking, or -1 with errno set.
 */
int io_accept(int listen_fd);

/**
 * io_poll() - work off what is there
 * @timeout_ms: how long to wait for it, -1: for ever
 *
 * Return: 0 or a negative errno.
 */
int io_poll(int timeout_ms);

/**
 * io_run() - wait and call until io_quit()
 *
 * Return: 0 or a negative errno.
 */
int io_run(void);

void io_quit(void);
int io_init(void);
void io_exit(void);

#endif /* IDPF_NIC_IO_H */
