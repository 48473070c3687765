# Sourced by the gates: a place to work in, and TAP. A gate ends with `exit $status`.
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
status=0

# ok STATUS SENTENCE: one TAP line; a status of 0 passes, and else the log's end is shown.
ok() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		status=1
		[ ! -s "$work/log" ] || tail -n 20 "$work/log" | sed 's/^/# /'
	fi
}
