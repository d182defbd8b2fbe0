// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI driver: identities, and the order in which everything is made.
 */

#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include <wto/regs.h>

#include "wto.h"

static int wto_pci_enable(struct pci_dev *pdev)
{
	int err;

	err = pci_enable_device_mem(pdev);
	if (err)
		return err;
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err) {
		dev_err(&pdev->dev, "64-bit DMA: %pe\n", ERR_PTR(err));
		goto disable;
	}
	err = pci_request_mem_regions(pdev, WTO_DRV_NAME);
	if (err) {
		dev_err(&pdev->dev, "BARs are in use: %pe\n", ERR_PTR(err));
		goto disable;
	}
	pci_set_master(pdev);
	/* what comes back after an error of the bus */
	pci_save_state(pdev);

	return 0;

disable:
	pci_disable_device(pdev);
	return err;
}

static void wto_pci_disable(struct pci_dev *pdev)
{
	pci_clear_master(pdev);
	pci_release_mem_regions(pdev);
	/* an error of the bus may have done so already */
	if (pci_is_enabled(pdev))
		pci_disable_device(pdev);
}

static bool wto_pci_on_event(void *ctx, u32 opcode, const void *buf,
			     size_t len)
{
	struct wto_adapter *adapter = ctx;
	struct wto_vc_link link;

	if (!wto_vc_parse_link(&adapter->mbx, opcode, buf, len, &link))
		return false;
	wto_netdev_link_event(adapter, &link);

	return true;
}

static struct wto_adapter *wto_pci_alloc(struct pci_dev *pdev)
{
	struct wto_adapter *adapter;

	adapter = kzalloc_obj(*adapter, GFP_KERNEL);
	if (!adapter)
		return NULL;
	adapter->ptypes = kvcalloc(WTO_PTYPE_TABLE_LEN, sizeof(*adapter->ptypes),
				   GFP_KERNEL);
	if (!adapter->ptypes) {
		kfree(adapter);
		return NULL;
	}

	mutex_init(&adapter->vports_lock);
	adapter->pdev = pdev;
	adapter->dev = &pdev->dev;
	adapter->hw.on_gone = wto_reset_on_gone;
	adapter->hw.ctx = adapter;
	adapter->mbx.on_event = wto_pci_on_event;
	adapter->mbx.ctx = adapter;

	return adapter;
}

static void wto_pci_free(struct wto_adapter *adapter)
{
	kvfree(adapter->ptypes);
	kfree(adapter);
}

static void wto_pci_destroy_vports(struct wto_adapter *adapter)
{
	unsigned int i = adapter->num_vports;

	while (i--)
		wto_netdev_destroy(adapter->vports[i]);
}

static int wto_pci_create_vports(struct wto_adapter *adapter)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < adapter->caps.default_vports && !err; i++)
		err = wto_netdev_create(adapter, i);
	for (i = 0; i < adapter->num_vports && !err; i++)
		err = wto_netdev_register(adapter->vports[i]);
	if (err) {
		/* nobody shall wait for the device for long */
		wto_reset_stop(adapter);
		wto_health_stop(adapter);
		wto_pci_destroy_vports(adapter);
	}

	return err;
}

/* Leave a function behind that knows nothing of us */
static void wto_pci_ctrl_down(struct wto_adapter *adapter)
{
	wto_ctrl_down(adapter);
	if (!wto_hw_gone(&adapter->hw))
		wto_reset_function(adapter);
	/* even if that failed, memory can be freed now */
	pci_clear_master(adapter->pdev);
}

static int wto_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct wto_adapter *adapter;
	int err;

	err = wto_pci_enable(pdev);
	if (err)
		return err;
	adapter = wto_pci_alloc(pdev);
	if (!adapter) {
		err = -ENOMEM;
		goto disable_pci;
	}
	err = wto_hw_init(&adapter->hw, pdev, id->driver_data);
	if (err)
		goto free_adapter;
	err = wto_mbx_init(&adapter->mbx, &adapter->hw);
	if (err)
		goto exit_hw;
	err = wto_reset_init(adapter);
	if (err)
		goto exit_mbx;
	err = wto_devlink_create(adapter);
	if (err)
		goto exit_reset;
	err = wto_reset_function(adapter);
	if (err)
		goto destroy_devlink;
	err = wto_ctrl_up(adapter);
	if (err)
		goto exit_ctrl;
	pci_set_drvdata(pdev, adapter);
	err = wto_pci_create_vports(adapter);
	if (err)
		goto ctrl_down;
	wto_devlink_register(adapter);
	wto_health_start(adapter);
	wto_reset_begin(adapter);
	dev_info(&pdev->dev, "%s with %u vports, %u vectors\n",
		 adapter->hw.layout->name, adapter->num_vports,
		 adapter->irqs.num);

	return 0;

ctrl_down:
	wto_pci_ctrl_down(adapter);
exit_ctrl:
	wto_ctrl_exit(adapter);
destroy_devlink:
	wto_devlink_destroy(adapter);
exit_reset:
	pci_clear_master(pdev);
	wto_reset_exit(adapter);
exit_mbx:
	wto_mbx_exit(&adapter->mbx);
exit_hw:
	wto_hw_exit(&adapter->hw);
free_adapter:
	wto_pci_free(adapter);
disable_pci:
	wto_pci_disable(pdev);
	return err;
}

static void wto_pci_remove(struct pci_dev *pdev)
{
	struct wto_adapter *adapter = pci_get_drvdata(pdev);

	/* the worker first: who waits for it under the devlink lock, waits no more */
	wto_reset_stop(adapter);
	wto_health_stop(adapter);
	wto_devlink_unregister(adapter);
	wto_pci_destroy_vports(adapter);
	wto_pci_ctrl_down(adapter);
	wto_ctrl_exit(adapter);
	wto_devlink_destroy(adapter);
	wto_reset_exit(adapter);
	wto_mbx_exit(&adapter->mbx);
	wto_hw_exit(&adapter->hw);
	wto_pci_free(adapter);
	wto_pci_disable(pdev);
}

static void wto_pci_shutdown(struct pci_dev *pdev)
{
	struct wto_adapter *adapter = pci_get_drvdata(pdev);

	wto_reset_stop(adapter);
	wto_reset_detach_all(adapter);
	wto_pci_ctrl_down(adapter);
}

static int wto_pci_suspend(struct device *dev)
{
	struct wto_adapter *adapter = dev_get_drvdata(dev);

	wto_reset_pause(adapter);
	wto_pci_ctrl_down(adapter);

	return 0;
}

/* The function is back.  Its configuration, which was restored, is saved again:
 * older kernels restore it once only.
 */
static void wto_pci_back(struct pci_dev *pdev)
{
	pci_save_state(pdev);
	wto_reset_resume(pci_get_drvdata(pdev));
}

static int wto_pci_resume(struct device *dev)
{
	wto_pci_back(to_pci_dev(dev));

	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(wto_pci_pm_ops, wto_pci_suspend,
				wto_pci_resume);

static pci_ers_result_t wto_pci_error_detected(struct pci_dev *pdev,
					       pci_channel_state_t state)
{
	struct wto_adapter *adapter = pci_get_drvdata(pdev);

	if (state == pci_channel_io_perm_failure)
		wto_hw_set_gone(&adapter->hw);
	else
		wto_mbx_abort(&adapter->mbx, -EIO);
	wto_reset_pause(adapter);
	/* one that cannot be reset is told of once more */
	if (pci_is_enabled(pdev))
		pci_disable_device(pdev);

	return state == pci_channel_io_perm_failure ?
	       PCI_ERS_RESULT_DISCONNECT : PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t wto_pci_slot_reset(struct pci_dev *pdev)
{
	int err;

	err = pci_enable_device_mem(pdev);
	if (err) {
		dev_err(&pdev->dev, "cannot be enabled after a reset: %pe\n",
			ERR_PTR(err));
		return PCI_ERS_RESULT_DISCONNECT;
	}
	pci_restore_state(pdev);

	return PCI_ERS_RESULT_RECOVERED;
}

static void wto_pci_error_resume(struct pci_dev *pdev)
{
	wto_pci_back(pdev);
}

static void wto_pci_reset_prepare(struct pci_dev *pdev)
{
	wto_reset_pause(pci_get_drvdata(pdev));
}

static void wto_pci_reset_done(struct pci_dev *pdev)
{
	wto_pci_back(pdev);
}

static const struct pci_error_handlers wto_pci_err_handler = {
	.error_detected	= wto_pci_error_detected,
	.slot_reset	= wto_pci_slot_reset,
	.resume		= wto_pci_error_resume,
	.reset_prepare	= wto_pci_reset_prepare,
	.reset_done	= wto_pci_reset_done,
};

static const struct pci_device_id wto_pci_tbl[] = {
	{ PCI_VDEVICE(INTEL, IDPF_PCI_DEVICE_ID_PF),
	  .driver_data = WTO_HW_MAP_PF },
	{ PCI_VDEVICE(INTEL, IDPF_PCI_DEVICE_ID_VF),
	  .driver_data = WTO_HW_MAP_VF },
	{ PCI_DEVICE_CLASS(IDPF_PCI_CLASS, ~0),
	  .driver_data = WTO_HW_MAP_PROBE },
	{ }
};
MODULE_DEVICE_TABLE(pci, wto_pci_tbl);

static struct pci_driver wto_pci_driver = {
	.name		= WTO_DRV_NAME,
	.id_table	= wto_pci_tbl,
	.probe		= wto_pci_probe,
	.remove		= wto_pci_remove,
	.shutdown	= wto_pci_shutdown,
	.driver.pm	= pm_sleep_ptr(&wto_pci_pm_ops),
	.err_handler	= &wto_pci_err_handler,
};
module_pci_driver(wto_pci_driver);

MODULE_DESCRIPTION("IDPF network driver with the task-offload model");
MODULE_LICENSE("GPL");
