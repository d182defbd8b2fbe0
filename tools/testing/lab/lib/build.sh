# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Building inside the lab root.  The checkout stays clean: the module is built from
# a synchronized copy per kernel, so that both kernels' builds stand side by side.

DRIVER_DIR=drivers/net/ethernet/wto
NIC_DIR=tools/net/idpf-nic

# up_to_date STAMP PATH...: nothing below the paths changed since the stamp
up_to_date()
{
	local stamp=$1

	shift
	[ -e "$stamp" ] && [ -z "$(cd "$LAB_SRC" && find "$@" -newer "$stamp" -print -quit)" ]
}

# build_step NAME STAMP SOURCES -- COMMAND...: one make, its output in a log
build_step()
{
	local name=$1 stamp=$2 sources=$3 log=$LAB_LOGS/build-$1.log

	shift 4
	# shellcheck disable=SC2086 # a list of paths
	! up_to_date "$stamp" $sources || return 0
	say "building $name"
	mkdir -p "$LAB_LOGS" "${stamp%/*}"
	touch "$stamp.new"
	enter "$@" >"$log" 2>&1 || {
		rm -f "$stamp" "$stamp.new"
		grep -E -m 20 'error|Error|undefined|warning' "$log" >&2 || tail -n 20 "$log" >&2
		die "building $name failed" "The whole output is in $log."
	}
	grep -E 'warning' "$log" | grep -v 'jobserver unavailable' >&2 || :
	mv "$stamp.new" "$stamp"
}

build_module()
{
	local kernel=$1 out=$LAB_OUT/$1 tree

	[ -e "$LAB_SRC/$DRIVER_DIR/Makefile" ] ||
		die "there is no driver to build: $DRIVER_DIR/Makefile is missing"
	tree=/lib/modules/$(kernel_release "$kernel")/build
	if [ "$kernel" = debug ]; then
		tree=$LAB_DEBUG/linux
		# what was built for, and is beside, another kernel
		[ "$(cat "$out/.kernel" 2>/dev/null)" = "$(readlink "$LAB_DEBUG")" ] ||
			rm -rf "$out"
		mkdir -p "$out"
		readlink "$LAB_DEBUG" >"$out/.kernel"
		[ -d "$out/modules" ] || cp -a "$LAB_DEBUG/modules" "$out/modules"
	fi
	build_step "wto.ko-$kernel" "$out/.built" "Kbuild include/wto $DRIVER_DIR" -- \
		bash "$LAB_TOOLS/lib/build-module.sh" "$tree" "$out"
}

# build_nic [san]: the software NIC, with sanitizers if asked
build_nic()
{
	local out=$LAB_OUT/nic${1:+-$1} name=idpf-nic${1:+-$1}

	[ -e "$LAB_SRC/$NIC_DIR/Makefile" ] ||
		die "there is no software NIC to build: $NIC_DIR/Makefile is missing"
	build_step "$name" "$out/.built" "include/wto drivers/net/ethernet/wto/offload $NIC_DIR" -- \
		make -C "$LAB_SRC/$NIC_DIR" -j"$(nproc)" O="$out" ${1:+SAN=1}
}

build_tools()
{
	local sources

	sources=$(cd "$LAB_SRC" && echo tools/testing/lab/guest/*.[ch] \
		tools/testing/selftests/drivers/net/wto/*.[ch] \
		tools/testing/bench/{icount.c,qemu_plugin.h})
	build_step tools "$LAB_OUT/tools/.built" "tools/testing/lab/guest/Makefile $sources" -- \
		make -C "$LAB_TOOLS/guest" O="$LAB_OUT/tools"
}

# build KERNELS NICS: under the lock, what is out of date of these
build()
{
	local part

	case " $1 " in
	*" debug "*) ensure_debug_kernel ;;
	esac
	lock build "a build"
	build_tools
	for part in $2; do
		case $part in
		plain) build_nic ;;
		san) build_nic san ;;
		esac
	done
	for part in $1; do
		build_module "$part"
	done
	unlock
}

build_command()
{
	local kernels=$LAB_KERNELS

	while [ $# -gt 0 ]; do
		case $1 in
		--kernel)
			kernels=${2:?--kernel needs a value}
			if [ "$kernels" = all ]; then
				kernels=$LAB_KERNELS
			else
				check_kernel_name "$kernels"
			fi
			shift 2
			;;
		*) usage_error "build: unknown argument '$1'" ;;
		esac
	done
	ensure_root
	build "$kernels" "plain san"
	say "built: $LAB_OUT"
}
