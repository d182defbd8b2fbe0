# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The lab root: a Debian 13 tree with everything else the lab needs.  It is made
# in root.new and renamed when complete, so a root that exists is a whole one.

LAB_SUITE=trixie
LAB_NEED_MB=6000
# To be raised when make_base() makes another base
LAB_BASE_VERSION=1

# The mirror that this machine itself uses, so that no name stands here.
lab_mirror()
{
	local uri

	if [ -n "${WTO_LAB_MIRROR:-}" ]; then
		printf '%s\n' "${WTO_LAB_MIRROR%/}"
		return
	fi
	# shellcheck disable=SC2016 # apt expands this
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		'Origin: Debian' 'Label: Debian' 'Component: main' 2>/dev/null | head -n 1)
	[ -n "$uri" ] || return 1
	printf '%s\n' "${uri%/}"
}

# Lines of the package list by kind, comments removed
packages_lines()
{
	sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$LAB_TOOLS/packages"
}

root_stamp()
{
	{
		echo "base $LAB_BASE_VERSION"
		packages_lines
		cat "$LAB_TOOLS/lib/root-install.sh"
	} | sha256sum | cut -d' ' -f1
}

root_is_current()
{
	[ "$(cat "$LAB_ROOT/.lab-stamp" 2>/dev/null)" = "$(root_stamp)" ]
}

# Everything that has to be on the host itself
host_install()
{
	local -a missing=()

	command -v apt-get >/dev/null ||
		die "this host is not a Debian system" \
		    "The lab makes its root with apt: run it on Debian 12 or 13."
	command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
		missing+=(debian-archive-keyring)
	if [ ${#missing[@]} -eq 0 ] && lab_mirror >/dev/null; then
		return
	fi
	say "installing on the host: ${missing[*]:-package lists}"
	mkdir -p "$LAB_LOGS"
	{
		apt-get update &&
		{ [ ${#missing[@]} -eq 0 ] ||
		  DEBIAN_FRONTEND=noninteractive apt-get install -y \
			--no-install-recommends "${missing[@]}"; }
	} >"$LAB_LOGS/host.log" 2>&1 || {
		tail -n 5 "$LAB_LOGS/host.log" >&2
		die "cannot install ${missing[*]:-package lists} on the host" \
		    "Check /etc/apt/sources.list and the network, then run the lab again; see $LAB_LOGS/host.log."
	}
}

check_space()
{
	local free

	free=$(df -Pm "$LAB_DIR" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge $LAB_NEED_MB ] ||
		die "only $free MB free below $LAB_DIR, $LAB_NEED_MB MB are needed" \
		    "Free some space or set WTO_LAB_DIR to another disk."
}

# apt's own network settings (proxy and the like) of the host, for the root
host_apt_network()
{
	apt-config dump 2>/dev/null |
		grep -E '^Acquire::(https?|ftp)::(Proxy|Verify|CaInfo)' || true
}

# Unmounts what an interrupted run may have left and removes the tree.
remove_tree()
{
	local dir=$1

	[ -d "$dir" ] || return 0
	awk -v d="$dir/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo |
		sort -r | while read -r mnt; do umount -l "$mnt"; done
	rm -rf --one-file-system "$dir"
}

make_base()
{
	local mirror=$1 new=$2

	in_namespaces mmdebstrap --quiet --mode=root --variant=apt \
		--components=main,non-free --aptopt='Acquire::Check-Valid-Until "false"' \
		--include=eatmydata,ca-certificates \
		--dpkgopt='force-unsafe-io' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/info/*' \
		--dpkgopt='path-exclude=/etc/kernel/postinst.d/*' \
		--skip=cleanup/apt/lists \
		"$LAB_SUITE" "$new" "$mirror"
}

make_root()
{
	local mirror new=$LAB_DIR/root.new log=$LAB_LOGS/root.log start=$SECONDS

	mirror=$(lab_mirror) || die "cannot tell which Debian mirror this host uses" \
		"Set WTO_LAB_MIRROR to a mirror's address, as in sources.list."
	remove_tree "$new"
	check_space
	mkdir -p "$LAB_LOGS"
	say "making the lab root, once: some minutes, about 1 GB to fetch (log: $log)"
	say "  base system"
	make_base "$mirror" "$new" >"$log" 2>&1 || {
		tail -n 8 "$log" >&2
		remove_tree "$new"
		die "cannot make the base system" \
		    "Check the network and the mirror ($mirror), then run the lab again."
	}
	host_apt_network >"$new/etc/apt/apt.conf.d/90host"
	cp -L /etc/resolv.conf "$new/etc/resolv.conf" 2>/dev/null || :
	LAB_MIRROR=$mirror LAB_SUITE=$LAB_SUITE LAB_LOG=$log \
		in_namespaces bash "$LAB_TOOLS/lib/root-install.sh" "$new" || {
		[ $? -ne 130 ] || {
			remove_tree "$new"
			die "interrupted" "Nothing half-made is left: run the lab again to start over."
		}
		tail -n 12 "$log" | cut -c 1-300 >&2
		remove_tree "$new"
		die "cannot install the lab's packages" \
		    "See $log. When the network or the mirror was the cause, run the lab again."
	}
	root_stamp >"$new/.lab-stamp"
	remove_tree "$LAB_DIR/root.old"
	[ ! -d "$LAB_ROOT" ] || mv "$LAB_ROOT" "$LAB_DIR/root.old"
	mv "$new" "$LAB_ROOT"
	remove_tree "$LAB_DIR/root.old"
	say "lab root made in $((SECONDS - start)) s: $(du -sm "$LAB_ROOT" | cut -f1) MB"
}

# The root, made if need be.  One lab makes it, others wait.
ensure_root()
{
	need_root_user
	root_is_current && return
	lock root "making the lab root"
	if ! root_is_current; then
		[ ! -d "$LAB_ROOT" ] || say "the package list changed: the lab root is made anew"
		host_install
		make_root
	fi
	unlock
}
