# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The kernel "debug": 7.3 from Debian's linux-source package with all checkers on,
# made when it is first asked for and kept below kernels/ of the lab directory.

LAB_DEBUG_SERIES=7.3
LAB_DEBUG=$LAB_DIR/kernels/debug
LAB_DEBUG_NEED_MB=8000
# To be raised when debug-kernel.sh makes another kernel of the same configuration
LAB_DEBUG_VERSION=1

debug_stamp()
{
	{
		echo "$LAB_DEBUG_SERIES $LAB_DEBUG_VERSION $(root_stamp)"
		cat "$LAB_TOOLS/debug.config"
	} | sha256sum | cut -c 1-16
}

debug_is_current()
{
	[ "$(readlink "$LAB_DEBUG")" = "debug-$(debug_stamp)" ] && [ -e "$LAB_DEBUG/vmlinuz" ]
}

make_debug_kernel()
{
	local dir=$LAB_DIR/kernels log=$LAB_LOGS/debug-kernel.log start=$SECONDS stamp free

	stamp=$(debug_stamp)
	# an interrupted build goes on, but not that of another compiler or source
	[ "$(cat "$dir/new/.root" 2>/dev/null)" = "$(root_stamp)" ] || rm -rf "$dir/new"
	mkdir -p "$dir/new" "$LAB_LOGS"
	free=$(df -Pm "$dir" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge $LAB_DEBUG_NEED_MB ] ||
		die "only $free MB free below $LAB_DIR, $LAB_DEBUG_NEED_MB MB are needed"
	root_stamp >"$dir/new/.root"
	say "making the debug kernel, once: half an hour of processor time (log: $log)"
	enter bash "$LAB_TOOLS/lib/debug-kernel.sh" $LAB_DEBUG_SERIES "$dir/new" \
		</dev/null >"$log" 2>&1 || {
		grep -E -m 10 'error:|Error ' "$log" >&2 || tail -n 10 "$log" >&2
		die "cannot make the debug kernel" "The whole output is in $log."
	}
	rm -rf "${dir:?}"/debug-*
	mv "$dir/new" "$dir/debug-$stamp"
	ln -sfn "debug-$stamp" "$LAB_DEBUG"
	say "debug kernel $(cat "$LAB_DEBUG/release") made in $((SECONDS - start)) s"
}

# One lab makes it, others wait
ensure_debug_kernel()
{
	! debug_is_current || return 0
	lock debug-kernel "making the debug kernel"
	debug_is_current || make_debug_kernel
	unlock
}
