# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the checks share.  A check is an executable here: it runs at the top of the
# checkout inside the lab root, prints what it found, and fails if that is anything.

set -eu
set -o pipefail

LINUX_SRC=${LINUX_SRC:-/usr/src/linux}

# files PATTERN...: the checkout's files, new ones too, that match (git patterns)
files()
{
	git -c safe.directory='*' ls-files --cached --others --exclude-standard \
		--deduplicate -- "$@" | while read -r file; do
		[ ! -f "$file" ] || printf '%s\n' "$file"
	done
}

# c_files [DIR...]: C sources and headers
c_files()
{
	local dir

	for dir in "${@:-.}"; do
		files "$dir/*.c" "$dir/*.h"
	done
}

# scripts LANGUAGE: files that begin with that interpreter, or have its suffix
scripts()
{
	local file

	files | while read -r file; do
		case $1:$file in
		sh:*.sh | python:*.py) echo "$file" ;;
		*.*) ;;
		*)
			head -c 64 "$file" | head -n 1 |
				grep -aqE "^#!.*\b(ba)?$1[0-9.]*( |$)" && echo "$file"
			;;
		esac
	done || :
}

# silent COMMAND...: fails if the command fails or says anything
silent()
{
	local output

	output=$("$@" 2>&1) && [ -z "$output" ] && return
	printf '%s\n' "$output"
	return 1
}
