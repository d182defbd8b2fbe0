#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# build-module.sh TREE OUT [MAKE-ARGS]: builds wto.ko for the kernel that was built in
# TREE, inside the lab root, from a copy of the sources below OUT.

set -eu

tree=$1
out=$2
shift 2

mkdir -p "$out/src"
rsync -rt --delete --prune-empty-dirs --include='*/' --include='*.[chS]' \
	--include=Makefile --include=Kbuild --include=Kconfig --exclude='*' \
	--relative "$LAB_SRC/./Kbuild" "$LAB_SRC/./include" \
	"$LAB_SRC/./drivers/net/ethernet/wto" "$out/src/"
make -C "$tree" M="$out/src" -j"$(nproc)" "$@" modules
install -m 644 "$out/src/drivers/net/ethernet/wto/wto.ko" "$out/wto.ko.new"
mv "$out/wto.ko.new" "$out/wto.ko"
