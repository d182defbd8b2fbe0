# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Running things inside the lab root.  A command gets a mount and a PID namespace:
# the root read-only below an overlay in memory, the checkout and the lab directory
# at the same paths as outside.  When the command ends, or the lab is killed, the
# kernel removes mounts and processes.

# enter [--dir DIR]... COMMAND...: runs COMMAND in the root; each DIR is visible too
enter()
{
	local -a dirs=("$LAB_SRC" "$LAB_DIR" /tmp)
	local git_dir

	# A worktree of git's keeps its repository elsewhere
	git_dir=$(git -C "$LAB_SRC" rev-parse --path-format=absolute --git-common-dir \
		2>/dev/null) || git_dir=''
	case $git_dir/ in
	/ | "$LAB_SRC"/*) ;;
	*) dirs+=("$git_dir") ;;
	esac
	while [ "${1:-}" = --dir ]; do
		dirs+=("$2")
		shift 2
	done
	in_namespaces bash "$LAB_TOOLS/lib/enter-root.sh" "${#dirs[@]}" "${dirs[@]}" "$@"
}
