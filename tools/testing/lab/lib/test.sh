# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# "lab test", "lab selftest", "lab demo", and the way to "lab bench".

# build_upstream: the kernel's own NIC selftests.  ynl's generator looks for MAINTAINERS to
# find the top of the tree; the root is read-only below an overlay in memory.
build_upstream()
{
	local out=$LAB_OUT/selftests

	[ ! "$out/kselftest-list.txt" -nt "$LAB_ROOT/usr/src/linux" ] || return 0
	lock upstream "a build of the kernel's selftests"
	rm -rf "$out" "$out.new"
	# shellcheck disable=SC2016 # expanded inside
	build_step selftests "$out.new/.built" tools/testing/lab/selftests -- \
		sh -ec 'cd /usr/src/linux
		touch MAINTAINERS
		make -s headers
		make -s -j"$(nproc)" -C tools/testing/selftests install \
			TARGETS="drivers/net drivers/net/hw net/lib net" \
			INSTALL_PATH="$1" FORCE_TARGETS=0' sh "$out.new"
	mv "$out.new" "$out"
	unlock
}

test_command()
{
	local do_build=1 kernels=$LAB_KERNELS named='' upstream=''
	local -a args=()

	while [ $# -gt 0 ]; do
		case $1 in
		--no-build) do_build='' ;;
		--list) do_build='' args+=("$1") ;;
		--full) kernels="$LAB_KERNELS debug" args+=("$1") ;;
		--selftest | upstream*) upstream=1 args+=("$1") ;;
		-j | --jobs)
			need_value "$@"
			args+=("$1" "$2")
			shift
			;;
		-*) args+=("$1") ;;
		*) named=1 args+=("$1") ;;
		esac
		shift
	done
	ensure_root
	[ -z "$do_build" ] || build "$kernels" "plain san"
	[ -z "$do_build" ] || { [ "$named" ] && [ -z "$upstream" ]; } || build_upstream
	WTO_ACCEL=$(accelerator)
	export WTO_ACCEL
	cd "$LAB_SRC" || exit
	enter python3 "$LAB_TOOLS/host/test.py" "${args[@]}"
}

demo_command()
{
	local program=tools/testing/lab/guest/demo.py
	local -a options=()

	while [ $# -gt 0 ]; do
		case $1 in
		--kernel | --driver | --cpus | --mem | --timeout)
			need_value "$@"
			options+=("$1" "$2")
			shift 2
			;;
		*) usage_error "demo: unknown argument '$1'" ;;
		esac
	done
	[ -e "$LAB_SRC/$program" ] || {
		say "there is no demonstration yet: $program is missing"
		exit 2
	}
	ensure_root
	run_command --ports 2 --count-instructions --pcap "$LAB_DIR/demo.pcapng" "${options[@]}" -- \
		python3 "/mnt/src/$program"
}

# later_command NAME PROGRAM ARGS: a part of the lab that has its place but may be missing
later_command()
{
	local name=$1 program=$LAB_SRC/$2
	shift 2

	[ -x "$program" ] || {
		say "there is no '$name' yet: ${program#"$LAB_SRC/"} is missing"
		exit 2
	}
	"$program" "$@"
}
