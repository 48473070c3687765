# Sourced by the tests of the rules: where things are, and TAP.
build=${BUILD:-build}
MULLION=${MULLION:-$build/tools/mullion}
export MULLION
rules=$build/verification/rules-list
here=verification/rules
work=$build/rules/$(basename "$0" .t)
count=0
failed=0

rm -rf "$work"
mkdir -p "$work"

# ok STATUS SENTENCE: one TAP line; a status of 0 passes.
ok() {
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		failed=1
	fi
}
