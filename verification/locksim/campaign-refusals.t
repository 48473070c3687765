#!/bin/sh
# Ten million messages of chance for each state of a server and of a participant: those refused change no byte.
build=${BUILD:-build}
make -s --no-print-directory BUILD="$build" "$build/unit/test_lock_refusals" >&2 || exit 1
CMOCKA_MESSAGE_OUTPUT=TAP exec "$build/unit/test_lock_refusals" 10000000
