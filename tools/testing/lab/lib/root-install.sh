#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Fills a fresh base system with the packages of the list.  Runs in mount and PID
# namespaces of its own, so nothing stays mounted or running however it ends.
#
# root-install.sh ROOT, with LAB_MIRROR, LAB_SUITE, LAB_LOG, LAB_TOOLS set.

set -eu
set -o pipefail

root=$1

lines()
{
	sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$LAB_TOOLS/packages"
}

say()
{
	printf 'lab:   %s\n' "$*" >&2
}

in_root()
{
	chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		HOME=/root DEBIAN_FRONTEND=noninteractive \
		${http_proxy:+http_proxy="$http_proxy"} \
		${https_proxy:+https_proxy="$https_proxy"} "$@"
}

# Shows apt's progress (its status descriptor) every tenth
progress()
{
	awk -F: -v what="$1" '
	/^(dlstatus|pmstatus):/ {
		kind = $1 == "dlstatus" ? "fetching" : "installing"
		tenth = int($3 / 10)
		if (kind != last_kind || tenth > last) {
			last = tenth; last_kind = kind
			printf "lab:   %s: %s %d %%\n", what, kind, tenth * 10
			fflush()
		}
	}' >&2
}

apt_install()
{
	local what=$1

	shift
	{ in_root eatmydata apt-get install -y --no-install-recommends \
		-o APT::Status-Fd=3 -o Acquire::Retries=3 "$@" \
		3>&1 >>"$LAB_LOG" 2>&1; } | progress "$what"
	# apt that was interrupted may end with success
	# shellcheck disable=SC2016 # dpkg-query's own variables
	in_root dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' "$@" |
		awk '$2 != "ii" { print "not installed: " $1; bad = 1 } END { exit bad }' \
		>>"$LAB_LOG"
}

suites()
{
	{
		echo "$LAB_SUITE"
		lines | awk '$1 == "pin" || $1 == "kernel" || $1 == "source" { print $3; next }
			split($1, a, "/") == 2 { print a[2] }'
	} | sort -u
}

write_sources()
{
	local suite part

	: >"$root/etc/apt/sources.list"
	for suite in $(suites); do
		part=main
		[ "$suite" != "$LAB_SUITE" ] || part="main non-free"
		echo "deb $LAB_MIRROR $suite $part" >>"$root/etc/apt/sources.list"
	done
}

# Only what the list names may come from another suite than the root's own.
write_pins()
{
	local suite

	for suite in $(suites); do
		[ "$suite" = "$LAB_SUITE" ] && continue
		printf 'Package: *\nPin: release n=%s\nPin-Priority: 50\n\n' "$suite"
	done
	lines | awk '
		$1 == "pin" { pin($2, $3); next }
		$1 == "kernel" || $1 == "source" { next }
		split($1, a, "/") == 2 { pin(a[1], a[2]) }
		function pin(name, suite) {
			printf "Package: %s\nPin: release n=%s\nPin-Priority: 990\n\n", name, suite
		}'
}

# kernel_packages SERIES: names of image and headers, by the metapackages
kernel_packages()
{
	local meta version

	for meta in linux-image-amd64 linux-headers-amd64; do
		version=$(in_root apt-cache madison "$meta" | awk -F'|' -v s="$1" '
			{ gsub(/ /, "", $2) }
			index($2, s ".") == 1 && !found { print $2; found = 1 }')
		[ -n "$version" ] || {
			echo "no $meta of series $1" >>"$LAB_LOG"
			return 1
		}
		in_root apt-cache show "$meta=$version" |
			sed -n 's/^Depends: //p' | tr ',' '\n' |
			sed -n 's/^ *\(linux-\(image\|headers\)-[0-9][^ ]*\).*/\1/p' | head -n 1
	done
}

# The parts of the kernel source that checks and selftests use
source_parts="scripts tools/docs tools/lib/python tools/net/ynl tools/testing/selftests
	tools/include tools/build tools/scripts tools/arch/x86 tools/lib tools/bpf include
	arch/x86/include arch/x86/entry/syscalls arch/x86/Makefile arch/x86/Kbuild Makefile
	Kbuild Kconfig .clang-format Documentation/netlink Documentation/sphinx"

unpack_source()
{
	local deb dir=linux-source-$1 part
	local -a names=()

	for part in $source_parts; do
		names+=("$dir/$part")
	done
	in_root sh -c "cd /tmp && apt-get download -q $dir" >>"$LAB_LOG" 2>&1
	deb=$(echo "$root/tmp/${dir}"_*.deb)
	dpkg-deb --fsys-tarfile "$deb" |
		tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		in_root tar -xJ -C /usr/src "${names[@]}" >>"$LAB_LOG" 2>&1
	rm -f "$deb"
	in_root ln -sfn "$dir" /usr/src/linux
}

trap 'exit 130' INT TERM

mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"

write_sources
write_pins >"$root/etc/apt/preferences.d/lab"
cat >"$root/etc/apt/apt.conf.d/50lab" <<-EOF
	APT::Install-Recommends "false";
	Acquire::Check-Valid-Until "false";
	Acquire::Languages "none";
	APT::Sandbox::User "root";
EOF
# Nothing is to start, and no initramfs to be made: the guests have no use for one.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
echo 'wireshark-common wireshark-common/install-setuid boolean false' |
	in_root debconf-set-selections >>"$LAB_LOG" 2>&1 || :

say "package lists of $(suites | tr '\n' ' ')"
in_root apt-get update -q >>"$LAB_LOG" 2>&1

mapfile -t wanted < <(lines | awk '$1 != "pin" && $1 != "kernel" && $1 != "source" {
	sub("/.*", "", $1); print $1 }')
while read -r _ series _; do
	mapfile -t names < <(kernel_packages "$series")
	[ ${#names[@]} -eq 2 ] || exit 1
	wanted+=("${names[@]}")
done < <(lines | grep '^kernel ')
apt_install packages "${wanted[@]}"

while read -r _ series _; do
	say "kernel source $series: checks and selftests"
	unpack_source "$series"
done < <(lines | grep '^source ')

in_root apt-get clean
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin
mkdir -p "$root"/mnt/{src,out,lab,share} "$root"/media/{src,out,lab}
sync -f "$root"
