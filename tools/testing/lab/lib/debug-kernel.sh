#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# debug-kernel.sh SERIES DIR: makes a kernel from Debian's linux-source package and
# debug.config in DIR, inside the lab root.  It goes on where it was interrupted.
# In the end DIR has: vmlinuz, release, modules/RELEASE, and in linux what a build of
# modules needs.

set -eu
set -o pipefail

series=$1
dir=$2
src=$dir/linux
config=$LAB_TOOLS/debug.config

# Everything but what no Makefile and no Kconfig file of this build looks for
unpack_source()
{
	local package=linux-source-$series tmp

	tmp=$(mktemp -d)
	# the root keeps no package lists
	apt-get update -q
	(cd "$tmp" && apt-get download -q "$package")
	rm -rf "$src"
	mkdir -p "$src"
	dpkg-deb --fsys-tarfile "$tmp/${package}"_*.deb |
		tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -xJ -C "$src" --strip-components=1 --wildcards \
			--exclude="$package/Documentation/*/*" \
			--exclude="$package/drivers/gpu/*.[ch]" \
			--exclude="$package/sound/*.[ch]" \
			--exclude="$package/arch/[!x]*/*.[chS]" --exclude='*.dts*'
	rm -r "$tmp"
	touch "$dir/.unpacked"
}

# What the configuration asks for and did not get would be missed by nobody
check_config()
{
	local line bad=0

	while read -r line; do
		grep -qxF "$line" "$src/.config" || {
			echo "error: $line: not in the configuration that was made"
			bad=1
		}
	done < <(grep '^CONFIG_' "$config")
	return $bad
}

# Several GB of objects and of sources that no module needs
prune()
{
	local tree=$1

	(
		cd "$tree"
		find . -mindepth 1 -maxdepth 1 ! -name arch ! -name include ! -name scripts \
			! -name tools ! -name Makefile ! -name Kbuild ! -name .config \
			! -name Module.symvers ! -name System.map -exec rm -rf {} +
		find arch -mindepth 1 -maxdepth 1 ! -name x86 -exec rm -rf {} +
		find tools -mindepth 1 -maxdepth 1 ! -name objtool ! -name include \
			-exec rm -rf {} +
		find arch -name '*.[oa]' -delete
	)
}

build()
{
	local -a make=(nice -n 19 make -s -C "$src" "-j$(nproc)")

	"${make[@]}" allnoconfig KCONFIG_ALLCONFIG="$config"
	check_config
	"${make[@]}" bzImage modules
	rm -rf "$dir/install"
	"${make[@]}" modules_install INSTALL_MOD_PATH="$dir/install"
	"${make[@]}" kernelrelease >"$dir/release"
	cp "$src/arch/x86/boot/bzImage" "$dir/vmlinuz"
	rm -rf "$dir/modules"
	mv "$dir/install/lib/modules" "$dir/modules"
	rm -rf "$dir/install" "$dir/modules"/*/build "$dir/modules"/*/source
}

mkdir -p "$dir"
[ -e "$dir/.unpacked" ] || unpack_source
build
prune "$src"
