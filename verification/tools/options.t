#!/bin/sh
# The manual page and the completion know exactly the options that --help shows, and the gate would notice.
set -u
mullion=${MULLION:-${BUILD:-build}/tools/mullion}
subcommands="check build audit explain run jitter ctl top trace"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 1..30
number=0

ok() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; fi
}

# Long options, one a line, sorted. --help and --usage are argp's and said once for all.
helped() { "$mullion" help "$1" | sed -n 's/^ *\(-., \)\{0,1\}\(--[a-z-]*\).*/\2/p' | grep -vxe --help -e --usage | sort; }
manned() { # SUBCOMMAND PAGE
	awk -v section="$(echo "$1" | tr a-z A-Z)" '
		/^\.SH / { inside = $2 == section }
		/^\.T[PQ]/ { head = inside; next }
		head { print; head = 0 }' "$2" | sed 's/\\-/-/g' | grep -o -e '--[a-z-]*' | sort
}
completed() { # SUBCOMMAND SCRIPT
	bash -c '. "$2"; COMP_WORDS=(mullion "$1" --); COMP_CWORD=2; _mullion; printf "%s\n" "${COMPREPLY[@]}"' - "$1" "$2" |
		grep -vxe --help -e --usage | sort
}

for subcommand in $subcommands; do
	helped "$subcommand" >"$work/help"
	[ -s "$work/help" ]
	ok $? "mullion $subcommand has options"
	manned "$subcommand" tools/mullion.1 | diff "$work/help" - >"$work/diff"
	ok $? "the manual page knows the options of $subcommand"
	completed "$subcommand" tools/mullion.bash | diff "$work/help" - >"$work/diff"
	ok $? "the completion knows the options of $subcommand"
done

helped run >"$work/help"
sed 's/dry\\-run/dry\\-runs/' tools/mullion.1 >"$work/page"
manned run "$work/page" | diff "$work/help" - >"$work/diff"
[ $? -eq 1 ]
ok $? "an option misspelt in the manual page is noticed"
sed 's/ --dry-run//' tools/mullion.bash >"$work/script"
completed run "$work/script" | diff "$work/help" - >"$work/diff"
[ $? -eq 1 ]
ok $? "an option missing in the completion is noticed"
"$mullion" --help | awk '/^  [a-z]+ / { print $1 }' | grep -vx help | tr '\n' ' ' >"$work/list"
[ "$(cat "$work/list")" = "$subcommands " ]
ok $? "these are all subcommands"
