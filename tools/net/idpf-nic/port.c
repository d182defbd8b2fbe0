// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports: creation, reset, link.
 */

#include <string.h>

#include <glib.h>

#include "nic.h"
#include "vfu.h"

struct nic_port *nic_port_new(struct nic *nic, const struct nic_port_config *cfg)
{
	struct nic_port *port = g_new0(struct nic_port, 1);

	port->nic = nic;
	port->idx = nic->num_ports;
	port->cfg = *cfg;
	port->link_admin = true;
	/* the mailbox, one for each queue pair, a spare one for each vport */
	irq_init(port, 1 + cfg->num_qpairs + cfg->num_vports);
	pci_init(port);
	mbx_init(port);
	cp_init(port);
	queues_init(port);
	atomic_store(&port->bar.rstat, IDPF_RSTAT_ACTIVE);
	nic->ports[nic->num_ports++] = port;
	return port;
}

void nic_port_free(struct nic_port *port)
{
	vfu_close(port->vfu);
	mbx_reset(port);
	fault_reset(port);
	impair_free(port);
	dma_unmap_all(&port->dma);
	g_free(port->cfg.socket_path);
	g_free(port);
}

void nic_port_reset(struct nic_port *port)
{
	struct nic_kick *kick = &port->kick;

	atomic_store(&port->bar.rstat, IDPF_RSTAT_IN_PROGRESS);
	/* no answer and no completion is owed to the driver any more */
	queues_reset(port);
	cp_reset(port);
	mbx_reset(port);
	fault_reset(port);
	bar_reset(port);
	irq_reset(port);
	atomic_store(&kick->txq, 0);
	atomic_store(&kick->rxq, 0);
	atomic_store(&kick->rx_starved, 0);
	atomic_store(&kick->mbx, false);
	if (!fault_in_reset(&port->fault))
		atomic_store(&port->bar.rstat, IDPF_RSTAT_ACTIVE);
	report_trace(port, "reset done");
}

struct nic_port *nic_port_by_name(struct nic *nic, const char *name)
{
	for (unsigned int i = 0; i < nic->num_ports; i++)
		if (!strcmp(nic->ports[i]->cfg.name, name))
			return nic->ports[i];
	return NULL;
}

bool nic_port_link_up(const struct nic_port *port)
{
	return port->link_admin && wire_far_end_up(port);
}

void nic_port_set_link(struct nic_port *port, bool up)
{
	struct nic *nic = port->nic;

	if (port->link_admin == up)
		return;
	port->link_admin = up;
	report_info(port, "link switched %s", up ? "on" : "off");
	/* the far end sees it as well */
	for (unsigned int i = 0; i < nic->num_ports; i++)
		if (nic->ports[i] == port ||
		    (port->wire.wire && nic->ports[i]->wire.wire == port->wire.wire))
			cp_link_changed(nic->ports[i]);
}
