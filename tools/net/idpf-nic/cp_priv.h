/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control plane: what its files share.
 *
 * A handler finds a request of at least the length that the table in cp.c
 * states; everything behind that and every value it has to check itself.  It
 * writes the reply's data and length, and returns the status.  With a status
 * other than CP_OK the reply goes out without data.
 */

#ifndef IDPF_NIC_CP_PRIV_H
#define IDPF_NIC_CP_PRIV_H

#include "nic.h"

typedef enum cp_status (*cp_handler)(struct nic_port *port,
				     const struct mbx_msg *req,
				     struct mbx_msg *rsp);

/* Refuse a message: count the cause, say what was wrong, yield the status */
#define cp_refuse(port, status, cause, ...) ({ \
	report_error(port, REPORT_##cause, __VA_ARGS__); \
	status; \
})

/**
 * cp_vport_get() - vport by id
 * @port: the port
 * @id: as in the message
 *
 * Return: the vport, or NULL if there is none (counted and reported).
 */
struct cp_vport *cp_vport_get(struct nic_port *port, __le32 id);

/**
 * cp_fits() - is the variable part of a request all there?
 * @port: the port
 * @req: request
 * @fixed: bytes in front of it
 * @count: elements
 * @size: bytes of an element
 *
 * Return: true, or false (counted and reported).
 */
bool cp_fits(struct nic_port *port, const struct mbx_msg *req, size_t fixed,
	     size_t count, size_t size);

/* reply with the first @len bytes of the request, to say that it is done */
void cp_echo(const struct mbx_msg *req, struct mbx_msg *rsp, u16 len);

/* cp_vport.c */
enum cp_status cp_create_vport(struct nic_port *port, const struct mbx_msg *req,
			       struct mbx_msg *rsp);
enum cp_status cp_destroy_vport(struct nic_port *port,
				const struct mbx_msg *req, struct mbx_msg *rsp);
enum cp_status cp_enable_vport(struct nic_port *port, const struct mbx_msg *req,
			       struct mbx_msg *rsp);
enum cp_status cp_disable_vport(struct nic_port *port,
				const struct mbx_msg *req, struct mbx_msg *rsp);
enum cp_status cp_add_queues(struct nic_port *port, const struct mbx_msg *req,
			     struct mbx_msg *rsp);
enum cp_status cp_del_queues(struct nic_port *port, const struct mbx_msg *req,
			     struct mbx_msg *rsp);

/* cp_queue.c */
enum cp_status cp_config_tx(struct nic_port *port, const struct mbx_msg *req,
			    struct mbx_msg *rsp);
enum cp_status cp_config_rx(struct nic_port *port, const struct mbx_msg *req,
			    struct mbx_msg *rsp);
enum cp_status cp_enable_queues(struct nic_port *port,
				const struct mbx_msg *req, struct mbx_msg *rsp);
enum cp_status cp_disable_queues(struct nic_port *port,
				 const struct mbx_msg *req,
				 struct mbx_msg *rsp);
enum cp_status cp_map_vectors(struct nic_port *port, const struct mbx_msg *req,
			      struct mbx_msg *rsp);
enum cp_status cp_unmap_vectors(struct nic_port *port,
				const struct mbx_msg *req, struct mbx_msg *rsp);

/**
 * cp_check_chunks() - check the queue chunks of a message
 * @port: the port
 * @req: request, a struct vc2_queue_chunk_msg
 * @vport: result: the vport
 *
 * Return: CP_OK if every queue of every chunk belongs to the vport.
 */
enum cp_status cp_check_chunks(struct nic_port *port, const struct mbx_msg *req,
			       struct cp_vport **vport);

/* forgets events of a disabled queue; its vector raises no interrupt for them */
void cp_quiet_vector(struct cp_vport *vport, struct queue *q);

/* disables the queues of the checked chunks, and quiets their vectors */
void cp_disable_chunks(struct cp_vport *vport, const struct mbx_msg *req);

/* calls @fn for every queue of the checked chunks, in their order */
void cp_for_chunks(struct cp_vport *vport, const struct mbx_msg *req,
		   void (*fn)(struct cp_vport *vport, struct queue *q));

/* cp_rss.c */

/**
 * cp_hash_types() - hash types that were granted
 * @port: the port
 *
 * Return: bits VC2_HASH_*.
 */
u64 cp_hash_types(const struct nic_port *port);

enum cp_status cp_get_rss_key(struct nic_port *port, const struct mbx_msg *req,
			      struct mbx_msg *rsp);
enum cp_status cp_set_rss_key(struct nic_port *port, const struct mbx_msg *req,
			      struct mbx_msg *rsp);
enum cp_status cp_get_rss_lut(struct nic_port *port, const struct mbx_msg *req,
			      struct mbx_msg *rsp);
enum cp_status cp_set_rss_lut(struct nic_port *port, const struct mbx_msg *req,
			      struct mbx_msg *rsp);
enum cp_status cp_get_rss_hash(struct nic_port *port, const struct mbx_msg *req,
			       struct mbx_msg *rsp);
enum cp_status cp_set_rss_hash(struct nic_port *port, const struct mbx_msg *req,
			       struct mbx_msg *rsp);

/* cp_filter.c */
enum cp_status cp_add_macs(struct nic_port *port, const struct mbx_msg *req,
			   struct mbx_msg *rsp);
enum cp_status cp_del_macs(struct nic_port *port, const struct mbx_msg *req,
			   struct mbx_msg *rsp);
enum cp_status cp_set_promisc(struct nic_port *port, const struct mbx_msg *req,
			      struct mbx_msg *rsp);

/* cp_misc.c */
enum cp_status cp_get_ptypes(struct nic_port *port, const struct mbx_msg *req,
			     struct mbx_msg *rsp);
enum cp_status cp_get_stats(struct nic_port *port, const struct mbx_msg *req,
			    struct mbx_msg *rsp);
enum cp_status cp_get_port_stats(struct nic_port *port,
				 const struct mbx_msg *req,
				 struct mbx_msg *rsp);
enum cp_status cp_set_loopback(struct nic_port *port, const struct mbx_msg *req,
			       struct mbx_msg *rsp);
enum cp_status cp_get_lan_regions(struct nic_port *port,
				  const struct mbx_msg *req,
				  struct mbx_msg *rsp);
enum cp_status cp_set_sriov_vfs(struct nic_port *port,
				const struct mbx_msg *req, struct mbx_msg *rsp);

/* cp_caps.c */
enum cp_status cp_version(struct nic_port *port, const struct mbx_msg *req,
			  struct mbx_msg *rsp);
enum cp_status cp_get_caps(struct nic_port *port, const struct mbx_msg *req,
			   struct mbx_msg *rsp);
enum cp_status cp_alloc_vectors(struct nic_port *port,
				const struct mbx_msg *req, struct mbx_msg *rsp);
enum cp_status cp_dealloc_vectors(struct nic_port *port,
				  const struct mbx_msg *req,
				  struct mbx_msg *rsp);

#endif /* IDPF_NIC_CP_PRIV_H */
