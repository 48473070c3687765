# Unit tests of the lock service's bounds: arithmetic against arithmetic written out by hand.
UNIT_TESTS += test_lock_bound

test_lock_bound_SRCS := tools/mullion/lock_bound.c
