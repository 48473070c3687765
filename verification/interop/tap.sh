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
