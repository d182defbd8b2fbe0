/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Eventfds that came from a client, which goes on to share them with us.
 */

#ifndef IDPF_NIC_EFD_H
#define IDPF_NIC_EFD_H

#include <stdbool.h>

/**
 * efd_check() - is a descriptor an eventfd?
 * @fd: the descriptor
 *
 * Return: true if it is, or if there is no /proc to ask.
 */
bool efd_check(int fd);

/**
 * efd_signal() - add one to an eventfd's counter
 * @fd: a descriptor that efd_check() has accepted
 *
 * Never waits, whatever the client has made of the descriptor's flags and of its
 * counter.  A counter that is full stays so: nobody has taken what is in it.
 *
 * Context: any thread.
 * Return: 0 or a negative errno.
 */
int efd_signal(int fd);

#endif /* IDPF_NIC_EFD_H */
