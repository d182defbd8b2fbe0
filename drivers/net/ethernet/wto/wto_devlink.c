// SPDX-License-Identifier: GPL-2.0-only
/*
 * devlink: identity and versions of a function, and a port for each vport.
 *
 * There is no reload: the core wants ports and reporters to be gone meanwhile,
 * and with them the netdevs, which is what unbinding does.
 */

#include <linux/pci.h>
#include <linux/unaligned.h>
#include <net/devlink.h>

#include "wto.h"

/**
 * struct wto_devlink - what belongs to the devlink instance
 * @adapter: the function
 */
struct wto_devlink {
	struct wto_adapter *adapter;
};

static int wto_devlink_put_serial(struct devlink_info_req *req, u64 dsn)
{
	char text[sizeof("xx-xx-xx-xx-xx-xx-xx-xx")];
	u8 bytes[8];

	put_unaligned_be64(dsn, bytes);
	snprintf(text, sizeof(text), "%8phD", bytes);

	return devlink_info_serial_number_put(req, text);
}

static int wto_devlink_info_get(struct devlink *devlink,
				struct devlink_info_req *req,
				struct netlink_ext_ack *extack)
{
	struct wto_devlink *dl = devlink_priv(devlink);
	struct wto_adapter *adapter = dl->adapter;
	struct pci_dev *pdev = adapter->pdev;
	u64 dsn = pci_get_dsn(pdev);
	char text[24];
	int err = 0;

	if (dsn)
		err = wto_devlink_put_serial(req, dsn);
	if (err)
		return err;

	snprintf(text, sizeof(text), "%04x:%04x", pdev->vendor, pdev->device);
	err = devlink_info_version_fixed_put(req,
					     DEVLINK_INFO_VERSION_GENERIC_BOARD_ID,
					     text);
	if (err)
		return err;

	snprintf(text, sizeof(text), "%u.%u", adapter->version.major,
		 adapter->version.minor);
	return devlink_info_version_running_put(req,
				DEVLINK_INFO_VERSION_GENERIC_FW_MGMT_API, text);
}

static const struct devlink_ops wto_devlink_ops = {
	.info_get	= wto_devlink_info_get,
};

/**
 * wto_devlink_create - make the devlink instance, nobody sees it yet
 * @adapter: function
 *
 * Context: Process, may sleep.
 * Return: 0 or a negative errno.
 */
int wto_devlink_create(struct wto_adapter *adapter)
{
	struct wto_devlink *dl;
	struct devlink *devlink;
	int err;

	devlink = devlink_alloc(&wto_devlink_ops, sizeof(*dl), adapter->dev);
	if (!devlink)
		return -ENOMEM;
	dl = devlink_priv(devlink);
	dl->adapter = adapter;
	adapter->devlink = devlink;

	err = wto_health_create(adapter);
	if (err) {
		devlink_free(devlink);
		adapter->devlink = NULL;
	}

	return err;
}

/**
 * wto_devlink_destroy - undo wto_devlink_create()
 * @adapter: function without ports; nobody sees the instance any more
 *
 * Context: Process, may sleep.
 */
void wto_devlink_destroy(struct wto_adapter *adapter)
{
	wto_health_destroy(adapter);
	devlink_free(adapter->devlink);
	adapter->devlink = NULL;
}

/**
 * wto_devlink_register - show the devlink instance to the world
 * @adapter: function that is ready
 *
 * Context: Process, may sleep.
 */
void wto_devlink_register(struct wto_adapter *adapter)
{
	devlink_register(adapter->devlink);
}

/**
 * wto_devlink_unregister - hide the devlink instance
 * @adapter: function; afterwards nobody comes in through devlink
 *
 * Context: Process, may sleep; not under RTNL.
 */
void wto_devlink_unregister(struct wto_adapter *adapter)
{
	devlink_unregister(adapter->devlink);
}

/**
 * wto_devlink_add_port - give a vport its devlink port
 * @vport: vport, its netdev not yet registered
 *
 * Context: Process, may sleep; not under RTNL.
 * Return: 0 or a negative errno.
 */
int wto_devlink_add_port(struct wto_vport *vport)
{
	struct wto_adapter *adapter = vport->adapter;
	struct devlink_port_attrs attrs = {
		/* only a physical function has a reset register */
		.flavour = adapter->hw.ctrl ? DEVLINK_PORT_FLAVOUR_PHYSICAL :
					      DEVLINK_PORT_FLAVOUR_VIRTUAL,
	};
	int err;

	if (adapter->hw.ctrl)
		attrs.phys.port_number = vport->index;
	devlink_port_attrs_set(&vport->devlink_port, &attrs);
	err = devlink_port_register(adapter->devlink, &vport->devlink_port,
				    vport->index);
	if (err)
		return err;
	vport->has_devlink_port = true;
	SET_NETDEV_DEVLINK_PORT(vport->netdev, &vport->devlink_port);

	return 0;
}

/**
 * wto_devlink_remove_port - undo wto_devlink_add_port()
 * @vport: vport, its netdev not registered any more
 *
 * Context: Process, may sleep; not under RTNL.
 */
void wto_devlink_remove_port(struct wto_vport *vport)
{
	if (vport->has_devlink_port)
		devlink_port_unregister(&vport->devlink_port);
	vport->has_devlink_port = false;
}
