# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# "lab check": every executable in tools/checks, or those named.

check_command()
{
	local check passed=0 failed=0 log name start
	local -a checks=()

	for check in "$LAB_SRC"/tools/checks/*; do
		name=${check##*/}
		if [ -f "$check" ] && [ -x "$check" ] && { [ $# -eq 0 ] || [[ " $* " == *" $name "* ]]; }; then
			checks+=("$check")
		fi
	done
	[ ${#checks[@]} -gt 0 ] || usage_error "check: there is no check '$*' in tools/checks"
	ensure_root
	mkdir -p "$LAB_LOGS"
	cd "$LAB_SRC" || exit
	for check in "${checks[@]}"; do
		name=${check##*/}
		log=$LAB_LOGS/check-$name.log
		start=$SECONDS
		if enter "$check" >"$log" 2>&1; then
			passed=$((passed + 1))
			printf 'pass %s (%d s)\n' "$name" $((SECONDS - start))
		else
			failed=$((failed + 1))
			printf 'FAIL %s (%d s)\n' "$name" $((SECONDS - start))
			head -n "${LAB_CHECK_LINES:-40}" "$log" | sed 's/^/  /'
			printf '  (all of it: %s, %d lines)\n' "$log" "$(wc -l <"$log")"
		fi
	done
	printf 'checks: %d passed, %d failed\n' $passed $failed
	[ $failed -eq 0 ]
}
