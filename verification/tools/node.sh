# For tests of the host's side of docs/control.md: a fake node beside the test, and TAP. Sourced.
mullion=${MULLION:-${BUILD:-build}/tools/mullion}
work=$(mktemp -d)
node_pid=
number=0

end_node() {
	[ -z "$node_pid" ] || { kill "$node_pid" 2>/dev/null; wait "$node_pid" 2>/dev/null; }
	node_pid=
}
trap 'end_node; rm -rf "$work"' EXIT

# start_node [OPTION...]: a fresh one at $work/line, in $MULLION_NODE.
start_node() {
	end_node
	rm -f "$work/line" "$work/record"
	verification/tools/fake_node.py "unix:$work/line" --record "$work/record" "$@" 2>"$work/node" &
	node_pid=$!
	wait_for "$work/line"
	export MULLION_NODE="unix:$work/line"
}
wait_for() {
	for _ in $(seq 200); do
		[ ! -e "$1" ] || return 0
		sleep 0.05
	done
	echo "# $1 does not appear"
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
	timeout 30 "$@" >"$work/out" 2>"$work/err" </dev/null
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
