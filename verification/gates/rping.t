#!/bin/sh
# Which end of Linux's rping its stand-in takes for a good one: its own 0, and the slip of rdma-core at its end. The rping that
# it runs is made up here.
set -u
echo 1..6
. verification/gates/tap.sh
cat >"$work/rping.debian" <<'END'
#!/bin/sh
cat "$SAYS"
exit "$ENDS"
END
chmod +x "$work/rping.debian"

# ends STATUS LINE...: how the stand-in ends where rping says these lines and ends so.
ends() {
	ENDS=$1 SAYS=$work/says
	export ENDS SAYS
	shift
	printf '%s\n' "$@" >"$SAYS"
	PATH=$work:$PATH sh verification/interop/rping >"$work/log" 2>&1
}
slip='rdma_get_cm_event: Bad file descriptor'

ends 0 'ping data: rdma-ping-0'
ok $? 'a good end is one'
ends 255 'server DISCONNECT EVENT...' "$slip" && cmp -s "$work/says" "$work/log"
ok $? 'the slip after the end of the connection is, and all that was said is passed on'
ends 255 "$slip"
[ $? -eq 255 ]
ok $? 'the slip while it is connected is none'
ends 255 'server DISCONNECT EVENT...' 'cq completion failed status 5' "$slip"
[ $? -eq 255 ]
ok $? 'nor after a failed completion'
ends 255 'server DISCONNECT EVENT...'
[ $? -eq 255 ]
ok $? 'nor is another 255'
ends 1 'server DISCONNECT EVENT...' "$slip"
[ $? -eq 1 ]
ok $? 'nor another status'
exit $status
