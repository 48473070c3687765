# Sourced by the attacker's tests, after lib.sh: what a run reported, as our own results and as JSON.

# acts NAME LEAST: the run has tried at least so many acts, all contained, no two the same.
acts() {
	total=$(sed -n 's/^attack: \([0-9]*\) acts, .*/\1/p' "$serial")
	contained=$(sed -n 's/^attack: .* \([0-9]*\) contained.*/\1/p' "$serial")
	emulated=$(sed -n 's/^attack: .* \([0-9]*\) of them in the emulator.*/\1/p' "$serial")
	[ "${total:-0}" -ge "$2" ]
	ok $? "$1: it tried ${total:-no} acts, at least $2"
	[ -n "$total" ] && [ "$contained" = "$total" ] && ! grep -q '^not ok' "$serial"
	ok $? "$1: all of them are contained"
	grep -A1 '^not ok' "$serial" | sed 's/^not ok/# not ok/'
	[ "$(sed -n 's/^ok [0-9]* - //p' "$serial" | sort -u | wc -l)" -eq "${total:-0}" ]
	ok $? "$1: no two of them are the same"
	runs_json="$runs_json${runs_json:+, }\"$1\": {\"total\": ${total:-0}, \"contained\": ${contained:-0}, \"emulator\": ${emulated:-0}}"
	all=$((${all:-0} + ${total:-0}))
	good=$((${good:-0} + ${contained:-0}))
}

# write_acts FILE: all runs so far.
write_acts() {
	printf '{"total": %d, "contained": %d, "runs": {%s}}\n' "$all" "$good" "$runs_json" | facts "$1"
}
