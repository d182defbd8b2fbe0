# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# "lab run" and "lab shell": the host's half.  host/run.py, inside the root, runs the
# guest itself.

# Looks once whether a stock kernel really boots under KVM here; TCG otherwise.
accelerator()
{
	local cache=$LAB_DIR/accel choice=tcg why

	if [ ! -e "$cache" ]; then
		if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
			why="no usable /dev/kvm"
		elif probe_kvm; then
			choice=kvm why="a guest booted under it"
		else
			why="/dev/kvm is there, but no guest came up under it in 15 s"
		fi
		printf '%s %s\n' "$choice" "$why" >"$cache.$$"
		mv "$cache.$$" "$cache"
		say "accelerator: $choice ($why)"
	fi
	cut -d' ' -f1 "$cache"
}

probe_kvm()
{
	vm --kernel 7.3 --driver none --ports 0 --accel kvm --timeout 15 --quiet -- \
		true >/dev/null 2>&1
}

# vm [--dir DIR]... ARGS: run.py in the root; ARGS begin with --kernel K
vm()
{
	local -a dirs=()

	while [ "$1" = --dir ]; do
		dirs+=(--dir "$2")
		shift 2
	done
	enter "${dirs[@]}" python3 "$LAB_TOOLS/host/run.py" --release "$(kernel_release "$2")" "$@"
}

need_value()
{
	[ $# -ge 2 ] || usage_error "$1 needs a value"
}

# existing_dir OPTION PATH
existing_dir()
{
	[ -d "$2" ] || usage_error "$1: there is no directory '$2'"
	realpath "$2"
}

# run_command [--shell] ARGS: see "lab help"
run_command()
{
	local kernel=7.3 driver=wto ports=2 nic=${WTO_NIC_BUILD:-plain} no_build='' accel
	local -a pass=() dirs=() nics=()

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		case $1 in
		--kernel)
			need_value "$@"
			check_kernel_name "$2"
			kernel=$2
			shift 2
			;;
		--driver)
			need_value "$@"
			driver=$2
			shift 2
			;;
		--ports)
			need_value "$@"
			ports=$2
			shift 2
			;;
		--nic-build)
			need_value "$@"
			nic=$2
			shift 2
			;;
		--pcap)
			need_value "$@"
			dirs+=(--dir "$(existing_dir --pcap "$(dirname "$2")")")
			pass+=(--pcap "$(realpath "$2")")
			shift 2
			;;
		--share)
			need_value "$@"
			dirs+=(--dir "$(existing_dir --share "$2")")
			pass+=(--share "$(realpath "$2")")
			shift 2
			;;
		--cpus | --mem | --nic-arg | --port-arg | --timeout | --accel | --allow | \
			--kernel-arg | --qemu-arg)
			need_value "$@"
			pass+=("$1=$2")
			shift 2
			;;
		--nic-may-die | --count-instructions | --root-ports | --in-memory | --shell)
			pass+=("$1")
			shift
			;;
		--no-build)
			no_build=1
			shift
			;;
		*) usage_error "run: unknown argument '$1'" ;;
		esac
	done
	[ $# -ge 2 ] || usage_error "run: no command given (lab run [OPTIONS] -- COMMAND...)"
	shift
	case $driver in
	wto | idpf | none) ;;
	*) usage_error "no driver '$driver'; there are: wto idpf none" ;;
	esac
	case $nic in
	plain | san) ;;
	*) usage_error "no NIC build '$nic'; there are: plain san" ;;
	esac
	case $ports in
	*[!0-9]* | '') usage_error "--ports needs a number" ;;
	0) ;;
	*) nics=("$nic") ;;
	esac
	ensure_root
	[ -n "$no_build" ] ||
		build "$([ "$driver" != wto ] || echo "$kernel")" "${nics[*]}"
	accel=$(accelerator)
	[ "$nic" = san ] && nic=-san || nic=''
	vm "${dirs[@]}" --kernel "$kernel" --driver "$driver" --ports "$ports" \
		--accel "$accel" --nic "$LAB_OUT/nic$nic/idpf-nic" "${pass[@]}" -- "$@"
}

shell_command()
{
	if [ ! -t 0 ] || [ ! -t 1 ]; then
		usage_error "lab shell needs a terminal; use lab run"
	fi
	local state status=0

	state=$(stty -g)
	stty raw -echo
	# shellcheck disable=SC2064 # the state of now
	trap "stty '$state'" EXIT
	run_command --shell --timeout 86400 "$@" -- bash -i || status=$?
	stty "$state"
	return $status
}
