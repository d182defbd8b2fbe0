# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What every part of the lab uses: messages, paths, locks.

LAB_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../.." && pwd -P)
LAB_TOOLS=$LAB_SRC/tools/testing/lab
LAB_DIR=${WTO_LAB_DIR:-$LAB_SRC/build/lab}
case $LAB_DIR in
/*) ;;
*) LAB_DIR=$PWD/$LAB_DIR ;;
esac
LAB_ROOT=$LAB_DIR/root
LAB_OUT=$LAB_DIR/out
LAB_LOGS=$LAB_DIR/logs
LAB_KERNELS="6.12 7.3"
export LAB_SRC LAB_TOOLS LAB_DIR LAB_ROOT LAB_OUT LAB_LOGS LAB_KERNELS

say()
{
	printf 'lab: %s\n' "$*" >&2
}

# die MESSAGE [ADVICE]: fail, saying what is wrong and what to do about it
die()
{
	printf 'lab: error: %s\n' "$1" >&2
	[ $# -lt 2 ] || printf 'lab: %s\n' "$2" >&2
	exit 1
}

# usage_error MESSAGE: the command line is wrong
usage_error()
{
	printf 'lab: %s\nlab: see "lab help"\n' "$1" >&2
	exit 2
}

# One process at a time in a part of the lab; the lock ends with the process.
# lock NAME WHAT
lock()
{
	local fd

	mkdir -p "$LAB_DIR" || die "cannot make $LAB_DIR" \
		"Set WTO_LAB_DIR to a directory that can be written."
	exec {fd}>"$LAB_DIR/.lock-$1"
	if ! flock -n "$fd"; then
		say "waiting for another lab to finish: $2"
		flock "$fd"
	fi
	LAB_LOCK_FD=$fd
}

unlock()
{
	exec {LAB_LOCK_FD}>&-
}

# in_namespaces COMMAND...: with mounts and processes of its own, which end with it, or
# with this shell however it dies
in_namespaces()
{
	setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork \
		--kill-child --mount-proc "$@"
}

need_root_user()
{
	[ "$(id -u)" -eq 0 ] || die "the lab needs root (mounts, chroot)" \
		"Run it with sudo."
}

# kernel_release NAME: uname -r of the lab's kernel of that series, or of "debug"
kernel_release()
{
	local dir

	if [ "$1" = debug ]; then
		cat "$LAB_DIR/kernels/debug/release"
		return
	fi
	for dir in "$LAB_ROOT/lib/modules/$1".*; do
		[ -d "$dir" ] && basename "$dir" && return
	done
	return 1
}

check_kernel_name()
{
	case " $LAB_KERNELS debug " in
	*" $1 "*) ;;
	*) usage_error "no kernel '$1'; there are: $LAB_KERNELS debug" ;;
	esac
}
