# For tests of the host's side of docs/control.md: a fake node beside the test, and TAP. Sourced.
mullion=${MULLION:-${BUILD:-build}/tools/mullion}
work=$(mktemp -d)
node_pid=
number=0
# Only what hangs comes to these: a busy host may stand still for seconds.
deadline_s=300
patient=(--timeout 120)

end_node() {
	[ -z "$node_pid" ] || { kill "$node_pid" 2>/dev/null; wait "$node_pid" 2>/dev/null; }
	node_pid=
}
trap 'end_node; rm -rf "$work"' EXIT

# start_by WAY [OPTION...]: a fresh one, by unix, udp or pty at $work/line; its address in $MULLION_NODE.
start_by() {
	way=$1
	shift
	end_node
	rm -f "$work/line" "$work/record"
	verification/tools/fake_node.py "$way:$work/line" --record "$work/record" "$@" 2>"$work/node" &
	node_pid=$!
	wait_for_line
	case $way in
	unix) MULLION_NODE=unix:$work/line ;;
	udp) MULLION_NODE=udp:$(cat "$work/line") ;;
	pty) MULLION_NODE=$work/line ;;
	esac
	export MULLION_NODE
}
start_node() { start_by unix "$@"; }
# Until it listens, or has ended.
wait_for_line() {
	for _ in $(seq $((deadline_s * 20))); do
		[ ! -e "$work/line" ] || return 0
		kill -0 "$node_pid" 2>/dev/null || break
		sleep 0.05
	done
	echo "# $work/line does not appear"
	sed 's/^/# /' "$work/node"
}

ok() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; fi
}
# ends STATUS SENTENCE COMMAND...: the exit status; its words are kept.
ends() {
	want=$1 what=$2
	shift 2
	timeout "$deadline_s" "$@" >"$work/out" 2>"$work/err" </dev/null
	got=$?
	[ $got -eq "$want" ]
	ok $? "$what"
	[ $got -eq "$want" ] || { echo "# status $got"; sed 's/^/# /' "$work/err"; }
}
prints() { matches "$work/out" "$@"; }
says() { matches "$work/err" "$@"; }
matches() { # FILE PATTERN SENTENCE
	grep -q -- "$2" "$1"
	found=$?
	ok $found "$3"
	[ $found -eq 0 ] || sed 's/^/# /' "$1" | head -20
}
