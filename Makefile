# SPDX-License-Identifier: GPL-2.0-only
#
# For people: builds and installs the driver on this machine, and calls the lab.
# The kernel's own build system reads Kbuild.

KERNELRELEASE ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KERNELRELEASE)/build
LAB := tools/testing/lab/lab
DKMS_VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
DKMS_TREE := $(DESTDIR)/usr/src/wto-$(DKMS_VERSION)

.PHONY: modules install dkms dkms-remove nic check test demo clean help

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

install: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install

dkms:
	install -d $(DKMS_TREE)
	tar -c dkms.conf Kbuild include drivers | tar -x -C $(DKMS_TREE)
	dkms install -m wto -v $(DKMS_VERSION) -k $(KERNELRELEASE)

dkms-remove:
	dkms remove -m wto -v $(DKMS_VERSION) --all
	rm -rf $(DKMS_TREE)

nic:
	$(MAKE) -C tools/net/idpf-nic

check test demo:
	$(LAB) $@

clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

help:
	@echo 'Driver, for the running kernel (KERNELRELEASE=, KDIR= for another):'
	@echo '  modules      build wto.ko (default)'
	@echo '  install      build and install it'
	@echo '  dkms         install it by DKMS, rebuilt for each new kernel'
	@echo '  dkms-remove  undo that'
	@echo '  clean        remove what modules made'
	@echo 'Software NIC:'
	@echo '  nic          build tools/net/idpf-nic with the libraries of this machine'
	@echo 'Lab (makes its own Debian root, needs root; see $(LAB) help):'
	@echo '  check        static checks'
	@echo '  test         all tests'
	@echo '  demo         traffic through driver and software NIC, a table of results'
