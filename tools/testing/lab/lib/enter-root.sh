#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# enter-root.sh N DIR1..DIRN COMMAND...: see enter.sh.  Runs in new namespaces.

set -eu

n=$1
shift
dirs=("${@:1:n}")
shift "$n"
cwd=$PWD
new=/run/wto-lab

mkdir -p $new
mount -t tmpfs -o mode=755 tmpfs $new
mkdir $new/upper $new/work $new/root
mount -t overlay -o "lowerdir=$LAB_ROOT,upperdir=$new/upper,workdir=$new/work" \
	overlay $new/root 2>/dev/null || {
	# No overlay here: the root itself, in which only mount points are made
	mount --bind "$LAB_ROOT" $new/root
}
root=$new/root
mount -t proc proc $root/proc
mount --rbind /sys $root/sys
mount --rbind /dev $root/dev
mount -t tmpfs tmpfs $root/run
for dir in "${dirs[@]}"; do
	mkdir -p "$root$dir"
	mount --rbind "$dir" "$root$dir"
done
cd "$root$cwd" 2>/dev/null || cwd=$LAB_SRC

# shellcheck disable=SC2016 # expanded inside
exec chroot $root /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	LC_ALL=C.UTF-8 HOME=/root TERM="${TERM:-dumb}" \
	LAB_SRC="$LAB_SRC" LAB_TOOLS="$LAB_TOOLS" LAB_DIR="$LAB_DIR" \
	LAB_ROOT="$LAB_ROOT" LAB_OUT="$LAB_OUT" LAB_LOGS="$LAB_LOGS" \
	WTO_LAB_DIR="$LAB_DIR" ${WTO_ACCEL:+WTO_ACCEL="$WTO_ACCEL"} PYTHONDONTWRITEBYTECODE=1 \
	/bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$cwd" "$@"
