# Completion of mullion for bash: source this file, or install it as a completion named mullion.
# verification/tools/options.t compares its options with --help.

_mullion_options() {
	case $1 in
	check) echo --images --define --json --help --usage ;;
	build) echo --output --images --define --kernel --help --usage ;;
	audit) echo --description --define --json --quiet --help --usage ;;
	explain) echo --json --svg --images --define --help --usage ;;
	run) echo --icount --timeout --serial --ram --debug --udp --reboot --dry-run --help --usage ;;
	jitter) echo --ram --samples --cyclictest --oslat --system --bound --require --text --json --csv \
		--svg --figure --html --title --condition --help --usage ;;
	ctl) echo --connect --key --timeout --json --cold --reset --output --system --help --usage ;;
	top) echo --delay --once --system --connect --key --timeout --help --usage ;;
	trace) echo --ram --system --text --json --connect --key --timeout --help --usage ;;
	esac
}

_mullion_files() {
	case $1 in
	check | build | explain) compgen -f -X '!*.dts' -- "$2"; compgen -d -- "$2" ;;
	audit) compgen -f -X '!*.elf' -- "$2"; compgen -d -- "$2" ;;
	run) compgen -d -- "$2" ;;
	ctl) compgen -W 'list info cpus console stop start restart schedule health log journal dump load report version \
		shutdown' -- "$2" ;;
	esac
}

_mullion() {
	local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local subcommand=${COMP_WORDS[1]}

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W 'check build audit explain run jitter ctl top trace help --help --version' -- "$current")
	elif [ "$subcommand" = help ]; then
		mapfile -t COMPREPLY < <(compgen -W 'check build audit explain run jitter ctl top trace' -- "$current")
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_mullion_options "$subcommand")" -- "$current")
	else
		case $before in
		--key) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
		--images | --kernel | --output | -i | -k | -o) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
		--description | -d) mapfile -t COMPREPLY < <(_mullion_files check "$current") ;;
		--serial | --debug | --ram | --svg | --html | --csv | --text | --json | --samples | --cyclictest | \
			--oslat | --system) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
		--connect | -c) mapfile -t COMPREPLY < <(compgen -W 'unix: udp:' -- "$current"; compgen -f -- "$current") ;;
		--figure) mapfile -t COMPREPLY < <(compgen -W 'delivery phase gap exit' -- "$current") ;;
		*) mapfile -t COMPREPLY < <(_mullion_files "$subcommand" "$current") ;;
		esac
	fi
}

complete -o filenames -F _mullion mullion
