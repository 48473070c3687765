# Sourced by the tests with peers: a place that stays afterwards, build/interop/NAME, and TAP. A test ends with
# `exit $status`.
build=${BUILD:-build}
here=verification/interop
work=$build/interop/$(basename "$0" .t)
rm -rf "$work"
mkdir -p "$work"
number=0
status=0

# ok STATUS SENTENCE [FILE]: what the file says where it failed.
ok() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		[ -z "${3:-}" ] || sed 's/^/# /' "$3" | tail -n 40
		status=1
	fi
}

# peer_begins NAME NUMBER OTHER SCRIPT WORDS...: a Linux peer in $work, until it has booted; its number in $peer. What else polls
# begins afterwards: two that poll beside it would make its boot last twice as long.
peer_begins() {
	rm -f "$work/$1.log"
	"$here/peer" "$build" "$work" "$@" >"$work/peer.log" 2>&1 &
	peer=$!
	while kill -0 "$peer" 2>/dev/null && ! grep -qs '^peer: ready' "$work/$1.log"; do
		sleep 0.1
	done
}
